//! Plays a scenario's lines in a world, and lets somebody watch.

use super::error::{Failure, LineError};
use super::story::{self, Line};
use super::telling::Story;
use super::world::World;
use crate::domain::event::Event;
use crate::domain::ids::JourneyId;
use crate::domain::switches::Change;
use crate::domain::time::Timestamp;
use crate::journey::region::Region;
use crate::journey::store_file::{Referral, UnknownPolicy};
use crate::providers::ProviderKind;
use crate::store;
use crate::turn::call::Ingested;

/// Words of a line that are no event of a shopper.
pub(super) const WORDS: [&str; 25] = [
    "again",
    "fault",
    "crash",
    "outage",
    "deploy",
    "stop",
    "go",
    "pause",
    "resume",
    "protect",
    "click",
    "confirms",
    "prefers",
    "answers",
    "opens",
    "returns",
    "arrived",
    "opened",
    "clicked",
    "bounced",
    "complained",
    "coupons",
    "hook",
    "offer",
    "show",
];

/// Who sees what the player does.
pub trait Watcher {
    /// Something may have changed.
    ///
    /// # Errors
    /// When the world cannot be read.
    fn look(&mut self, world: &World) -> Result<(), Failure>;

    /// Something happened that leaves no trace in the world.
    fn note(&mut self, world: &World, what: &str);

    /// The line asks what is known of somebody.
    ///
    /// # Errors
    /// When the world cannot be read.
    fn show(&mut self, world: &World, address: &str) -> Result<(), Failure>;
}

/// A world, what was told in it, and who watches.
pub struct Player<W> {
    pub world: World,
    pub story: Story,
    pub watcher: W,
}

/// The provider that a scenario asks for.
pub fn provider(text: &str) -> ProviderKind {
    match story::value(text, "provider") {
        Some("resend") => ProviderKind::Resend,
        Some("postmark") => ProviderKind::Postmark,
        Some(_) | None => ProviderKind::Outbox,
    }
}

impl<W: Watcher> Player<W> {
    pub fn new(world: World, watcher: W) -> Self {
        let mut story = Story::default();
        let hash_key = world.settings.hash_key.iter().next();
        hash_key.unwrap_or_default().clone_into(&mut story.hash_key);
        Self {
            story,
            world,
            watcher,
        }
    }

    /// Plays a whole time line.
    ///
    /// # Errors
    /// With the number of the line that cannot be read or played.
    pub fn play(&mut self, text: &str) -> Result<(), Failure> {
        let lines = story::read(text)?;
        let number = |word: &str| {
            let mut lines = (1..).zip(text.lines());
            lines
                .find(|(_, line)| line.split_whitespace().next() == Some(word))
                .map_or(0, |(number, _)| number)
        };
        if let Some(names) = story::value(text, "drafts") {
            self.world.play_drafts(names, number("drafts"))?;
        }
        if let Some(policy) = story::value(text, "store") {
            let number = number("store");
            self.store(policy)
                .map_err(|problem| LineError { number, problem })?;
        }
        lines.iter().try_for_each(|line| self.line(line))
    }

    fn store(&mut self, policy: &str) -> Result<(), String> {
        let store = &mut self.world.catalog.store;
        for (key, value) in policy.split_whitespace().filter_map(|word| word.split_once('=')) {
            match (key, value) {
                ("quiet", hours) => {
                    let hours = hours.parse().map_err(|error| format!("{error}"))?;
                    store.quiet_hours = Some(hours);
                }
                ("region", name) => {
                    let mut all = Region::ALL.into_iter();
                    let region = all.find(|region| region.as_str() == name);
                    store.region = region.ok_or_else(|| format!("there is no region `{name}`"))?;
                }
                ("marketing", "resend_once") => store.on_unknown.marketing = UnknownPolicy::ResendOnce,
                ("transactional", "give_up") => store.on_unknown.transactional = UnknownPolicy::GiveUp,
                ("referral", "none") => store.referral = None,
                ("referral", link) => {
                    let link = link.to_owned();
                    store.referral = Some(Referral { link });
                }
                (key, value) => return Err(format!("`{key}={value}` is no policy that a scenario may set")),
            }
        }
        Ok(())
    }

    /// Runs all that is due until the line's time, and does what it says.
    ///
    /// # Errors
    /// As [`Player::play`].
    pub fn line(&mut self, line: &Line) -> Result<(), Failure> {
        let at = self.world.start.plus(line.at);
        if line.what() == "outage" {
            self.world.now = at;
            return Ok(());
        }
        self.run_until(at)?;
        match line.what() {
            "" => {}
            "again" => self.again(line)?,
            "fault" => {
                let fault = story::fault(line.word(1)).map_err(|problem| line.wrong(problem))?;
                let times = line.number("times")?.unwrap_or(1);
                let mut provider = self.world.provider.borrow_mut();
                provider.faults.extend((0..times).map(|_| fault));
            }
            "crash" => {
                let point = story::point(line.word(1)).map_err(|problem| line.wrong(problem))?;
                self.world.crash_at(point);
            }
            "deploy" => {
                let file = line.word(1).to_owned();
                self.world.deploy(&[(file, line.block.clone())])?;
                if line.word(2) != "unswept" {
                    self.world.sweep()?;
                    self.watcher.look(&self.world)?;
                }
            }
            "stop" | "go" => {
                let stopped = Some(line.what() == "stop");
                self.world.switch(&Change {
                    stopped,
                    ..Change::default()
                })?;
            }
            "pause" | "resume" => self.pause(line)?,
            "protect" => {
                self.world.protect()?;
                self.world.sweep()?;
                self.watcher.look(&self.world)?;
            }
            "click" | "confirms" | "prefers" | "returns" | "answers" | "opens" => self.choose(line)?,
            "arrived" | "opened" | "clicked" | "bounced" | "complained" => self.report(line)?,
            "coupons" => {
                let codes: Vec<String> = line.words().skip(2).map(str::to_owned).collect();
                store::coupon::import(&self.world.store, line.word(1), &codes)?;
            }
            "hook" => self.hook(line)?,
            "offer" => self.offer(line)?,
            "show" => self.watcher.show(&self.world, &story::address(line.word(1)))?,
            _ => {
                for line in line.each()? {
                    let event = self.story.event(&line, self.world.start, self.world.now)?;
                    if line.flag("meanwhile") {
                        self.world.meanwhile.borrow_mut().push_back(event);
                    } else {
                        self.deliver(event)?;
                    }
                }
            }
        }
        self.run_until(at)
    }

    /// Moves the clock; a crash that was asked for is watched, and the process starts again.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn run_until(&mut self, at: Timestamp) -> Result<(), Failure> {
        let watcher = &mut self.watcher;
        match self.world.run_until(at, |world| watcher.look(world)) {
            Err(Failure::Crash) => {
                self.watcher.look(&self.world)?;
                self.watcher.note(&self.world, "the process died");
                self.world.restart();
                let watcher = &mut self.watcher;
                self.world.run_until(at, |world| watcher.look(world))
            }
            done => done,
        }
    }

    /// Delivers an event as a source's webhook would, and notes what came of it if it was not simply applied.
    ///
    /// # Errors
    /// When the world cannot be read.
    pub fn deliver(&mut self, event: Event) -> Result<(), Failure> {
        let what = match self.world.ingest(event) {
            Ok(Ingested::Applied) => None,
            Ok(Ingested::Duplicate) => Some("duplicate".to_owned()),
            Ok(Ingested::Parked) => Some("parked: nobody is known by it".to_owned()),
            Ok(Ingested::Ignored) => Some("ignored: it names nobody".to_owned()),
            Ok(other) => Some(format!("{other:?}")),
            Err(error) => Some(format!("refused: {error}")),
        };
        if let Some(what) = what {
            self.watcher.note(&self.world, &what);
        }
        self.watcher.look(&self.world)
    }

    fn again(&mut self, line: &Line) -> Result<(), Failure> {
        let last = self.story.last.clone();
        let event = last.ok_or_else(|| line.wrong("nothing came before that could come again"))?;
        let before = self.world.rows_written();
        self.deliver(event)?;
        let written = self.world.rows_written() - before;
        if written > 0 {
            self.watcher.note(&self.world, &format!("{written} rows written"));
        }
        Ok(())
    }

    /// What a provider tells of the last mail, or of an earlier one.
    fn report(&mut self, line: &Line) -> Result<(), Failure> {
        let back = line.number("mail")?.unwrap_or(1) as usize;
        let mails = self.world.mails_to(&story::address(line.word(1)))?;
        let message = mails.into_iter().nth_back(back.saturating_sub(1));
        let message = message.ok_or_else(|| line.wrong("she got no such mail"))?;
        let event = self.story.report(line, self.world.now, message)?;
        let before = self.world.rows_written();
        let heard = self.world.hear(vec![event.clone()])?;
        // A report that comes twice tells nothing new.
        let first = self.world.rows_written();
        let again = self.world.hear(vec![event])?;
        if heard.failed + heard.unknown + again.new > 0 || self.world.rows_written() > first {
            let what = format!("{heard:?} in {} rows, then {again:?}", first - before);
            self.watcher.note(&self.world, &what);
        }
        self.watcher.look(&self.world)
    }

    /// A journey, or `marketing` as a whole; cron's sweep follows at once.
    fn pause(&mut self, line: &Line) -> Result<(), Failure> {
        let (is_pause, mut change) = (line.what() == "pause", Change::default());
        match (line.word(1), is_pause) {
            ("marketing", _) => change.marketing_paused = Some(is_pause),
            (journey, true) => change
                .pause
                .push(JourneyId::parse(journey).map_err(|error| line.wrong(error))?),
            (journey, false) => change
                .resume
                .push(JourneyId::parse(journey).map_err(|error| line.wrong(error))?),
        }
        self.world.switch(&change)?;
        self.world.sweep()?;
        self.watcher.look(&self.world)
    }

    /// What the other system answers from now on, or that it is down.
    fn hook(&mut self, line: &Line) -> Result<(), Failure> {
        let answer = match line.word(1) {
            "down" => None,
            text => Some(serde_json::from_str(text).map_err(|error| line.wrong(error))?),
        };
        self.world.hook.replace(answer);
        Ok(())
    }
}
