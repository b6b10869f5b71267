//! The claim: one synchronous turn that reads, asks the gate, and writes down the exact request before it leaves.
//!
//! A message that may not go is dropped or deferred here, with its reason. One that may is either kept by the embedded
//! outbox, at once, or becomes part of a dispatch: from then on its bytes never change.

use super::bought::CheckoutFacts;
use super::wake::DueMessage;
use super::{Error, Loaded, Turn};
use crate::domain::clearance::Clearance;
use crate::domain::identity::Identifier;
use crate::domain::ids::MessageId;
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::{DropReason, Lane, Message, Stream};
use crate::domain::outcome::Rejection;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::{Input, Settlement};
use crate::engine::delivery::{Dispatch, lease_from};
use crate::engine::guard::{self, DeferReason, Verdict};
use crate::engine::ids;
use crate::engine::state::{Enrollment, Facts, Sending};
use crate::providers::ProviderKind;
use crate::render::outbox::OutboxMail;
use crate::settings::Mode;
use crate::store;
use crate::store::dead_letter::DeadLetter;
use std::sync::Arc;

/// How long a message waits that no provider in `EMAIL_PROVIDER` may carry; a deploy that names one is noticed after it.
const UNROUTABLE_PAUSE: Delay = Delay::from_hours(1);

/// A request that was written down and must now be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub dispatch: Dispatch,
    pub body: Vec<u8>,
}

impl Turn<'_> {
    /// Claims messages for one request to `provider`. Those that the gate refuses are settled or deferred; none may
    /// be left to send, and the embedded outbox leaves none.
    ///
    /// A request holds one generation: a second try has a key of its own, and after it `on_unknown` sends no third.
    /// Messages of another generation than the first stay due.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn claim_messages(
        &self,
        due: &[DueMessage],
        provider: ProviderKind,
        checkouts: &CheckoutFacts,
    ) -> Result<Option<Claimed>, Error> {
        if self.stopped()? {
            return Ok(None);
        }
        let mut mails: Vec<(OutgoingEmail, u8)> = Vec::new();
        let out = self.in_dispatches(due.iter().map(|item| &item.message))?;
        for item in due.iter().filter(|item| !out.contains(&item.message)) {
            let claimed: Vec<MessageId> = mails.iter().map(|(mail, _)| mail.message.clone()).collect();
            mails.extend(self.gate(item, provider, checkouts, &claimed)?);
        }
        let Some(generation) = mails.first().map(|(_, generation)| *generation) else {
            return Ok(None);
        };
        let mails: Vec<OutgoingEmail> = mails
            .into_iter()
            .filter_map(|(mail, of)| (of == generation).then_some(mail))
            .collect();
        let members: Vec<MessageId> = mails.iter().map(|mail| mail.message.clone()).collect();
        let key = dispatch_key(&members, generation);
        let body = provider.body(self.settings.account(provider), &key, &mails)?;
        let dispatch = Dispatch {
            id: key.clone(),
            key,
            provider: provider.as_str().to_owned(),
            generation,
            members,
            attempt: 1,
            first_at: self.now,
            lease_until: lease_from(self.now),
            next_at: None,
        };
        let new = store::dispatch::put(self.sql, &dispatch, &body)?;
        Ok(new.then_some(Claimed { dispatch, body }))
    }

    /// Passes one message through the gate. Returns the mail to send, or none when its fate was settled here.
    fn gate(
        &self,
        item: &DueMessage,
        provider: ProviderKind,
        checkouts: &CheckoutFacts,
        claimed: &[MessageId],
    ) -> Result<Option<(OutgoingEmail, u8)>, Error> {
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
        let mut facts = self.gate_facts(&loaded, enrollment, checkouts)?;
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
            Verdict::Allow(clearance) => match self.take_place(&enrollment.journey)? {
                Some(until) => Verdict::Defer {
                    until,
                    reason: DeferReason::Throttled,
                },
                None => Verdict::Allow(clearance),
            },
            verdict @ (Verdict::Defer { .. } | Verdict::Drop(_)) => verdict,
        };
        let (message, generation) = (item.message.clone(), sending.generation);
        match verdict {
            Verdict::Drop(reason) => self.finish(loaded, message, Settlement::Dropped(reason))?,
            Verdict::Defer { until, reason } => {
                store::message::defer(self.sql, &loaded.contact.id, &message, reason)?;
                let input = if reason.is_ours() {
                    Input::Held {
                        message,
                        until,
                        by: reason,
                    }
                } else {
                    Input::Deferred { message, until }
                };
                self.settle(loaded, &Facts::default(), &input)?;
            }
            Verdict::Allow(_) if self.settings.mode == Mode::Shadow => {
                self.finish(loaded, message, Settlement::Shadowed)?;
            }
            Verdict::Allow(clearance) => {
                let mail = self.compose_or_fail(loaded, &clearance, provider)?;
                return Ok(mail.map(|mail| (mail, generation)));
            }
        }
        Ok(None)
    }

    /// Puts messages off that no provider may carry: each stays an intent, with its reason, and is looked at again every
    /// hour. They would else come up in every run, before those that can go.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn hold_unroutable(&self, due: &[DueMessage]) -> Result<(), Error> {
        let (until, by) = (self.now.plus(UNROUTABLE_PAUSE), DeferReason::NoProvider);
        for item in due {
            let Some(loaded) = self.existing(&item.contact)? else {
                continue;
            };
            let waits = |sending: &Sending| !sending.dispatched && sending.due <= self.now;
            if !loaded
                .contact
                .sending(&item.message)
                .is_some_and(|(_, sending)| waits(sending))
            {
                continue;
            }
            store::message::defer(self.sql, &loaded.contact.id, &item.message, by)?;
            let message = item.message.clone();
            self.settle(loaded, &Facts::default(), &Input::Held { message, until, by })?;
        }
        Ok(())
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
        provider: ProviderKind,
    ) -> Result<Option<OutgoingEmail>, Error> {
        let id = clearance.message().clone();
        let Some(stored) = store::message::get(self.sql, &id)? else {
            self.finish(
                loaded,
                id,
                Settlement::Failed("its ledger row is gone".to_owned()),
            )?;
            return Ok(None);
        };
        let mail = match self.compose(&loaded, &stored.message, clearance) {
            Ok(mail) => mail,
            Err(problem) => {
                let letter = DeadLetter::of_message(&stored, &problem, self.now)?;
                store::dead_letter::put(self.sql, &letter)?;
                self.finish(loaded, id, Settlement::Failed(problem))?;
                return Ok(None);
            }
        };
        if let Some(rejection) = provider.refusal(&mail) {
            let (Rejection::Message(reason)
            | Rejection::Suppressed(reason)
            | Rejection::Configuration(reason)) = rejection;
            self.finish(loaded, id, Settlement::Failed(reason))?;
            return Ok(None);
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
            return Ok(None);
        }
        Ok(Some(mail))
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
        let suppressed = match loaded.contact.address() {
            Some(address) => {
                let hash = self.hash(&Identifier::email(&address.email));
                store::suppression::get(self.sql, &hash)?.is_some_and(|held| held.ground.is_final())
            }
            None => false,
        };
        Ok(guard::Facts {
            in_flight: Vec::new(),
            counted: Arc::new(self.counted(&loaded.contact.id)?),
            suppressed,
            checkout: self.was_bought(enrollment, told)?,
            send_only_to: self.settings.send_only_to.clone(),
        })
    }
}

/// The idempotency key: the message's id for a single one, so that every shard and replay makes the same.
fn dispatch_key(members: &[MessageId], generation: u8) -> String {
    let id = match members {
        [only] => only.to_string(),
        [] | [_, _, ..] => format!("batch-{}", ids::batch(members.iter())),
    };
    if generation > 1 {
        format!("{id}-{generation}")
    } else {
        id
    }
}

/// A message whose intent the gate refuses after the fact: used when a repeat is held.
pub(super) fn refused(verdict: &Verdict) -> Option<DropReason> {
    match verdict {
        Verdict::Allow(_) | Verdict::Defer { .. } => None,
        // Lateness is no reason to leave a fate unknown: the same bytes were on their way in time.
        Verdict::Drop(DropReason::TooLate | DropReason::Capped) => None,
        Verdict::Drop(reason) => Some(*reason),
    }
}

/// The ledger row and its sending state, for those who look at a message from outside its contact.
pub(super) struct InFlight {
    pub loaded: Loaded,
    pub message: Message,
    pub sending: Option<(Enrollment, Sending)>,
}

impl InFlight {
    /// Since when the message could have gone out.
    pub(super) fn ready_since(&self) -> Timestamp {
        let sending = self.sending.as_ref().map(|(_, sending)| sending);
        sending.map_or(self.message.due_at, Sending::ready_since)
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
