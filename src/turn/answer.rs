//! What a reader answers to a question of a mail, and the gift that they open: events like any other, in one turn.
//!
//! `choice` finds the contact and calls. The same answer again writes nothing; another one is another event. A gift is
//! opened once by a contact, whichever of their mails had the link.

use super::choice::{By, Chosen};
use super::unsubscribe::own_event;
use super::{Error, Loaded, Turn};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{ContactId, EventId, MessageId};
use crate::domain::mail::header_text;
use crate::engine::ids;
use crate::journey::question::{Answer, Question};
use crate::render::questions::MAX_COMMENT_CHARS;
use crate::store;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most comments below one question of one mail, and most returns to one answer: a link that was handed on floods nobody.
const MOST_COMMENTS: u32 = 5;
const MOST_RETURNS: u32 = 5;

/// An answer, as the page posts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// By their ids in `store.yaml`.
    pub question: String,
    pub answer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A gift with the code that its pool gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revealed {
    pub gift: String,
    pub code: String,
}

/// What a pool knows the opening of a gift by: who asks again gets the same code.
pub fn gift_errand(contact: &ContactId, gift: &str) -> String {
    ids::digest(&format!("gift:{contact}:{gift}"))
}

impl Turn<'_> {
    /// Notes an answer, and the comment that came with it.
    pub(super) fn answer(
        &self,
        loaded: Loaded,
        message: &MessageId,
        given: &Given,
        by: &By,
    ) -> Result<Chosen, Error> {
        let questions = &self.catalog.store.questions;
        let question = questions.iter().find(|question| question.id == given.question);
        let answer = question.and_then(|question| {
            let mut answers = question.answers(None).into_iter();
            answers.find(|answer| answer.id == given.answer)
        });
        // A deploy took it away since the mail was sent.
        let (Some(question), Some(answer)) = (question, answer) else {
            return Ok(Chosen::NotFound);
        };
        let mut loaded = loaded;
        if let Some(event) = self.answered(&loaded, message, (question, &answer), by)? {
            loaded = self.tell(loaded, event)?;
        }
        let comment = given
            .comment
            .as_deref()
            .map(clean)
            .filter(|text| !text.is_empty());
        if let Some(comment) = comment.filter(|_| question.asks_comment(&answer)) {
            let head = format!("comment:{message}:{}", question.id);
            let id = EventId::parse(&format!("{head}:{}", ids::digest(&comment)))?;
            let (contact, most) = (&loaded.contact.id, MOST_COMMENTS);
            let room = store::event::count_under(self.sql, contact, &head)? < most;
            if room && !store::event::seen(self.sql, contact, &id)? {
                let mut event = self.about(message, id, EventKind::QuestionCommented, by)?;
                event.data.properties.append(&mut properties(question, &answer));
                event.data.properties.insert("comment".to_owned(), comment.into());
                self.tell(loaded, event)?;
            }
        }
        Ok(Chosen::Done)
    }

    /// The event of an answer; none when it is what holds already.
    fn answered(
        &self,
        loaded: &Loaded,
        message: &MessageId,
        (question, answer): (&Question, &Answer),
        by: &By,
    ) -> Result<Option<Event>, Error> {
        let value = answer
            .score
            .map_or_else(|| Value::from(answer.id.as_str()), Value::from);
        let id = format!("answer:{message}:{}:{}", question.id, answer.id);
        let first = EventId::parse(&id)?;
        let id = if store::event::seen(self.sql, &loaded.contact.id, &first)? {
            let held = loaded.contact.profile.attributes.get(&question.id);
            if held == Some(&value) {
                return Ok(None);
            }
            if store::event::count_under(self.sql, &loaded.contact.id, &id)? >= MOST_RETURNS {
                return Ok(None);
            }
            // Back to an answer that was given before the last one.
            EventId::parse(&format!("{id}:{}", self.now.as_millis()))?
        } else {
            first
        };
        let mut event = self.about(message, id, EventKind::QuestionAnswered, by)?;
        event.data.properties = properties(question, answer);
        event.profile.attributes.insert(question.id.clone(), value);
        Ok(Some(event))
    }

    /// Notes that a gift was opened, the first time.
    pub(super) fn reveal(
        &self,
        loaded: Loaded,
        message: &MessageId,
        revealed: &Revealed,
        by: &By,
    ) -> Result<Chosen, Error> {
        let id = gift_event(&revealed.gift)?;
        if store::event::seen(self.sql, &loaded.contact.id, &id)? {
            return Ok(Chosen::Done);
        }
        let mut event = self.about(message, id, EventKind::GiftRevealed, by)?;
        let properties = [("gift", &revealed.gift), ("code", &revealed.code)];
        event.data.properties = properties
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.as_str().into()))
            .collect();
        self.tell(loaded, event)?;
        Ok(Chosen::Done)
    }

    /// The codes that the contact found in gifts. A merge brings the other's events, and so the other's codes: who opened a
    /// gift before is not given it once more by the pool, which knows them by another id.
    pub(super) fn gifts_of(&self, contact: &ContactId) -> Result<BTreeMap<String, String>, Error> {
        let mut found = BTreeMap::new();
        for gift in &self.catalog.store.gifts {
            let event = store::event::get(self.sql, contact, &gift_event(&gift.id)?)?;
            let code = event.and_then(|event| Some(event.data.properties.get("code")?.as_str()?.to_owned()));
            found.extend(code.map(|code| (gift.id.clone(), code)));
        }
        Ok(found)
    }

    /// An event about a mail of this contact. Whose row of the mail lies in another shard, there it is known by its id.
    fn about(&self, message: &MessageId, id: EventId, kind: EventKind, by: &By) -> Result<Event, Error> {
        let mut event = own_event(id, kind, self.now);
        event.occurred_at = by.at.unwrap_or(self.now);
        event.data.message_id = Some(message.to_string());
        event.data.enrollment_id =
            store::message::get(self.sql, message)?.map(|stored| stored.message.enrollment);
        Ok(event)
    }
}

/// The id of the first opening.
fn gift_event(gift: &str) -> Result<EventId, Error> {
    Ok(EventId::parse(&format!("gift:{gift}"))?)
}

fn properties(question: &Question, answer: &Answer) -> BTreeMap<String, Value> {
    let mut properties = BTreeMap::from([
        ("question".to_owned(), question.id.as_str().into()),
        ("answer".to_owned(), answer.id.as_str().into()),
    ]);
    if let Some(score) = answer.score {
        properties.insert("score".to_owned(), score.into());
    }
    properties
}

/// One line of plain text, cut off where it becomes a book.
fn clean(comment: &str) -> String {
    let cut: String = comment.chars().take(MAX_COMMENT_CHARS).collect();
    header_text(&cut)
}
