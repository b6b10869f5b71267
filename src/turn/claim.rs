//! The claim: one synchronous turn that reads, asks the gate, and writes down the exact request before it leaves.
//!
//! A message that may not go is dropped or deferred here, with its reason. One that may is either kept by the embedded
//! outbox, at once, or becomes part of a dispatch: from then on its bytes never change.

use super::bought::CheckoutFacts;
use super::offers::Offers;
use super::wake::DueMessage;
use super::{Error, Loaded, Turn};
use crate::domain::clearance::Clearance;
use crate::domain::identity::Identifier;
use crate::domain::ids::{IdentifierHash, MessageId};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::{Lane, Message, Stream};
use crate::domain::outcome::{Outcome, Rejection};
use crate::engine::decision::{Input, Settlement};
use crate::engine::defer::DeferReason;
use crate::engine::delivery::{Dispatch, Sent, lease_from};
use crate::engine::guard::{self, Verdict};
use crate::engine::ids;
use crate::engine::state::{Enrollment, Facts, Sending};
use crate::engine::warm_up::{self, Places, Today};
use crate::journey::step::Recipient;
use crate::providers::ProviderKind;
use crate::render::outbox::OutboxMail;
use crate::store;
use crate::store::dead_letter::DeadLetter;
use std::sync::Arc;

/// On what a request is claimed.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub provider: ProviderKind,
    /// What other shards say of the carts.
    pub checkouts: &'a CheckoutFacts,
    /// What the catalogue knows of lines that came without a picture.
    pub offers: &'a Offers,
    /// What the warm-up of the sending domain leaves.
    pub places: &'a Places,
    /// Begun in shadow mode: nobody was asked whether a request may be made.
    pub shadow: bool,
}

/// A request that was written down and must now be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub dispatch: Dispatch,
    pub body: Vec<u8>,
    /// The members that took a place of the warm-up's day.
    pub placed: Vec<MessageId>,
}

/// A mail that may leave.
struct Ready {
    mail: OutgoingEmail,
    generation: u8,
    /// It took a place of the warm-up's day.
    placed: bool,
}

/// What became of writing a mail.
enum Written {
    Mail(Box<OutgoingEmail>),
    /// In the embedded outbox.
    Kept,
    Failed,
}

impl Turn<'_> {
    /// Claims messages for one request. Those that the gate refuses are settled or deferred; none may
    /// be left to send, and the embedded outbox leaves none.
    ///
    /// A request holds one generation: a second try has a key of its own, and after it `on_unknown` sends no third.
    /// Messages of another generation than the first stay due.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn claim_messages(&self, due: &[DueMessage], terms: Terms<'_>) -> Result<Option<Claimed>, Error> {
        // Shadow mode that was lifted since: what is due stays so, until a request was asked for.
        if self.stopped() || (terms.shadow && !self.is_shadow()) {
            return Ok(None);
        }
        let before = terms.places.clone();
        let claimed = self.claim_on(due, terms);
        if claimed.is_err() {
            terms.places.reset_to(&before);
        }
        claimed
    }

    fn claim_on(&self, due: &[DueMessage], terms: Terms<'_>) -> Result<Option<Claimed>, Error> {
        let mut ready: Vec<Ready> = Vec::new();
        let out = self.in_dispatches(due.iter().map(|item| &item.message))?;
        for item in due.iter().filter(|item| !out.contains(&item.message)) {
            let claimed: Vec<MessageId> = ready.iter().map(|ready| ready.mail.message.clone()).collect();
            ready.extend(self.gate(item, terms, &claimed)?);
        }
        let Some(generation) = ready.first().map(|first| first.generation) else {
            return Ok(None);
        };
        let taken = places_of(&ready);
        ready.retain(|ready| ready.generation == generation);
        terms.places.put_back(taken - places_of(&ready));
        let placed = ready.iter().filter(|ready| ready.placed);
        let placed: Vec<MessageId> = placed.map(|ready| ready.mail.message.clone()).collect();
        let mails: Vec<OutgoingEmail> = ready.into_iter().map(|ready| ready.mail).collect();
        let members: Vec<MessageId> = mails.iter().map(|mail| mail.message.clone()).collect();
        let to = mails.iter().map(|mail| self.hash(&Identifier::email(&mail.to)));
        let addressees = to.collect();
        let provider = terms.provider;
        let key = self.dispatch_key(&members, generation, provider);
        let body = provider.body(self.settings.account(provider), &key, &mails)?;
        let dispatch = Dispatch {
            id: key.clone(),
            key,
            provider: provider.as_str().to_owned(),
            generation,
            members,
            addressees,
            attempt: 1,
            first_at: self.now,
            lease_until: lease_from(self.now),
            next_at: None,
        };
        let new = store::dispatch::put(self.sql, &dispatch, &body)?;
        Ok(new.then_some(Claimed {
            dispatch,
            body,
            placed,
        }))
    }

    /// Passes one message through the gate. Returns the mail to send, or none when its fate was settled here.
    fn gate(
        &self,
        item: &DueMessage,
        terms: Terms<'_>,
        claimed: &[MessageId],
    ) -> Result<Option<Ready>, Error> {
        let Some(loaded) = self.existing(&item.contact)? else {
            return Ok(None);
        };
        let Some((enrollment, sending)) = loaded.contact.sending(&item.message) else {
            return Ok(None);
        };
        if sending.dispatched || sending.due > self.now {
            return Ok(None);
        }
        // Whatever made its id a second time, one message goes out once.
        let known = store::message::get(self.sql, &item.message)?;
        if known.is_some_and(|known| known.message.state.is_final()) {
            let message = item.message.clone();
            self.settle(loaded, &Facts::default(), &Input::Known { message })?;
            return Ok(None);
        }
        let mut facts = self.gate_facts(&loaded, enrollment, terms.checkouts)?;
        facts.in_flight = self.lanes_in_flight(&loaded, &item.message, claimed)?;
        let verdict = guard::check(
            self.catalog,
            &loaded.contact,
            enrollment,
            sending,
            &facts,
            self.now,
        );
        let verdict = match verdict {
            Verdict::Allow(clearance) => {
                let stream = clearance.stream();
                let refused = self.room(&loaded, (enrollment, sending), stream, terms.places)?;
                refused.unwrap_or(Verdict::Allow(clearance))
            }
            verdict @ (Verdict::Defer { .. } | Verdict::Drop(_)) => verdict,
        };
        let (message, generation) = (item.message.clone(), sending.generation);
        match verdict {
            Verdict::Drop(reason) => self.finish(loaded, message, Settlement::Dropped(reason))?,
            Verdict::Defer { until, reason } => self.put_off(loaded, message, until, reason)?,
            Verdict::Allow(_) if self.is_shadow() => {
                self.finish(loaded, message, Settlement::Shadowed)?;
            }
            Verdict::Allow(clearance) => {
                let placed = self.today_for(clearance.stream()).is_some();
                let written = self.compose_or_fail(loaded, &clearance, terms)?;
                if placed && !matches!(written, Written::Failed) {
                    terms.places.take();
                }
                if let Written::Mail(mail) = written {
                    return Ok(Some(Ready {
                        mail: *mail,
                        generation,
                        placed,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// The day of the warm-up, for mails that it counts.
    fn today_for(&self, stream: Stream) -> Option<Today> {
        match stream {
            Stream::Marketing => warm_up::today(&self.catalog.store, self.now),
            Stream::Transactional => None,
        }
    }

    /// What a mail that may go by itself meets among the others: the warm-up of the domain, the throttle of its journey. None
    /// when there is room.
    fn room(
        &self,
        loaded: &Loaded,
        (enrollment, sending): (&Enrollment, &Sending),
        stream: Stream,
        places: &Places,
    ) -> Result<Option<Verdict>, Error> {
        if let Some(today) = self.today_for(stream) {
            let waited = sending.capped_since.is_some();
            let held = warm_up::hold(&today, &loaded.contact, waited, places, self.now);
            if let Some(until) = held {
                let verdict = guard::warming_up(self.catalog, enrollment, sending, until, self.now);
                return Ok(Some(verdict));
            }
        }
        let Some(until) = self.take_place(&enrollment.journey)? else {
            return Ok(None);
        };
        let reason = DeferReason::Throttled;
        Ok(Some(Verdict::Defer { until, reason }))
    }

    /// The idempotency key: the message's id for a single one, so that every shard and replay makes the same. A provider that
    /// is not the first has keys of its own.
    fn dispatch_key(&self, members: &[MessageId], generation: u8, provider: ProviderKind) -> String {
        let mut key = match members {
            [only] => only.to_string(),
            [] | [_, _, ..] => format!("batch-{}", ids::batch(members.iter())),
        };
        if self.settings.providers.first() != Some(&provider) {
            key = format!("{key}-{}", provider.as_str());
        }
        if generation > 1 {
            key = format!("{key}-{generation}");
        }
        key
    }

    /// Lanes of the contact's other marketing mails whose fate is open, those claimed in this very turn included.
    fn lanes_in_flight(
        &self,
        loaded: &Loaded,
        message: &MessageId,
        claimed: &[MessageId],
    ) -> Result<Vec<Lane>, Error> {
        let runs = loaded.contact.enrollments.iter();
        let others: Vec<&Sending> = runs
            .filter_map(Enrollment::sending)
            .filter(|sending| sending.stream == Stream::Marketing && sending.message != *message)
            .collect();
        let out = self.in_dispatches(others.iter().map(|sending| &sending.message))?;
        let flying = |sending: &&Sending| {
            sending.dispatched || out.contains(&sending.message) || claimed.contains(&sending.message)
        };
        Ok(others
            .into_iter()
            .filter(flying)
            .map(|sending| sending.lane)
            .collect())
    }

    /// Renders the mail. A mail that cannot be rendered or carried fails here; one for the outbox is kept here.
    fn compose_or_fail(
        &self,
        loaded: Loaded,
        clearance: &Clearance,
        Terms { provider, offers, .. }: Terms<'_>,
    ) -> Result<Written, Error> {
        let id = clearance.message().clone();
        let Some(stored) = store::message::get(self.sql, &id)? else {
            self.finish(
                loaded,
                id,
                Settlement::Failed("its ledger row is gone".to_owned()),
            )?;
            return Ok(Written::Failed);
        };
        let mail = match self.compose(&loaded, &stored.message, clearance, offers) {
            Ok(mail) => mail,
            Err(problem) => {
                let letter = DeadLetter::of_message(&stored, &problem, self.now)?;
                store::dead_letter::put(self.sql, &letter)?;
                self.finish(loaded, id, Settlement::Failed(problem))?;
                return Ok(Written::Failed);
            }
        };
        if let Some(rejection) = provider.refusal(&mail) {
            let (Rejection::Message(reason)
            | Rejection::Suppressed(reason)
            | Rejection::Configuration(reason)) = rejection;
            self.finish(loaded, id, Settlement::Failed(reason))?;
            return Ok(Written::Failed);
        }
        if provider == ProviderKind::Outbox {
            let kept = OutboxMail::new(&mail, self.now);
            let body = serde_json::to_string(&kept)?;
            store::outbox::put(
                self.sql,
                &store::outbox::Mail {
                    id: id.to_string(),
                    sent_at: self.now,
                    body,
                },
            )?;
            let how = Settlement::Accepted {
                provider: "outbox".to_owned(),
                provider_id: None,
            };
            self.finish(loaded, id, how)?;
            return Ok(Written::Kept);
        }
        Ok(Written::Mail(Box::new(mail)))
    }

    fn finish(&self, loaded: Loaded, message: MessageId, how: Settlement) -> Result<(), Error> {
        self.settle(loaded, &Facts::default(), &Input::Settled { message, how })?;
        Ok(())
    }

    /// What the gate must know of a message besides its contact.
    pub(super) fn gate_facts(
        &self,
        loaded: &Loaded,
        enrollment: &Enrollment,
        told: &CheckoutFacts,
    ) -> Result<guard::Facts, Error> {
        let address = loaded.contact.address();
        let to = address.map(|address| self.hash(&Identifier::email(&address.email)));
        Ok(guard::Facts {
            in_flight: Vec::new(),
            counted: Arc::new(self.counted(&loaded.contact.id)?),
            suppressed: to.map_or(Ok(false), |to| self.is_suppressed(&to))?,
            checkout: self.was_bought(enrollment, told)?,
            only_to: self.only_to(),
            repeats: false,
            addressee: None,
        })
    }

    /// What the gate must know of bytes that are written already, and go to `to`. None when the contact has that address no
    /// more.
    pub(super) fn repeat_facts(
        &self,
        loaded: &Loaded,
        enrollment: &Enrollment,
        told: &CheckoutFacts,
        to: Option<&IdentifierHash>,
    ) -> Result<Option<guard::Facts>, Error> {
        let mut facts = self.gate_facts(loaded, enrollment, told)?;
        facts.repeats = true;
        let journey = self.catalog.journey(&enrollment.journey);
        let send = journey.and_then(|journey| journey.resolve(&enrollment.step)?.kind.as_send());
        let to_contact = send.is_some_and(|send| send.to == Recipient::Contact);
        // Claims of before keep nobody's address; the team is asked nothing.
        let Some(to) = to.filter(|_| to_contact) else {
            return Ok(Some(facts));
        };
        let mut addresses = loaded.contact.addresses.iter();
        let held = addresses.find(|held| self.hash(&Identifier::email(&held.email)) == *to);
        let Some(held) = held else {
            return Ok(None);
        };
        facts.addressee = Some(held.email.clone());
        facts.suppressed = self.is_suppressed(to)?;
        Ok(Some(facts))
    }

    fn is_suppressed(&self, address: &IdentifierHash) -> Result<bool, Error> {
        let held = store::suppression::get(self.sql, address)?;
        Ok(held.is_some_and(|held| held.ground.is_final()))
    }
}

impl Claimed {
    /// How many places of the warm-up are free again: those of members that the answer leaves unsent for certain. No outcomes
    /// are the refusal of the whole. While the fate of one is unknown the same bytes may go out again, with all of them.
    pub fn places_freed(&self, outcomes: &[Outcome]) -> u32 {
        let is_unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown(_));
        if outcomes.iter().any(is_unknown) {
            return 0;
        }
        let members = self.dispatch.members.iter().zip(0..);
        let freed = members.filter(|(member, at)| {
            let refused = outcomes.is_empty() || outcomes.get(*at).is_some_and(Outcome::is_not_taken);
            refused && self.placed.contains(member)
        });
        u32::try_from(freed.count()).unwrap_or_default()
    }
}

fn places_of(ready: &[Ready]) -> u32 {
    let placed = ready.iter().filter(|ready| ready.placed);
    u32::try_from(placed.count()).unwrap_or_default()
}

/// The ledger row and its sending state, for those who look at a message from outside its contact.
pub(super) struct InFlight {
    pub loaded: Loaded,
    pub message: Message,
    pub sending: Option<(Enrollment, Sending)>,
}

impl InFlight {
    /// The message as an answer to this dispatch finds it.
    pub(super) fn sent_by(&self, dispatch: &Dispatch) -> Sent {
        let sending = self.sending.as_ref().map(|(_, sending)| sending);
        Sent {
            stream: self.message.stream,
            attempts: self.message.attempt.saturating_add(dispatch.attempt),
            ready_since: sending.map_or(self.message.due_at, Sending::ready_since),
        }
    }
}

impl Turn<'_> {
    /// A message with its contact; none when either is gone.
    pub(super) fn in_flight(&self, id: &MessageId) -> Result<Option<InFlight>, Error> {
        let Some(stored) = store::message::get(self.sql, id)? else {
            return Ok(None);
        };
        let Some(loaded) = self.existing(&stored.contact)? else {
            return Ok(None);
        };
        let sending = loaded
            .contact
            .sending(id)
            .map(|(enrollment, sending)| (enrollment.clone(), sending.clone()));
        Ok(Some(InFlight {
            loaded,
            message: stored.message,
            sending,
        }))
    }
}
