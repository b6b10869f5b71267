//! What people of a scenario do by the links in their last mail: leave, choose, confirm, come back.

use super::error::{Failure, LineError};
use super::gifts::Inside;
use super::player::{Player, Watcher};
use super::story::{self, Line};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{MessageId, TopicName};
use crate::domain::preferences::{Frequency, Pause, PreferenceChange};
use crate::domain::time::Delay;
use crate::render::links::{Mark, Purpose};
use crate::turn::answer::Given;
use crate::turn::call::{Answer, Call};
use crate::turn::choice::{By, Choice, Chosen};
use std::collections::BTreeSet;

impl<W: Watcher> Player<W> {
    /// Each click comes twice, as people do, and the second time must write nothing.
    pub(super) fn choose(&mut self, line: &Line) -> Result<(), Failure> {
        let address = story::address(line.word(1));
        let message = self.world.mails_to(&address)?.pop();
        let message = message.ok_or_else(|| line.wrong("she got no mail"))?;
        let choice = match line.what() {
            "prefers" => self.preferred(line)?,
            "confirms" => Choice::Confirm(self.mark(&message, &address).map_err(|error| line.wrong(error))?),
            "returns" => Choice::Subscribe(self.mark(&message, &address).map_err(|error| line.wrong(error))?),
            "answers" => given(line)?,
            "opens" => self.revealed(line, &message)?,
            _ => Choice::Unsubscribe,
        };
        let shard = self.world.settings.shards.of_message(&message);
        let prefix = message.contact_prefix().to_owned();
        let call = Call::Choose {
            message,
            choice,
            by: By::default(),
        };
        let answer = self.world.call(shard, call.clone())?;
        match answer {
            // What comes of one that is passed on is seen below.
            Answer::Chosen(Chosen::Done | Chosen::Passed) => {}
            other => self
                .watcher
                .note(&self.world, &format!("the page says {other:?}")),
        }
        let before = self.world.rows_written();
        self.world.call(shard, call)?;
        // A click about somebody who was merged is forwarded each time, and tells its contact nothing new.
        let merged = !self
            .world
            .live()?
            .iter()
            .any(|contact| contact.id.as_str().starts_with(&prefix));
        if !merged && self.world.rows_written() > before {
            self.watcher.note(&self.world, "the second click wrote something");
        }
        self.watcher.look(&self.world)
    }

    fn mark(&self, message: &MessageId, address: &str) -> Result<Mark, String> {
        let keys = self
            .world
            .settings
            .link_keys
            .as_ref()
            .ok_or("there is no LINK_KEY")?;
        let to = EmailAddress::parse(address).map_err(|error| error.to_string())?;
        let token = keys.token(Purpose::Confirm, message, &to);
        let named = keys.verify(Purpose::Confirm, &token);
        named.map(|named| named.mark).map_err(|error| error.to_string())
    }

    /// `opens nadia scratch`: the gift's pool gives its code first, as for the page.
    fn revealed(&mut self, line: &Line, message: &MessageId) -> Result<Choice, Failure> {
        let name = line.word(2);
        let gifts = &self.world.catalog.store.gifts;
        let gift = gifts.iter().find(|gift| gift.id == name);
        let gift = gift.ok_or_else(|| line.wrong(format!("store.yaml declares no gift `{name}`")))?;
        match self.world.look_into(message, gift)? {
            Inside::Code(revealed) => {
                let code = &revealed.code;
                self.watcher
                    .note(&self.world, &format!("{} finds {code}", line.word(1)));
                Ok(Choice::Reveal(revealed))
            }
            Inside::Nothing => Err(line.wrong(format!("the pool `{}` is empty", gift.pool)).into()),
            Inside::NotFound => Err(line.wrong("nobody is known by the mail").into()),
        }
    }

    /// `prefers nadia off=news on=carts less pause=30d locale=de`
    fn preferred(&self, line: &Line) -> Result<Choice, LineError> {
        let frequency = match (line.flag("less"), line.flag("all")) {
            (true, _) => Some(Frequency::LessOften),
            (false, true) => Some(Frequency::All),
            (false, false) => None,
        };
        let pause = match line.option("pause") {
            None => None,
            Some("over") => Some(Pause::Over),
            Some(text) => {
                let rest = Delay::parse(text).map_err(|error| line.wrong(error))?;
                Some(Pause::Until(self.world.now.plus(rest)))
            }
        };
        let change = PreferenceChange {
            on: topics(line, "on")?,
            off: topics(line, "off")?,
            frequency,
            pause,
        };
        Ok(Choice::Prefer {
            change,
            locale: line.option("locale").map(str::to_owned),
        })
    }
}

/// `answers nadia nps=9 comment=too_slow`: a blank in the comment is written `_`.
fn given(line: &Line) -> Result<Choice, LineError> {
    let comment = line.option("comment").map(|text| text.replace('_', " "));
    let mut said = line.options().filter(|(name, _)| *name != "comment");
    let (question, answer) = said
        .next()
        .ok_or_else(|| line.wrong("say what is answered, as `nps=9`"))?;
    Ok(Choice::Answer(Given {
        question: question.to_owned(),
        answer: answer.to_owned(),
        comment,
    }))
}

fn topics(line: &Line, option: &str) -> Result<BTreeSet<TopicName>, LineError> {
    let names = line.option(option).into_iter().flat_map(|names| names.split(','));
    names
        .map(|name| TopicName::parse(name).map_err(|error| line.wrong(error)))
        .collect()
}
