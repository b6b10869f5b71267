//! A world watched for people: one entry for each thing that happened to a contact, with who, what and why.

use super::effects::{about, address_of, drop_words, in_words};
use super::error::Failure;
use super::player::Watcher;
use super::world::World;
use crate::domain::civil::Zone;
use crate::domain::ids::{ContactId, EnrollmentId, JourneyId, MessageId, StepId};
use crate::domain::message::MessageState;
use crate::domain::time::Timestamp;
use crate::engine::defer::DeferReason;
use crate::engine::state::{Contact, Position};
use std::collections::{BTreeMap, BTreeSet};

/// What kind of thing happened, in the order in which those of one moment are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Started,
    Sent,
    Dropped,
    /// A rule of the store or the journey puts a mail off.
    Held,
    /// It was tried and did not work out.
    Trouble,
    Waits,
    Ended,
    /// What has no contact, as the answer to a delivery.
    Note,
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    /// The contact's zone, when it is known.
    pub zone: Option<Zone>,
    pub who: String,
    pub journey: Option<JourneyId>,
    pub step: Option<StepId>,
    pub verb: Verb,
    pub text: String,
}

/// Watches, and remembers what it has told.
#[derive(Default)]
pub struct Timeline {
    pub entries: Vec<Entry>,
    running: BTreeSet<EnrollmentId>,
    ended: BTreeSet<EnrollmentId>,
    waits: BTreeMap<EnrollmentId, (StepId, Timestamp)>,
    messages: BTreeMap<MessageId, (MessageState, Option<String>)>,
    remarks: usize,
}

/// The zone that somebody is known to live in.
pub(super) fn zone_of(contact: &Contact) -> Option<Zone> {
    contact.profile.timezone.as_deref()?.parse().ok()
}

impl Verb {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Held => "held",
            Self::Trouble => "trouble",
            Self::Waits => "waits",
            Self::Ended => "ended",
            Self::Note => "note",
        }
    }
}

impl Watcher for Timeline {
    fn look(&mut self, world: &World) -> Result<(), Failure> {
        let mut news = Vec::new();
        for contact in world.live()? {
            self.enrollments(world, &contact, &mut news)?;
        }
        self.mails(world, &mut news)?;
        news.sort_by(|one, two| {
            (&one.who, &one.journey, one.verb, &one.text).cmp(&(&two.who, &two.journey, two.verb, &two.text))
        });
        self.entries.extend(news);
        let remarks: Vec<String> = {
            let all = world.remarks.borrow();
            all.iter().skip(self.remarks).map(ToString::to_string).collect()
        };
        self.remarks += remarks.len();
        for remark in remarks {
            self.note(world, &remark);
        }
        Ok(())
    }

    fn note(&mut self, world: &World, what: &str) {
        self.entries.push(Entry {
            at: world.now,
            zone: None,
            who: String::new(),
            journey: None,
            step: None,
            verb: Verb::Note,
            text: what.to_owned(),
        });
    }

    fn show(&mut self, _: &World, _: &str) -> Result<(), Failure> {
        // The timeline shows everybody all the time.
        Ok(())
    }
}

impl Timeline {
    fn enrollments(
        &mut self,
        world: &World,
        contact: &Contact,
        news: &mut Vec<Entry>,
    ) -> Result<(), Failure> {
        let who = address_of(contact);
        let entry = |journey: &JourneyId, step: Option<&StepId>, verb: Verb, text: String| Entry {
            at: world.now,
            zone: zone_of(contact),
            who: who.clone(),
            journey: Some(journey.clone()),
            step: step.cloned(),
            verb,
            text,
        };
        for run in &contact.enrollments {
            if self.running.insert(run.id.clone()) {
                let text = about(&run.key, &who);
                let text = if text == who {
                    String::new()
                } else {
                    format!("for {text}")
                };
                news.push(entry(&run.journey, None, Verb::Started, text));
            }
            let Position::Waiting { until } = &run.position else {
                continue;
            };
            let place = (run.step.clone(), *until);
            if self.waits.insert(run.id.clone(), place.clone()).as_ref() != Some(&place) {
                let text = format!("until {}", moment(*until, zone_of(contact)));
                news.push(entry(&run.journey, Some(&run.step), Verb::Waits, text));
            }
        }
        for ended in world.ended(&contact.id)? {
            if self.ended.insert(ended.id.clone()) {
                if !self.running.contains(&ended.id) {
                    news.push(entry(&ended.journey, None, Verb::Started, String::new()));
                }
                news.push(entry(&ended.journey, None, Verb::Ended, in_words(&ended)));
            }
        }
        Ok(())
    }

    fn mails(&mut self, world: &World, news: &mut Vec<Entry>) -> Result<(), Failure> {
        for stored in world.messages()? {
            let message = stored.message;
            let now = (message.state, message.reason.clone());
            let before = self.messages.insert(message.id.clone(), now.clone());
            let is_new = before.as_ref().is_none_or(|before| *before != now);
            let owner = world.owner(&stored.contact)?;
            if !is_new {
                continue;
            }
            let reason = message.reason.as_deref().unwrap_or_default();
            let (verb, text) = match message.state {
                MessageState::Intended if reason.is_empty() => continue,
                MessageState::Intended => put_off(owner.as_ref(), &message.id, reason),
                MessageState::Accepted | MessageState::Shadowed => (Verb::Sent, String::new()),
                MessageState::Dropped => (Verb::Dropped, drop_words(reason).to_owned()),
                MessageState::Failed => (Verb::Trouble, format!("failed: {reason}")),
                MessageState::GivenUp => (Verb::Trouble, format!("given up: {reason}")),
                MessageState::Unknown => (Verb::Trouble, format!("nobody knows its fate yet: {reason}")),
            };
            news.push(Entry {
                at: world.now,
                zone: owner.as_ref().and_then(zone_of),
                who: owner.as_ref().map_or_else(|| hidden(&stored.contact), address_of),
                journey: Some(message.journey),
                step: Some(message.step),
                verb,
                text,
            });
        }
        Ok(())
    }
}

/// A mail that did not go out yet: until when, and why.
fn put_off(owner: Option<&Contact>, message: &MessageId, reason: &str) -> (Verb, String) {
    let known = DeferReason::ALL.iter().find(|known| known.as_str() == reason);
    let words = known.map_or(reason, |known| known.in_words());
    let due = owner.and_then(|contact| Some(contact.sending(message)?.1.due));
    let until = due.map_or_else(String::new, |due| {
        format!("until {}: ", moment(due, owner.and_then(zone_of)))
    });
    let verb = if known.is_some_and(|known| known.is_ours()) {
        Verb::Held
    } else {
        Verb::Trouble
    };
    (verb, format!("{until}{words}"))
}

fn hidden(contact: &ContactId) -> String {
    contact.as_str().chars().take(8).collect()
}

/// `Mon 2 Mar 10:00`, by the clock of the contact or of UTC.
fn moment(at: Timestamp, zone: Option<Zone>) -> String {
    let local = zone.unwrap_or(Zone::UTC).local(at);
    let clock = local.format("%a %-d %b %H:%M");
    match zone {
        Some(_) => clock.to_string(),
        None => format!("{clock} UTC"),
    }
}
