//! What is wrong with a journey that is well-formed: names that do not exist, rules that can never apply, steps that do
//! nothing.
//!
//! Called by `check` with a parsed file; everything it reports has the place `parse` noted.

mod across;
mod graph;
mod marketing;
mod never;
mod starts;
mod variables;

pub use across::across;

use super::condition::{self, About, Use};
use super::definition::{Border, Condition, Key, Match, Reenter, Refresh};
use super::email_shape::{GOODS, ORDER};
use super::finding::{Finding, Place, unknown};
use super::parse::{Parsed, Subject};
use super::segment::Crossing;
use super::shape::Carries;
use super::step::{Recipient, Step, StepKind, Target, Wait};
use super::store_file::{StoreFile, Topic, Webhook};
use super::template_check;
use super::yaml::place_within;
use crate::domain::civil::{Quiet, Zone};
use crate::domain::event::EventKind;
use crate::domain::ids::StepId;
use crate::domain::message::Stream;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// What journeys may name.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Events of the store's own, from `store.yaml`.
    pub events: &'a [String],
    /// From `segments.yaml`.
    pub segments: &'a [String],
    pub emails: &'a [String],
    /// Files in `journeys/`, without their ending.
    pub journeys: &'a [String],
    pub webhooks: &'a [Webhook],
    /// Hours of `store.yaml` at which no marketing goes.
    pub quiet: Option<Quiet>,
    /// From `store.yaml`.
    pub topics: &'a [Topic],
    /// A yes has to be confirmed in the store's region.
    pub double_opt_in: bool,
    /// `team:` in `store.yaml` says an address.
    pub has_team: bool,
    pub templates: &'a template_check::Checked,
}

impl<'a> Names<'a> {
    pub fn new(
        store: Option<&'a StoreFile>,
        segments: &'a [String],
        emails: &'a [String],
        journeys: &'a [String],
        templates: &'a template_check::Checked,
    ) -> Self {
        Self {
            events: store.map_or(&[], |store| store.events.as_slice()),
            segments,
            emails,
            journeys,
            webhooks: store.map_or(&[], |store| store.webhooks.as_slice()),
            quiet: store.and_then(|store| store.quiet_hours),
            topics: store.map_or(&[], |store| store.topics.as_slice()),
            double_opt_in: store.is_some_and(|store| store.region.preset().double_opt_in),
            has_team: store.is_some_and(|store| store.team.is_some()),
            templates,
        }
    }
}

/// Everything wrong with one journey.
pub fn lint(parsed: &Parsed, names: Names<'_>) -> Vec<Finding> {
    let mut lint = Lint {
        parsed,
        names,
        findings: Vec::new(),
    };
    lint.trigger();
    lint.lane();
    lint.window();
    lint.exits();
    lint.goal();
    lint.steps();
    lint.graph();
    lint.never();
    lint.step_ids();
    lint.moved();
    lint.variables();
    lint.topics();
    lint.findings
}

struct Lint<'a> {
    parsed: &'a Parsed,
    names: Names<'a>,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    fn report(&mut self, subject: Subject, message: impl Into<String>) {
        self.report_at(self.parsed.places.of(subject), message);
    }

    fn report_at(&mut self, place: Place, message: impl Into<String>) {
        self.findings.push(Finding::at(&self.parsed.file, place, message));
    }

    fn trigger(&mut self) {
        let trigger = &self.parsed.journey.trigger;
        for (number, event) in trigger.on.iter().enumerate() {
            let subject = Subject::TriggerEvent(number);
            if self.event(event, subject) {
                self.carries_key(event, subject);
            }
            if trigger.on.iter().take(number).any(|earlier| earlier == event) {
                self.report(subject, format!("`{event}` is listed twice"));
            }
        }
        if self.parsed.journey.reenter == Reenter::Restart && trigger.refresh != Refresh::None {
            self.report(
                Subject::Refresh,
                "with `reenter: restart` a later event starts the run anew, so there is none to refresh: leave one of them out",
            );
        }
        if self.parsed.journey.cooldown.is_some() && self.key() == Some(Key::Product) {
            self.report(
                Subject::Key,
                "`cooldown` is about the contact, so that only the first product of an order would get a run: with `key: product_id` say `reenter: after 30d`",
            );
        }
        self.trigger_segments();
        let carries = Carries::any_of(&trigger.on);
        self.condition(trigger.when.as_ref(), Subject::TriggerWhen, carries);
    }

    /// A window that quiet hours shut altogether would hold its mails for ever.
    fn window(&mut self) {
        const WEEK_MINUTES: i64 = 7 * 24 * 60;
        let (Some(window), Some(quiet)) = (self.parsed.journey.window, self.names.quiet) else {
            return;
        };
        let open = (0..WEEK_MINUTES).any(|minute| {
            let at = Timestamp::from_seconds(minute * 60);
            window.is_open(at, Zone::UTC) && quiet.until(at, Zone::UTC).is_none()
        });
        if !open {
            let message = format!(
                "`window: {window}` lies within the quiet hours of store.yaml ({quiet}): no marketing would ever go out"
            );
            self.report(Subject::Window, message);
        }
    }

    /// A segment is about the contact and brings no data.
    fn trigger_segments(&mut self) {
        let trigger = &self.parsed.journey.trigger;
        for (number, border) in trigger.segments.iter().enumerate() {
            self.segment(border, Subject::TriggerSegment(number));
        }
        let by_segment = self.parsed.places.has(Subject::TriggerSegment(0));
        if by_segment && self.key().is_some_and(|key| key != Key::Contact) {
            self.report(
                Subject::Key,
                "a journey that a segment starts is about the contact: `key: contact`",
            );
        }
        if by_segment && trigger.refresh != Refresh::None {
            self.report(
                Subject::Refresh,
                "a segment brings no data that could refresh a run",
            );
        }
        let enters = trigger
            .segments
            .iter()
            .any(|border| border.crossing == Crossing::Enters);
        if trigger.backfill && !enters {
            self.report(
                Subject::Backfill,
                "only a journey with `enters:` can take in who is in its segment already",
            );
        }
    }

    fn segment(&mut self, border: &Border, subject: Subject) {
        let name = border.segment.as_str();
        if !self.names.segments.iter().any(|known| known == name) {
            let known = self.names.segments.iter().map(String::as_str);
            let mut message = unknown("segment", name, known);
            if self.names.segments.is_empty() {
                message.push_str("; segments are declared in segments.yaml");
            }
            self.report(subject, message);
        }
    }

    fn exits(&mut self) {
        let journey = &self.parsed.journey;
        for (number, border) in journey.exit_segments.iter().enumerate() {
            self.segment(border, Subject::ExitSegment(number));
        }
        for (number, rule) in journey.exit.iter().enumerate() {
            let subject = Subject::ExitEvent(number);
            let known = self.event(&rule.on, subject);
            match rule.matching {
                Match::Contact => {}
                Match::Key if known => self.carries_key(&rule.on, subject),
                Match::Key => {}
                Match::Checkout if self.key().is_some_and(|key| key != Key::Checkout) => self.report(
                    Subject::ExitMatch(number),
                    "`match: checkout` needs a journey with `key: checkout_id`",
                ),
                Match::Checkout => {}
            }
            self.condition(
                rule.when.as_ref(),
                Subject::ExitWhen(number),
                Carries::of(&rule.on),
            );
        }
    }

    fn goal(&mut self) {
        let Some(goal) = &self.parsed.journey.goal else {
            return;
        };
        if self.event(&goal.on, Subject::GoalEvent)
            && !is_about_mail(&goal.on)
            && self.key() != Some(Key::Checkout)
        {
            self.carries_key(&goal.on, Subject::GoalEvent);
        }
        let carries = Carries::of(&goal.on);
        self.condition(goal.when.as_ref(), Subject::GoalWhen, carries);
        if let Target::Step(id) = &goal.then {
            self.step_exists(id, Subject::GoalThen);
        }
    }

    fn steps(&mut self) {
        let journey = &self.parsed.journey;
        for (number, step) in journey.steps.iter().enumerate() {
            self.step(number, step);
        }
        if self.parsed.is_complete() && journey.steps.is_empty() {
            self.report(Subject::Steps, "a journey needs at least one step");
        }
    }

    fn step(&mut self, number: usize, step: &Step) {
        let carries = Carries::any_of(&self.parsed.journey.trigger.on);
        let name = Subject::StepName(number);
        match &step.kind {
            StepKind::Send(send) => {
                self.email(send.email.as_str(), name);
                self.condition(send.when.as_ref(), Subject::StepWhen(number), carries);
                if send.stream == Stream::Transactional
                    && send.to == Recipient::Contact
                    && self.parsed.journey.holdout > 0
                {
                    self.report(
                        name,
                        "`holdout` would keep this mail back too, and a transactional one is owed to everyone: send it from a journey of its own",
                    );
                }
                if send.stream == Stream::Marketing && send.to == Recipient::Contact {
                    self.marketing_shows(send.email.as_str(), name);
                }
                if send.to == Recipient::Team && !self.names.has_team {
                    self.report(
                        name,
                        "`to: team` needs an address in store.yaml, as `team: help@shop.example`",
                    );
                }
            }
            StepKind::Wait(Wait::Event { on, .. }) => {
                if self.event(on, name) && !is_about_mail(on) {
                    self.carries_key(on, name);
                }
            }
            StepKind::Branch(arms) => {
                for (at, arm) in arms.iter().enumerate() {
                    self.condition(arm.when.as_ref(), Subject::ArmWhen(number, at), carries);
                }
            }
            StepKind::Start(journey) | StepKind::Stop(journey) => {
                let known = self.names.journeys.iter().map(String::as_str);
                if !self.names.journeys.iter().any(|name| name == journey.as_str()) {
                    self.report(name, unknown("journey", journey.as_str(), known));
                } else if *journey == self.parsed.journey.id {
                    self.report(
                        name,
                        "a journey cannot start or stop itself; `goto` repeats, `exit` leaves",
                    );
                }
            }
            StepKind::Notify(notify) => {
                let known = self.names.webhooks.iter().map(|webhook| webhook.name.as_str());
                if !known.clone().any(|known| known == notify.webhook) {
                    let mut message = unknown("webhook", &notify.webhook, known);
                    if self.names.webhooks.is_empty() {
                        message.push_str("; webhooks are declared under `webhooks:` in store.yaml");
                    }
                    self.report(name, message);
                }
            }
            StepKind::Goto(goto) => self.step_exists(&goto.to, name),
            StepKind::Wait(_)
            | StepKind::Split(_)
            | StepKind::Set(_)
            | StepKind::Coupon(_)
            | StepKind::Exit => {}
        }
    }

    fn step_exists(&mut self, id: &StepId, subject: Subject) {
        let journey = &self.parsed.journey;
        if self.parsed.is_complete() && journey.step(id).is_none() {
            let known = journey.steps.iter().map(|step| step.id.as_str());
            self.report(subject, unknown("step", id.as_str(), known));
        }
    }

    fn step_ids(&mut self) {
        let mut first: BTreeMap<&StepId, Place> = BTreeMap::new();
        for (number, step) in self.parsed.journey.steps.iter().enumerate() {
            let place = self.parsed.places.of(Subject::Step(number));
            match first.get(&step.id) {
                Some(earlier) => {
                    let message = format!(
                        "two steps have the id `{}` (see line {}); give one of them an `id:`",
                        step.id, earlier.line
                    );
                    self.report_at(place, message);
                }
                None => {
                    first.insert(&step.id, place);
                }
            }
        }
    }

    fn moved(&mut self) {
        let journey = &self.parsed.journey;
        if !self.parsed.is_complete() {
            return;
        }
        let ids: Vec<&str> = journey.steps.iter().map(|step| step.id.as_str()).collect();
        for (number, moved) in journey.moved.iter().enumerate() {
            if ids.contains(&moved.from.as_str()) {
                self.report(
                    Subject::MovedFrom(number),
                    format!(
                        "step `{}` is still there; only steps that are gone can be moved",
                        moved.from
                    ),
                );
            }
            if let Some(to) = moved.to.as_ref().filter(|to| !ids.contains(&to.as_str())) {
                self.report(
                    Subject::MovedTo(number),
                    unknown("step", to.as_str(), ids.iter().copied().chain(["exit"])),
                );
            }
        }
    }

    /// Whether the event exists.
    fn event(&mut self, event: &EventKind, subject: Subject) -> bool {
        match self.about(Carries::of(event)).unknown_event(event.as_str()) {
            Some(message) => {
                self.report(subject, message);
                false
            }
            None => true,
        }
    }

    /// The key, when the file has one: what follows from a misspelt key would only confuse.
    fn key(&self) -> Option<Key> {
        self.parsed
            .places
            .has(Subject::Key)
            .then_some(self.parsed.journey.trigger.key)
    }

    /// Reports an event that cannot tell which enrollment it is about.
    fn carries_key(&mut self, event: &EventKind, subject: Subject) {
        let carries = Carries::of(event);
        let Some(key) = self.key() else {
            return;
        };
        match key {
            Key::Order if !carries.order => {
                self.report(
                    subject,
                    format!("`{event}` carries no order, and the key is `order_id`"),
                );
            }
            Key::Checkout if !carries.checkout => {
                let is_exit = matches!(subject, Subject::ExitEvent(_));
                let advice = if is_exit && carries.order {
                    "; an exit rule can say `match: checkout`"
                } else {
                    ""
                };
                self.report(
                    subject,
                    format!(
                        "`{event}` does not always carry a checkout, and the key is `checkout_id`{advice}"
                    ),
                );
            }
            Key::Product if !carries.goods => {
                self.report(
                    subject,
                    format!("`{event}` carries no products, and the key is `product_id`"),
                );
            }
            Key::Contact | Key::Order | Key::Checkout | Key::Product => {}
        }
    }

    /// Whether the email exists, and whether the journey's events bring what its templates show.
    fn email(&mut self, email: &str, subject: Subject) {
        if !self.names.emails.iter().any(|known| known == email) {
            self.report(
                subject,
                unknown("email", email, self.names.emails.iter().map(String::as_str)),
            );
            return;
        }
        let carries = Carries::any_of(&self.parsed.journey.trigger.on);
        let Some(uses) = self.names.templates.uses.get(email) else {
            return;
        };
        for (name, (file, place)) in uses {
            if is_missing(name, carries) {
                let message = format!(
                    "email `{email}` shows `{name}` ({file}:{}), which no event that starts this journey carries; ask with `{{% if %}}` first",
                    place.line
                );
                self.report(subject, message);
            }
        }
    }

    fn about(&self, carries: Carries) -> About<'_> {
        About::events(carries, self.names.segments, self.names.events)
    }

    fn condition(&mut self, condition: Option<&Condition>, subject: Subject, carries: Carries) {
        if let Some(condition) = condition {
            self.expression(Use::Condition, condition, subject, carries);
        }
    }

    fn expression(&mut self, what_for: Use, Condition(text): &Condition, subject: Subject, carries: Carries) {
        let start = self.parsed.places.offset_of(subject);
        for problem in condition::check_for(what_for, text, self.about(carries)) {
            let place = place_within(&self.parsed.source, start, text, problem.offset);
            self.report_at(place, problem.message);
        }
    }
}

/// Whether a name that emails show stays empty with events that bring no more than `carries`.
fn is_missing(name: &str, carries: Carries) -> bool {
    (GOODS.contains(&name) && !carries.goods) || (ORDER.contains(&name) && !carries.shows_order())
}

/// What a reader does with a mail finds its enrollment by the message, not by a key.
const fn is_about_mail(event: &EventKind) -> bool {
    matches!(
        event,
        EventKind::EmailOpened
            | EventKind::EmailClicked
            | EventKind::QuestionAnswered
            | EventKind::QuestionCommented
            | EventKind::GiftRevealed
    )
}
