//! Steps that can never do what they say: a question about a mail before there is one, a coupon that no mail shows or
//! that has run out before one does; and a lane that would only get round the caps.

use super::{Lint, Subject, is_about_mail};
use crate::domain::ids::StepId;
use crate::domain::message::Lane;
use crate::domain::time::Delay;
use crate::journey::definition::{Condition, Journey, Key};
use crate::journey::step::{Coupon, Recipient, Step, StepKind, Wait};
use cel::parser::PrattParser;
use std::collections::BTreeSet;

impl Lint<'_> {
    /// The caps let a cart's mails pass, because they are about something the shopper began: nothing else is.
    pub(super) fn lane(&mut self) {
        let is_cart = self.parsed.journey.lane == Lane::Cart;
        if is_cart && self.key().is_some_and(|key| key != Key::Checkout) {
            self.report(
                Subject::Lane,
                "only a journey about a checkout may have `lane: cart`, which the caps of store.yaml may leave out: use `key: checkout_id`, or leave `lane` out",
            );
        }
    }

    pub(super) fn never(&mut self) {
        if !self.parsed.is_complete() {
            return;
        }
        let journey = &self.parsed.journey;
        if journey.trigger.when.as_ref().is_some_and(asks_last) {
            self.report(
                Subject::TriggerWhen,
                "there is no run yet when a journey starts, so `last` says nothing here: ask about the contact, or put the condition on a step",
            );
        }
        let after_a_mail = behind(journey, |step| step.kind.as_send().is_some());
        for (number, step) in journey.steps.iter().enumerate() {
            let is_first = !after_a_mail.contains(&step.id);
            if is_first
                && step
                    .kind
                    .as_send()
                    .and_then(|send| send.when.as_ref())
                    .is_some_and(asks_last)
            {
                self.report(
                    Subject::StepWhen(number),
                    "no mail of this run comes before this one, so `last` says nothing about it: ask about the contact, or move the condition to a later send",
                );
            }
            let arms = step.kind.as_branch().into_iter().flatten().enumerate();
            for (at, _) in arms.filter(|(_, arm)| is_first && arm.when.as_ref().is_some_and(asks_last)) {
                self.report(
                    Subject::ArmWhen(number, at),
                    "no mail of this run comes before this branch, so `last` says nothing about it: ask about the contact, or move the branch behind a `send:`",
                );
            }
            if let Some(on) = step.kind.awaits().filter(|on| is_first && is_about_mail(on)) {
                let message = format!(
                    "no mail of this run comes before this wait, so `{on}` cannot come: move the wait behind a `send:`"
                );
                self.report(Subject::StepName(number), message);
            }
            if let StepKind::Coupon(coupon) = &step.kind {
                self.coupon(number, step, coupon);
            }
        }
    }

    fn coupon(&mut self, number: usize, step: &Step, coupon: &Coupon) {
        let journey = &self.parsed.journey;
        let is_sent = |id: &StepId| journey.step(id).is_some_and(goes_to_the_contact);
        if !behind(journey, |other| other.id == step.id)
            .into_iter()
            .any(is_sent)
        {
            self.report(
                Subject::Step(number),
                "no mail comes behind this coupon, so nobody would see its code: put it before the `send:` that shows it",
            );
            return;
        }
        let waited = waited_before_the_mail(journey, step);
        if let (Some(expires), Some((waited, mail))) = (coupon.expires, waited)
            && expires <= waited
        {
            let message = format!(
                "this coupon is good for {expires}, and `{mail}` comes {waited} later: put it behind the wait, or let it be good for longer"
            );
            self.report(Subject::Step(number), message);
        }
    }
}

/// The steps that some run may come to after one that `is` so. A goal may lead on from anywhere, and so may `moved`.
fn behind(journey: &Journey, is: impl Fn(&Step) -> bool) -> BTreeSet<&StepId> {
    let origins: Vec<&Step> = journey.steps.iter().filter(|step| is(step)).collect();
    if origins.is_empty() {
        return BTreeSet::new();
    }
    let next = origins.into_iter().flat_map(Step::successors).flatten();
    let moved = journey.moved.iter().filter_map(|moved| moved.to.as_ref());
    journey.reached(next.chain(journey.goal_step()).chain(moved), |_| false)
}

/// The time that surely passes between a step and the next mail, and that mail, where only one way leads there.
fn waited_before_the_mail<'a>(journey: &'a Journey, from: &'a Step) -> Option<(Delay, &'a StepId)> {
    let mut waited = Delay::ZERO;
    let mut next = from.next.as_ref();
    // No straight way is longer than the journey: a longer one goes round.
    for _ in &journey.steps {
        let step = journey.step(next?)?;
        match &step.kind {
            StepKind::Send(_) if goes_to_the_contact(step) => return Some((waited, &step.id)),
            StepKind::Wait(Wait::Delay(delay)) => {
                waited = Delay::from_millis(waited.as_millis().saturating_add(delay.as_millis()));
            }
            StepKind::Send(_)
            | StepKind::Set(_)
            | StepKind::Notify(_)
            | StepKind::Start(_)
            | StepKind::Stop(_) => {}
            StepKind::Wait(
                Wait::Calendar(_) | Wait::Until { .. } | Wait::Date { .. } | Wait::Event { .. },
            )
            | StepKind::Branch(_)
            | StepKind::Split(_)
            | StepKind::Coupon(_)
            | StepKind::Goto(_)
            | StepKind::Exit => return None,
        }
        next = step.next.as_ref();
    }
    None
}

fn goes_to_the_contact(step: &Step) -> bool {
    step.kind
        .as_send()
        .is_some_and(|send| send.to == Recipient::Contact)
}

/// Whether a condition speaks of the last mail.
fn asks_last(Condition(text): &Condition) -> bool {
    let expression = PrattParser::default().parse(text);
    expression.is_ok_and(|expression| expression.references().has_variable("last"))
}
