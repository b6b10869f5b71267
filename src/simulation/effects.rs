//! Watching a world: what changed since the last look, in words, with the time since the start.

use super::error::Failure;
use super::player::Watcher;
use super::world::World;
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, MessageId};
use crate::domain::message::{DropReason, Message, MessageState};
use crate::domain::time::Timestamp;
use crate::engine::state::{Contact, EndReason, Ended, Position};
use std::collections::{BTreeMap, BTreeSet};

/// More lines of a kind in one moment are told in one.
const MANY: usize = 9;

#[derive(Default)]
pub struct Effects {
    lines: Vec<String>,
    running: BTreeSet<EnrollmentId>,
    ended: BTreeSet<EnrollmentId>,
    messages: BTreeMap<MessageId, MessageState>,
    letters: BTreeSet<String>,
    remarks: usize,
    notified: usize,
    errands: BTreeSet<String>,
    taken: usize,
}

impl Effects {
    fn segments(&mut self, world: &World, contact: &Contact) {
        let since = |at: Timestamp| format!("+{}", at.since(world.start));
        let standings = &contact.segments;
        if standings.of.is_empty() {
            return;
        }
        let names = standings
            .of
            .iter()
            .filter_map(|(name, held)| Some((name, held.since?)));
        let names: Vec<String> = names
            .map(|(name, at)| format!("{name} since {}", since(at)))
            .collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        let next = standings.look_again.map_or_else(|| "never".to_owned(), since);
        self.note(world, &format!("  segments: {names}; looks again {next}"));
    }

    /// All lines; many of one moment that differ only in whom they are about become one.
    pub fn text(&self) -> String {
        let alike = |line: &str| line.split([':', '@']).next().unwrap_or_default().to_owned();
        let groups = self.lines.chunk_by(|one, two| alike(one) == alike(two));
        let lines = groups.flat_map(|group| match group {
            [first, ..] if group.len() > MANY => vec![format!("{first} and so on, {} times", group.len())],
            few => few.to_vec(),
        });
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn enrollments(
        &mut self,
        world: &World,
        contact: &Contact,
        news: &mut Vec<String>,
    ) -> Result<(), Failure> {
        for enrollment in &contact.enrollments {
            if self.running.insert(enrollment.id.clone()) {
                let who = address_of(contact);
                news.push(format!(
                    "started {} for {}",
                    enrollment.journey,
                    about(&enrollment.key, &who)
                ));
            }
        }
        for ended in world.ended(&contact.id)? {
            if self.ended.insert(ended.id.clone()) {
                let key = about(&ended.key, &address_of(contact));
                let (journey, how) = (&ended.journey, in_words(&ended));
                if self.running.contains(&ended.id) {
                    news.push(format!("ended {journey} for {key}: {how}"));
                } else if ended.reason != EndReason::TooManyEnrollments {
                    news.push(format!("went through {journey} for {key}: {how}"));
                } else {
                    news.push(format!("did not start {journey} for {key}: {how}"));
                }
            }
        }
        Ok(())
    }
}

impl Watcher for Effects {
    fn note(&mut self, world: &World, what: &str) {
        let at = format!("+{}", world.now.since(world.start));
        self.lines.push(format!("{at:<10} {what}").trim_end().to_owned());
    }

    /// Notes what changed. Within one moment the order of shards must not show, so the lines are sorted.
    fn look(&mut self, world: &World) -> Result<(), Failure> {
        let mut news = Vec::new();
        for contact in world.live()? {
            self.enrollments(world, &contact, &mut news)?;
        }
        for stored in world.messages()? {
            let message = &stored.message;
            if self.messages.insert(message.id.clone(), message.state) != Some(message.state) {
                news.extend(fate(world, &stored.contact, message)?);
            }
        }
        for mail in world.provider.borrow().taken.iter().skip(self.taken) {
            let again = if mail.key.ends_with("-2") {
                " once more"
            } else {
                ""
            };
            news.push(format!("the provider took {} to {}{again}", mail.step, mail.to));
        }
        self.taken = world.provider.borrow().taken.len();
        let notified = world.notified.borrow();
        for (_, errand, body) in notified.iter().skip(self.notified) {
            let email = body
                .pointer("/data/contact/email")
                .and_then(|email| email.as_str());
            let known = self.errands.insert(errand.clone());
            let again = if known { "" } else { " again" };
            news.push(format!("notified about {}{again}", email.unwrap_or("somebody")));
        }
        self.notified = notified.len();
        for letter in world.letters()? {
            if self.letters.insert(letter.id.clone()) {
                news.push(format!("set aside: {}: {}", letter.what, letter.reason));
            }
        }
        let remarks = world.remarks.borrow();
        news.extend(
            remarks
                .iter()
                .skip(self.remarks)
                .map(|remark| format!("remark: {remark}")),
        );
        self.remarks = remarks.len();
        news.sort();
        for line in news {
            self.note(world, &line);
        }
        Ok(())
    }

    /// Notes what is known of somebody.
    fn show(&mut self, world: &World, address: &str) -> Result<(), Failure> {
        let contacts = world.live()?;
        let known = |contact: &&Contact| {
            contact
                .addresses
                .iter()
                .any(|held| held.email.canonical() == address)
        };
        let Some(contact) = contacts.iter().find(known) else {
            self.note(world, &format!("{address} is not known"));
            return Ok(());
        };
        let addresses: Vec<String> = contact
            .addresses
            .iter()
            .map(|held| format!("{} {:?}", held.email.canonical(), held.consent.state).to_lowercase())
            .collect();
        let orders: Vec<String> = world
            .orders(&contact.id)?
            .iter()
            .map(|order| format!("{} {}", order.key, order.status.as_str()))
            .collect();
        let spend = contact
            .purchases
            .spend
            .map_or_else(|| "nothing".to_owned(), |spend| spend.to_string());
        self.note(
            world,
            &format!(
                "{}; spent {spend} in {} orders [{}]",
                addresses.join(", "),
                contact.purchases.orders,
                orders.join(", ")
            ),
        );
        self.segments(world, contact);
        if contact.referrals > 0 {
            self.note(world, &format!("  friends brought: {}", contact.referrals));
        }
        for enrollment in &contact.enrollments {
            let place = match &enrollment.position {
                Position::Waiting { until } => format!("until +{}", until.since(world.start)),
                Position::Asking(asking) => format!("asks, +{}", asking.due.since(world.start)),
                Position::Sending(sending) if sending.dispatched => "its request is out".to_owned(),
                Position::Sending(sending) => format!("due +{}", sending.due.since(world.start)),
            };
            let place = match &enrollment.coupon {
                Some(coupon) => format!("{place}, with coupon {}", coupon.code),
                None => place,
            };
            let key = about(&enrollment.key, &address_of(contact));
            self.note(
                world,
                &format!(
                    "  in {} for {key} at {}, {place}",
                    enrollment.journey, enrollment.step
                ),
            );
        }
        Ok(())
    }
}

pub(super) fn address_of(contact: &Contact) -> String {
    let address = contact.address().map(|address| address.email.canonical());
    address.unwrap_or_else(|| "somebody".to_owned())
}

/// A contact's own key is a hash that says nothing to a reader.
pub(super) fn about(key: &EnrollmentKey, who: &str) -> String {
    let is_contact = ContactId::parse(key.as_str()).is_ok();
    if is_contact {
        who.to_owned()
    } else {
        key.to_string()
    }
}

fn fate(world: &World, contact: &ContactId, message: &Message) -> Result<Option<String>, Failure> {
    let who = world
        .owner(contact)?
        .map_or_else(|| "somebody".to_owned(), |contact| address_of(&contact));
    let step = &message.step;
    let reason = message.reason.as_deref().unwrap_or_default();
    Ok(Some(match message.state {
        MessageState::Accepted => {
            let mails = world.outbox()?;
            let to = mails
                .iter()
                .find(|mail| mail.id == message.id)
                .map_or(who, |mail| mail.to.canonical());
            format!("sent {step} to {to}")
        }
        MessageState::Dropped => format!("dropped {step} for {who}: {}", drop_words(reason)),
        MessageState::Failed => format!("failed {step} for {who}: {reason}"),
        MessageState::GivenUp => format!("gave up {step} for {who}: {reason}"),
        MessageState::Shadowed => format!("shadowed {step} for {who}"),
        MessageState::Unknown => format!("unknown what became of {step} to {who}: {reason}"),
        MessageState::Intended if message.attempt > 0 => format!("put back {step} to {who}: {reason}"),
        MessageState::Intended => return Ok(None),
    }))
}

pub(super) fn drop_words(reason: &str) -> &str {
    let known = DropReason::ALL.iter().find(|known| known.as_str() == reason);
    known.map_or(reason, |known| known.in_words())
}

pub(super) fn in_words(ended: &Ended) -> String {
    let mut words = reason_in_words(&ended.reason);
    for (split, arm) in &ended.arms {
        words.push_str(&format!(", {split} {arm}"));
    }
    if ended.held_out {
        words.push_str(", held out");
    }
    if ended.goal_at.is_some() {
        words.push_str(", goal reached");
    }
    words
}

pub(super) fn reason_in_words(reason: &EndReason) -> String {
    match reason {
        EndReason::Exited(kind) => format!("exited by {kind}"),
        EndReason::EnteredSegment(segment) => format!("entered segment {segment}"),
        EndReason::LeftSegment(segment) => format!("left segment {segment}"),
        other => other.as_str().replace('_', " "),
    }
}
