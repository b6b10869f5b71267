//! What must hold after a turn, where the gate says yes, and when a mail was taken.

use super::Machine;
use std::collections::BTreeSet;
use wend::domain::event::Event;
use wend::domain::ids::EnrollmentId;
use wend::domain::message::Stream;
use wend::domain::time::Timestamp;
use wend::engine::guard::CheckoutFact;
use wend::engine::keys::checkout_keys;
use wend::engine::state::{Enrollment, MAX_ENROLLMENTS, Sending};
use wend::journey::definition::Match;

impl Machine<'_> {
    /// An order that names a checkout takes everyone out of journeys about it that say so.
    pub(super) fn is_out_of_what_was_bought(&mut self, event: &Event) {
        let keys = checkout_keys(event);
        let stays = self.contact.enrollments.iter().any(|run| {
            let journey = self.catalog().journey(&run.journey);
            let rules = journey.into_iter().flat_map(|journey| &journey.exit);
            let mut rules = rules.filter(|rule| rule.on == event.kind && rule.when.is_none());
            keys.contains(&run.key) && rules.any(|rule| rule.matching == Match::Checkout)
        });
        self.note(!stays, "a run goes on after its checkout was bought");
    }

    /// What must hold after every turn.
    pub(super) fn is_in_order(&mut self) {
        let runs = &self.contact.enrollments;
        let ids: BTreeSet<&EnrollmentId> = runs.iter().map(|run| &run.id).collect();
        let unique = ids.len() == runs.len() && runs.len() <= MAX_ENROLLMENTS;
        let risen = runs.iter().any(|run| self.ended.contains_key(&run.id));
        let forgotten = runs.iter().any(|run| {
            let out = run
                .sending()
                .is_some_and(|sending| self.dispatches.contains_key(&sending.message));
            let journey = self.catalog().journey(&run.journey);
            run.wake().is_none() && !out && !journey.is_some_and(|journey| journey.status.holds())
        });
        self.note(unique, "too many runs, or one twice");
        self.note(!risen, "a run that ended goes on");
        self.note(!forgotten, "a run that nothing will wake");
    }

    /// What must hold where the gate says yes.
    pub(super) fn is_allowed(&mut self, run: &Enrollment, sending: &Sending, to: &str) {
        let store = &self.catalog().store;
        let team = store.team.as_ref().is_some_and(|team| team.canonical() == to);
        self.note(!run.held_out || team, "a mail to who is held out");
        self.note(
            self.checkout(run) == CheckoutFact::Open,
            "a mail about a bought cart",
        );
        if sending.stream != Stream::Marketing || team {
            return;
        }
        let no = self.withdrawn.get(to);
        let lifted = |at: &Timestamp| self.explicit.get(to).is_some_and(|yes| yes > at);
        self.note(no.is_none_or(lifted), "marketing after a withdrawal");
        let journey = self.catalog().journey(&run.journey);
        let parse = |name: &str| name.parse().ok();
        let own = self.contact.profile.timezone.as_deref().and_then(parse);
        let zone = own
            .or(journey.and_then(|journey| journey.timezone))
            .or(parse(&store.timezone));
        let zone = zone.unwrap_or(wend::domain::civil::Zone::UTC);
        let quiet = store
            .quiet_hours
            .is_some_and(|quiet| quiet.until(self.now, zone).is_some());
        let window = journey.and_then(|journey| journey.window);
        let shut = window.is_some_and(|window| !window.is_open(self.now, zone));
        self.note(!quiet, "marketing in quiet hours");
        self.note(!shut, "marketing outside of its window");
    }

    pub(super) fn is_within_caps(&mut self) {
        for cap in &self.catalog().store.caps {
            let since = self.now.minus(cap.per);
            let counted = self
                .accepted
                .iter()
                .filter(|(at, lane)| *at > since && !cap.except.contains(lane));
            let within = counted.count() <= usize::from(cap.mails);
            self.note(within, "more marketing than the cap allows");
        }
    }
}
