//! The answer to a request, or the lack of one, becomes the fate of its messages.

use super::bought::CheckoutFacts;
use super::claim::{Claimed, InFlight};
use super::{Error, Turn};
use crate::domain::ids::MessageId;
use crate::domain::message::{DropReason, MessageState, Stream};
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::{Input, Settlement};
use crate::engine::delivery::{self, Dispatch, Next, lease_from, safe_window};
use crate::engine::guard::{self, Verdict};
use crate::engine::state::Facts;
use crate::providers::{Idempotency, ProviderKind};
use crate::store;
use crate::store::dispatch::Attempt;

/// When a repeat is looked at again that shadow mode holds: a deploy may end that, and tells nobody.
const SHADOW_LOOK: Delay = Delay::from_minutes(15);

impl Turn<'_> {
    /// Writes the outcomes of `dispatch`, one a member, in its order. Ignored unless its attempt is still the latest:
    /// an answer that comes after its lease was taken over counts for nothing, and so does one of a provider that has its
    /// messages no more.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn conclude(&self, dispatch: &Dispatch, outcomes: &[Outcome]) -> Result<(), Error> {
        let current = store::dispatch::get(self.sql, &dispatch.id)?;
        if current.is_none_or(|held| !is_same(&held, dispatch)) {
            return Ok(());
        }
        let window = window_of(&dispatch.provider);
        self.conclude_within(dispatch, outcomes, window)
    }

    fn conclude_within(
        &self,
        dispatch: &Dispatch,
        outcomes: &[Outcome],
        window: Option<Delay>,
    ) -> Result<(), Error> {
        let mut repeat_at = None;
        let silence = Outcome::Unknown("the provider's answer left this message out".to_owned());
        for (at, member) in dispatch.members.iter().enumerate() {
            let outcome = outcomes.get(at).unwrap_or(&silence);
            match self.conclude_member(dispatch, member, outcome, window)? {
                Some(Next::Repeat { at }) => repeat_at = repeat_at.max(Some(at)),
                Some(Next::Settle(_) | Next::Release { .. } | Next::Resend { .. }) | None => {}
            }
        }
        match repeat_at {
            Some(at) => self.hold(dispatch, at)?,
            None => {
                store::dispatch::delete(self.sql, &dispatch.id, dispatch.attempt)?;
            }
        }
        Ok(())
    }

    /// A run that waits for a message of known fate would wait for ever.
    fn go_past(&self, found: InFlight, message: &MessageId) -> Result<(), Error> {
        if found.sending.is_some() {
            let message = message.clone();
            self.settle(found.loaded, &Facts::default(), &Input::Known { message })?;
        }
        Ok(())
    }

    fn conclude_member(
        &self,
        dispatch: &Dispatch,
        member: &MessageId,
        outcome: &Outcome,
        window: Option<Delay>,
    ) -> Result<Option<Next>, Error> {
        let Some(found) = self.in_flight(member)? else {
            return Ok(None);
        };
        if found.message.state.is_final() {
            self.go_past(found, member)?;
            return Ok(None);
        }
        let (sent, policy) = (found.sent_by(dispatch), self.catalog.store.on_unknown);
        let next = delivery::after(dispatch, sent, outcome, window, policy, self.now);
        let contact = found.loaded.contact.id.clone();
        let message = member.clone();
        let facts = Facts::default();
        // An enrollment that ended meanwhile has no use for a second try: its message must not go out any more.
        let orphan = found.sending.is_none();
        let input = match &next {
            Next::Settle(how) => Input::Settled {
                message,
                how: how.clone().of_generation(dispatch.generation),
            },
            Next::Release { .. } | Next::Resend { .. } if orphan => {
                let is_in_doubt =
                    matches!(next, Next::Resend { .. }) || found.message.state == MessageState::Unknown;
                let how = left_behind(is_in_doubt, dispatch);
                Input::Settled { message, how }
            }
            Next::Release { at, reason } => {
                store::message::release(self.sql, &contact, member, reason)?;
                Input::Deferred { message, until: *at }
            }
            Next::Resend { at } => {
                store::message::release(
                    self.sql,
                    &contact,
                    member,
                    "its fate stayed unknown; sent once more",
                )?;
                let provider = dispatch.provider.clone();
                Input::Resend {
                    message,
                    at: *at,
                    provider,
                }
            }
            Next::Repeat { .. } => {
                if found.message.state != MessageState::Unknown {
                    let reason = reason_of(outcome);
                    store::message::set_state(
                        self.sql,
                        &contact,
                        member,
                        MessageState::Unknown,
                        Some(&reason),
                    )?;
                }
                Input::Dispatched { message }
            }
        };
        self.settle(found.loaded, &facts, &input)?;
        Ok(Some(next))
    }

    /// Takes over a dispatch whose fate is unknown: its lease ended without an outcome, or its repeat is due.
    /// Returns the request to make again, byte for byte, or none when it must not go out now.
    ///
    /// `checkouts` answers [`Turn::questions_of`]: a repeat is a mail as well, and never goes out for a bought cart.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn take_over_dispatch(&self, id: &str, checkouts: &CheckoutFacts) -> Result<Option<Claimed>, Error> {
        let Some(mut dispatch) = store::dispatch::get(self.sql, id)? else {
            return Ok(None);
        };
        if dispatch.next_at.is_none() {
            // The lease ended: nobody knows what happened to this attempt.
            let lost = if planted!(SilenceIsRefusal) {
                Outcome::Rejected(Rejection::Message("nobody answered".to_owned()))
            } else {
                Outcome::Unknown("no answer before the lease ended".to_owned())
            };
            let outcomes = vec![lost; dispatch.members.len()];
            self.conclude(&dispatch, &outcomes)?;
            return Ok(None);
        }
        let Some(window_end) = window_end(&dispatch).filter(|end| self.now < *end) else {
            let over =
                Outcome::Unknown("its fate stayed unknown until the provider forgot the key".to_owned());
            let outcomes = vec![over; dispatch.members.len()];
            self.conclude_within(&dispatch, &outcomes, None)?;
            return Ok(None);
        };
        if self.is_shadow() {
            // Left due, it would wake the shard without end.
            self.hold(&dispatch, window_end.min(self.now.plus(SHADOW_LOOK)))?;
            return Ok(None);
        }
        let held_back = self.held_back(&dispatch, checkouts, window_end)?;
        if let Some(until) = held_back.filter(|_| !planted!(RepeatAsksNobody)) {
            self.hold(&dispatch, until)?;
            return Ok(None);
        }
        if self.stopped() {
            return Ok(None);
        }
        let Some(mut body) = store::dispatch::request(self.sql, id)? else {
            return Ok(None);
        };
        let held = dispatch.attempt;
        let lease_until = lease_from(self.now);
        let next = Attempt {
            attempt: held.saturating_add(1),
            lease_until,
            next_at: None,
        };
        if !store::dispatch::update_attempt(self.sql, id, held, next)? {
            return Ok(None);
        }
        (dispatch.attempt, dispatch.lease_until, dispatch.next_at) = (next.attempt, lease_until, None);
        if planted!(KeyPerAttempt) {
            dispatch.key = format!("{}-{}", dispatch.key, next.attempt);
        }
        if planted!(OrderMailKeyPerAttempt) && !self.has_marketing(&dispatch)? {
            dispatch.key = format!("{}-again-{}", dispatch.key, next.attempt);
        }
        if planted!(RepeatRendersAnew) {
            body.push(b' ');
        }
        // Its places were taken by the first attempt, which may have arrived.
        Ok(Some(Claimed {
            dispatch,
            body,
            placed: Vec::new(),
        }))
    }

    fn has_marketing(&self, dispatch: &Dispatch) -> Result<bool, Error> {
        for member in &dispatch.members {
            let stored = store::message::get(self.sql, member)?;
            if stored.is_some_and(|stored| stored.message.stream == Stream::Marketing) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing more before `at`; then the same bytes may go out again.
    pub(super) fn hold(&self, dispatch: &Dispatch, at: Timestamp) -> Result<(), Error> {
        let Dispatch {
            attempt, lease_until, ..
        } = *dispatch;
        let next = Attempt {
            attempt,
            lease_until,
            next_at: Some(at),
        };
        store::dispatch::update_attempt(self.sql, &dispatch.id, attempt, next)?;
        Ok(())
    }

    /// Until when a repeat must wait, because of any of its members: its bytes may not change. To the end of the window
    /// when one has withdrawn or its cart was bought; shorter when that cannot be told yet. None when it may go out.
    fn held_back(
        &self,
        dispatch: &Dispatch,
        checkouts: &CheckoutFacts,
        window_end: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let mut until = None;
        for (at, member) in dispatch.members.iter().enumerate() {
            let Some(found) = self.in_flight(member)? else {
                return Ok(Some(window_end));
            };
            let Some((enrollment, sending)) = &found.sending else {
                return Ok(Some(window_end));
            };
            let to = dispatch.addressees.get(at);
            let Some(facts) = self.repeat_facts(&found.loaded, enrollment, checkouts, to)? else {
                return Ok(Some(window_end));
            };
            let contact = &found.loaded.contact;
            match guard::check(self.catalog, contact, enrollment, sending, &facts, self.now) {
                Verdict::Allow(_) => {}
                Verdict::Defer { until: later, .. } => until = until.max(Some(later.min(window_end))),
                Verdict::Drop(_) => return Ok(Some(window_end)),
            }
        }
        Ok(until)
    }

    /// A batch was refused as a whole for one of its members: all go back, to be sent singly. Those of a repeat stay as they
    /// are, whose first request may have been taken.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn split(&self, dispatch: &Dispatch, reason: &str) -> Result<(), Error> {
        if dispatch.attempt > 1 {
            let unknown = Outcome::Unknown(reason.to_owned());
            return self.conclude(dispatch, &vec![unknown; dispatch.members.len()]);
        }
        for member in &dispatch.members {
            let Some(found) = self.in_flight(member)? else {
                continue;
            };
            let (contact, message) = (found.loaded.contact.id.clone(), member.clone());
            let input = if found.sending.is_none() {
                Input::Settled {
                    message,
                    how: Settlement::Dropped(DropReason::Exited).of_generation(dispatch.generation),
                }
            } else {
                store::message::release(self.sql, &contact, member, reason)?;
                Input::Deferred {
                    message,
                    until: self.now,
                }
            };
            self.settle(found.loaded, &Facts::default(), &input)?;
        }
        store::dispatch::delete(self.sql, &dispatch.id, dispatch.attempt)?;
        Ok(())
    }
}

fn is_same(held: &Dispatch, answered: &Dispatch) -> bool {
    held.attempt == answered.attempt && held.provider == answered.provider
}

/// Until when a repeat of a dispatch is harmless; none where there is no key.
pub(super) fn window_end(dispatch: &Dispatch) -> Option<Timestamp> {
    window_of(&dispatch.provider).map(|window| dispatch.first_at.plus(safe_window(window)))
}

/// How long the provider remembers a key.
fn window_of(provider: &str) -> Option<Delay> {
    match ProviderKind::parse(provider).ok()?.capabilities().idempotency {
        Idempotency::Keyed { window } => Some(window),
        // The defect takes it for one that knows keys.
        Idempotency::None => planted!(KeylessRepeats).then_some(Delay::from_hours(24)),
    }
}

fn reason_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unknown(reason) => reason.clone(),
        Outcome::Accepted(_) | Outcome::Rejected(_) | Outcome::RetryLater(_) | Outcome::KeyMismatch => {
            String::new()
        }
    }
}

/// What becomes of a message whose run ended while its request was out, and that goes out no more.
fn left_behind(is_in_doubt: bool, dispatch: &Dispatch) -> Settlement {
    if is_in_doubt {
        return Settlement::GivenUp("the contact left the journey while its fate was unknown".to_owned());
    }
    Settlement::Dropped(DropReason::Exited).of_generation(dispatch.generation)
}
