//! Writes a draft down as the file a store would have.

use super::{About, CONDITIONS, Draft, Edit, Kind, Plan, name};
use std::fmt::Write as _;

/// Lays a draft out as a file. Steps are numbered in their order, also those that an edit drops.
pub(super) struct Writer<'a> {
    plan: &'a Plan,
    edit: &'a Edit,
    own: usize,
    count: usize,
    about: About,
    /// The first step there is, and the one that those on a dropped step go on at.
    first: Option<usize>,
    dropped: Option<usize>,
    after: Option<usize>,
    /// A mail has gone out by now, whatever the way.
    sent: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(plan: &'a Plan, edit: &'a Edit, own: usize) -> Self {
        Self {
            plan,
            edit,
            own,
            count: 0,
            about: plan.journeys[own].about,
            first: None,
            dropped: None,
            after: None,
            sent: false,
        }
    }

    pub(super) fn write(&mut self, draft: &Draft) -> String {
        let mut steps = String::new();
        self.list(&draft.steps, 1, &mut steps);
        // Whatever comes before, something is left to lead to.
        let last = self.number();
        let _ = writeln!(steps, "  - {{ send: note, stream: marketing, id: s{last} }}");
        let mut text = format!(
            "title: Random\nstage: decision\nlane: {}\npriority: {}\ntrigger: {}\n",
            if draft.lane == "cart" && !matches!(draft.about, About::Checkout) {
                "marketing"
            } else {
                draft.lane
            },
            self.own,
            self.trigger(draft)
        );
        // The build refuses a window that quiet hours shut.
        let shut = |extra: &str| extra.contains("22:00") && self.plan.store.contains("21:00-08:00");
        // It refuses what contradicts itself too: a transactional mail kept back, a run both refreshed and started anew.
        let owed = |extra: &str| extra.starts_with("holdout") && steps.contains("transactional");
        let refused = |extra: &&&str| shut(extra) || owed(extra);
        for extra in draft.extras.iter().filter(|extra| !refused(extra)) {
            let _ = writeln!(text, "{extra}");
        }
        if let Some(status) = self.edit.status {
            let _ = writeln!(text, "status: {status}");
        }
        let exits = self.exits();
        if draft.exits > 0 {
            text.push_str("exit:\n");
            for exit in exits.iter().take(draft.exits) {
                let _ = writeln!(text, "  - {exit}");
            }
        }
        let first = self.first.unwrap_or(last);
        if let Some(then) = draft.goal {
            let then = if then == "s0" {
                format!("s{first}")
            } else {
                then.to_owned()
            };
            let on = match self.about {
                About::Order => "Order Delivered",
                About::Checkout
                | About::Signup
                | About::Browse
                | About::Birthday
                | About::Schedule
                | About::Manual
                | About::Enters
                | About::Leaves => "Order Completed",
            };
            let _ = writeln!(text, "goal: {{ on: {on}, within: 5d, then: {then} }}");
        }
        if let (Some(dropped), Some((_, true))) = (self.dropped, self.edit.dropped) {
            let _ = writeln!(text, "moved: {{ s{dropped}: s{} }}", self.after.unwrap_or(last));
        }
        text.push_str("steps:\n");
        text + &steps
    }

    fn trigger(&self, draft: &Draft) -> String {
        let refresh = draft.refresh;
        match self.about {
            About::Checkout => format!(
                "{{ on: [Checkout Started, Checkout Updated], key: checkout_id, refresh: {refresh}, when: event.value > 0 }}"
            ),
            About::Order => "{ on: Order Completed, key: order_id }".to_owned(),
            About::Signup => {
                format!("{{ on: [Signed Up, Contact Updated], key: contact, refresh: {refresh} }}")
            }
            About::Browse => {
                format!("{{ on: [Product Viewed, Quiz Taken], key: contact, refresh: {refresh} }}")
            }
            About::Birthday => "{ date: birthday, at: \"09:00\", repeat: yearly, offset: -1d }".to_owned(),
            About::Schedule => {
                "{ schedule: FREQ=WEEKLY;BYDAY=MO, from: 2026-01-05, at: \"09:00\" }".to_owned()
            }
            About::Manual => "{ manual: true, key: contact }".to_owned(),
            About::Enters => format!(
                "{{ enters: {}, key: contact, backfill: {} }}",
                draft.segment, draft.backfill
            ),
            About::Leaves => format!("{{ leaves: {}, key: contact }}", draft.segment),
        }
    }

    fn exits(&self) -> Vec<&'static str> {
        let [one, two] = self.event_exits();
        let of_segment = self.plan.has_segments().then_some("{ leaves: buyers }");
        [one, two].into_iter().chain(of_segment).collect()
    }

    fn event_exits(&self) -> [&'static str; 2] {
        match self.about {
            About::Checkout => [
                "{ on: Order Completed, match: checkout }",
                "{ on: Checkout Updated, match: key, when: 'size(event.items) == 0' }",
            ],
            About::Order => [
                "{ on: Order Cancelled, match: key }",
                "{ on: Order Refunded, match: key }",
            ],
            About::Signup
            | About::Browse
            | About::Birthday
            | About::Schedule
            | About::Manual
            | About::Enters
            | About::Leaves => [
                "{ on: Order Completed }",
                "{ on: Contact Updated, when: contact.attributes.score > 8 }",
            ],
        }
    }

    fn awaited(&self, number: usize) -> &'static str {
        let kinds = match self.about {
            About::Checkout => ["Checkout Updated", "Email Clicked", "Quiz Taken", "Email Opened"],
            About::Order => [
                "Order Fulfilled",
                "Order Delivered",
                "Email Clicked",
                "Email Opened",
            ],
            About::Signup
            | About::Browse
            | About::Birthday
            | About::Schedule
            | About::Manual
            | About::Enters
            | About::Leaves => ["Product Added", "Email Clicked", "Signed Up", "Order Completed"],
        };
        let kind = kinds[number % kinds.len()];
        // Nobody opens a mail before there is one, and the build says so.
        if kind.starts_with("Email") && !self.sent {
            kinds[0]
        } else {
            kind
        }
    }

    fn number(&mut self) -> usize {
        self.count += 1;
        self.count - 1
    }

    /// Another journey that a step here may start or stop.
    fn other(&self, number: usize, starts: bool) -> Option<String> {
        let there =
            number < self.plan.journeys.len() && number != self.own && self.edit.without != Some(number);
        let about = self.plan.journeys.get(number)?.about;
        let keyed = matches!(about, About::Checkout | About::Order) && about != self.about;
        // The build refuses journeys that start each other without end.
        let back = number < self.own;
        (there && !(starts && (keyed || back))).then(|| name(number))
    }

    fn list(&mut self, kinds: &[Kind], depth: usize, text: &mut String) {
        let mut wait = None;
        for kind in kinds {
            let number = self.number();
            let mut own = String::new();
            let written = self.step(kind, number, depth, &mut wait, &mut own);
            let gone = depth == 1 && self.edit.dropped.is_some_and(|(at, _)| at == number);
            if gone {
                self.dropped = written.then_some(number);
                wait = None;
            } else if written {
                if depth == 1 {
                    self.sent |= matches!(kind, Kind::Send { .. });
                    self.first = self.first.or(Some(number));
                    self.after = self.after.or(self.dropped.map(|_| number));
                }
                text.push_str(&own);
            }
        }
    }

    /// Writes one step; false when there is nothing it could mean here.
    fn step(
        &mut self,
        kind: &Kind,
        id: usize,
        depth: usize,
        wait: &mut Option<usize>,
        text: &mut String,
    ) -> bool {
        let pad = "  ".repeat(depth);
        let longer = if self.edit.longer { 2 } else { 1 };
        let line = match kind {
            Kind::Send { team: true, .. } if !self.edit.turned => "send: note, to: team".to_owned(),
            Kind::Send { options, .. } => format!("send: note, {options}"),
            Kind::Delay(minutes) => {
                *wait = Some(id);
                format!("wait: {}m", minutes * longer)
            }
            Kind::Calendar(days) => format!("wait: {days} calendar days"),
            Kind::Until(until) => format!("wait: {{ {until} }}"),
            Kind::Set(what) => (*what).to_owned(),
            Kind::Coupon(None) => "coupon: { code: HELLO, percent: 10, expires: 90d }".to_owned(),
            Kind::Notify => "notify: crm, as: stock".to_owned(),
            Kind::Start(number) | Kind::Stop(number) => {
                let starts = matches!(kind, Kind::Start(_));
                let Some(other) = self.other(*number, starts) else {
                    return false;
                };
                format!("{}: {other}", if starts { "start" } else { "stop" })
            }
            Kind::Goto(times) => {
                let Some(to) = *wait else { return false };
                format!("goto: s{to}, times: {times}")
            }
            Kind::Date(..) | Kind::Event(..) | Kind::Branch(..) | Kind::Split(..) | Kind::Coupon(Some(_)) => {
                let _ = writeln!(text, "{pad}- id: s{id}");
                self.nest(kind, depth, text);
                return true;
            }
        };
        let _ = writeln!(text, "{pad}- {{ {line}, id: s{id} }}");
        true
    }

    fn nest(&mut self, kind: &Kind, depth: usize, text: &mut String) {
        let pad = "  ".repeat(depth);
        match kind {
            Kind::Date(of, other) => {
                let _ = writeln!(
                    text,
                    "{pad}  wait:\n{pad}    date: {of}\n{pad}    offset: -2d\n{pad}    at: \"08:30\""
                );
                self.target("otherwise", other, depth + 2, text);
            }
            Kind::Event(on, timeout, then, other) => {
                let on = self.awaited(*on);
                let _ = writeln!(
                    text,
                    "{pad}  wait:\n{pad}    for: {on}\n{pad}    timeout: {timeout}m"
                );
                self.target("then", then, depth + 2, text);
                self.target("otherwise", other, depth + 2, text);
            }
            Kind::Branch(when, list, leaves, other) => {
                let _ = writeln!(
                    text,
                    "{pad}  branch:\n{pad}    - when: {}",
                    quoted(self.condition(*when))
                );
                self.filled("steps", list, depth + 3, text);
                // Somebody must see the code of a coupon before they leave.
                let mail = self.number();
                let leaves = leaves.then(|| {
                    format!("{pad}        - {{ send: note, stream: marketing, id: s{mail} }}\n{pad}        - exit\n")
                });
                text.push_str(&leaves.unwrap_or_default());
                if !other.is_empty() {
                    let _ = writeln!(text, "{pad}    - else:");
                    self.within(other, depth + 3, text);
                }
            }
            Kind::Split(weight, list, by) => {
                let by = if *by { "contact" } else { "enrollment" };
                let rest = 100 - weight;
                let _ = writeln!(
                    text,
                    "{pad}  by: {by}\n{pad}  split:\n{pad}    - arm: b\n{pad}      weight: {rest}\n{pad}    - arm: a\n{pad}      weight: {weight}"
                );
                self.filled("steps", list, depth + 3, text);
            }
            Kind::Coupon(Some(list)) => {
                let _ = writeln!(text, "{pad}  coupon:\n{pad}    pool: comeback");
                self.target("otherwise", list, depth + 2, text);
            }
            _ => {}
        }
    }

    fn condition(&self, number: usize) -> &'static str {
        let of_segments = CONDITIONS[number].contains("contact.segments");
        let known = !of_segments || self.plan.has_segments();
        if known {
            CONDITIONS[number]
        } else {
            "contact.orders > 1"
        }
    }

    fn target(&mut self, field: &str, list: &[Kind], depth: usize, text: &mut String) {
        let pad = "  ".repeat(depth);
        if list.is_empty() {
            let word = if field == "then" { "continue" } else { "exit" };
            let _ = writeln!(text, "{pad}{field}: {word}");
        } else {
            self.filled(field, list, depth, text);
        }
    }

    fn filled(&mut self, field: &str, list: &[Kind], depth: usize, text: &mut String) {
        let _ = writeln!(text, "{}{field}:", "  ".repeat(depth));
        self.within(list, depth + 1, text);
    }

    /// A list within a step, with something in it whatever could not be written.
    fn within(&mut self, list: &[Kind], depth: usize, text: &mut String) {
        let number = self.number();
        let _ = writeln!(text, "{}- {{ tag: seen, id: s{number} }}", "  ".repeat(depth));
        self.list(list, depth, text);
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
