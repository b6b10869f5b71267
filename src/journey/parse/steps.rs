//! The steps of a journey: lists within lists are read in order and laid out flat, each step with its successor.

use super::kinds;
use super::{Places, Subject, step_id};
use crate::domain::ids::StepId;
use crate::domain::message::Stream;
use crate::journey::finding::{Place, hint, one_of, unknown};
use crate::journey::language::{self, KINDS, Kind, LEAVE};
use crate::journey::step::{Code, Step, StepKind, Target};
use crate::journey::yaml::{Fields, Node, Reader, Value};

/// How deep branches may stand within branches: a reader's limit, not the engine's.
const DEPTH_MAX: usize = 8;

/// Reads steps in the order of the file, and what carries over from one to the next.
pub(super) struct Steps<'r, 'f> {
    pub reader: &'r mut Reader<'f>,
    pub places: &'r mut Places,
    /// Of the send before: only a marketing one is taken over.
    pub stream_before: Option<Stream>,
    count: usize,
    depth: usize,
}

/// A step in its place.
pub(super) struct Laid {
    number: usize,
    step: Step,
    /// Goes on behind the list it stands in; where that is, the list around it knows.
    open: bool,
}

/// A step whose default id may depend on the step after it, and the steps within it.
struct Draft {
    number: usize,
    place: Place,
    id: Option<StepId>,
    /// An id was written, good or bad: no default is needed.
    named: bool,
    kind: StepKind,
    within: Vec<Laid>,
    lead: Option<StepId>,
}

/// A step's own part of its file.
pub(super) struct Said<'n> {
    pub number: usize,
    pub fields: Fields<'n>,
    /// The value of the field that names the kind.
    pub value: &'n Node,
    pub within: Vec<Laid>,
    /// The send that the first list within begins with, with nothing to hold people before it.
    pub lead: Option<StepId>,
}

/// Reads the steps of a journey.
pub(super) fn steps(reader: &mut Reader<'_>, places: &mut Places, journey: &Fields<'_>) -> Vec<Step> {
    let Some(node) = reader.required(journey, "steps", "a list, as `- send: welcome-hello`") else {
        return Vec::new();
    };
    match journey.entry("steps") {
        Some((key, _)) => places.note_place(Subject::Steps, key.place),
        None => places.note(Subject::Steps, node),
    }
    let mut steps = Steps {
        reader,
        places,
        stream_before: None,
        count: 0,
        depth: 0,
    };
    let (mut laid, _) = steps.list(node);
    laid.sort_by_key(|laid| laid.number);
    laid.into_iter().map(|laid| laid.step).collect()
}

impl Steps<'_, '_> {
    /// Reads a list within a step, and says where it begins.
    pub fn nested(&mut self, said: &mut Said<'_>, node: &Node) -> Target {
        if self.depth >= DEPTH_MAX {
            self.reader.report(
                node.place,
                format!("more than {DEPTH_MAX} lists within each other; start another journey here instead"),
            );
            return Target::Next;
        }
        self.depth += 1;
        let (laid, lead) = self.list(node);
        self.depth -= 1;
        if said.within.is_empty() {
            said.lead = lead;
        }
        let first = laid.iter().min_by_key(|laid| laid.number);
        let target = first.map_or(Target::Next, |laid| Target::Step(laid.step.id.clone()));
        said.within.extend(laid);
        target
    }

    fn list(&mut self, node: &Node) -> (Vec<Laid>, Option<StepId>) {
        let Value::List(nodes) = &node.value else {
            self.reader
                .expected(node, "a list of steps, as `- send: welcome-hello`");
            return (Vec::new(), None);
        };
        let drafts: Vec<Draft> = nodes.iter().map(|node| self.draft(node)).collect();
        self.lay(drafts)
    }

    fn draft(&mut self, node: &Node) -> Draft {
        let number = self.count;
        self.count += 1;
        let place = node.place;
        self.step(node, number).unwrap_or(Draft {
            // What is wrong is in the findings; the step stays, so that numbers and order hold.
            number,
            place,
            id: None,
            named: true,
            kind: StepKind::Exit,
            within: Vec::new(),
            lead: None,
        })
    }

    fn step(&mut self, node: &Node, number: usize) -> Option<Draft> {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.field.name).collect();
        if matches!(&node.value, Value::Text(text) if text == LEAVE) {
            return Some(Draft {
                number,
                place: node.place,
                id: None,
                named: false,
                kind: StepKind::Exit,
                within: Vec::new(),
                lead: None,
            });
        }
        let fields = self
            .reader
            .map(node, &format!("a step: a map with {}", one_of(&names)))?;
        let kind = self.kind_named(&fields, &names)?;
        let name = kind.field.name;
        let own = language::names(kind.with);
        for (key, _) in fields.iter() {
            if key.name != name && key.name != "id" && !own.contains(&key.name.as_str()) {
                let known: Vec<&str> = own.iter().copied().chain(["id"]).collect();
                let hint = hint(&key.name, &known);
                self.reader.report(
                    key.place,
                    format!("unknown field `{}` of `{name}`{hint}", key.name),
                );
            }
        }
        let value = fields.get(name)?;
        let mut said = Said {
            number,
            fields,
            value,
            within: Vec::new(),
            lead: None,
        };
        let kind = kinds::read(self, kind.verb, &mut said)?;
        let id = fields.get("id");
        let place = id.map_or(value.place, |id| id.place);
        Some(Draft {
            number,
            place,
            id: id
                .and_then(|node| self.reader.text(node, "an id, as `id: first-nudge`"))
                .and_then(|text| step_id(self.reader, text, place)),
            named: id.is_some(),
            kind,
            within: said.within,
            lead: said.lead,
        })
    }

    fn kind_named(&mut self, fields: &Fields<'_>, names: &[&str]) -> Option<&'static Kind> {
        let mut present = KINDS.iter().filter(|kind| fields.get(kind.field.name).is_some());
        match (present.next(), present.next()) {
            (Some(kind), None) => Some(kind),
            (Some(_), Some(_)) => {
                self.reader
                    .report(fields.place, "one step does one thing: make this several steps");
                None
            }
            (None, _) => {
                match fields.iter().find(|(key, _)| key.name != "id") {
                    Some((key, _)) => {
                        let known = names.iter().copied();
                        self.reader.report(key.place, unknown("step", &key.name, known));
                    }
                    None => self
                        .reader
                        .report(fields.place, format!("a step needs {}", one_of(names))),
                }
                None
            }
        }
    }

    /// Gives every step of a list its id and its successor, last to first. Also says which send the list begins with.
    fn lay(&mut self, drafts: Vec<Draft>) -> (Vec<Laid>, Option<StepId>) {
        let mut all = Vec::new();
        let mut next: Option<StepId> = None;
        let mut lead: Option<StepId> = None;
        for draft in drafts.into_iter().rev() {
            self.places.note_place(Subject::Step(draft.number), draft.place);
            let id = self.id_of(&draft, lead.as_ref());
            for mut laid in draft.within {
                if laid.open {
                    laid.step.next.clone_from(&next);
                    laid.open = next.is_none();
                }
                all.push(laid);
            }
            let Some(id) = id.or_else(|| StepId::parse(&format!("step-{}", draft.number + 1)).ok()) else {
                continue;
            };
            lead = match &draft.kind {
                StepKind::Send(_) => Some(id.clone()),
                StepKind::Wait(_) => None,
                StepKind::Branch(_)
                | StepKind::Split(_)
                | StepKind::Coupon(_)
                | StepKind::Notify(_)
                | StepKind::Set(_)
                | StepKind::Start(_)
                | StepKind::Stop(_)
                | StepKind::Goto(_)
                | StepKind::Exit => draft.lead.or(lead),
            };
            let behind = next.replace(id.clone());
            all.push(Laid {
                number: draft.number,
                open: behind.is_none(),
                step: Step {
                    id,
                    kind: draft.kind,
                    next: behind,
                },
            });
        }
        (all, lead)
    }

    /// A send is called after its email, a wait after the send it comes before, be it the first of a branch. What nobody can stand on is numbered;
    /// what else there is must be named.
    fn id_of(&mut self, draft: &Draft, lead: Option<&StepId>) -> Option<StepId> {
        if draft.id.is_some() || draft.named {
            return draft.id.clone();
        }
        match (&draft.kind, lead) {
            (StepKind::Send(send), _) => step_id(self.reader, send.email.as_str(), draft.place),
            (StepKind::Wait(_), Some(send)) => StepId::parse(&format!("before-{send}")).ok(),
            (StepKind::Wait(_), _) => {
                self.reader.report(
                    draft.place,
                    "this wait needs an `id:`, because no send follows it",
                );
                None
            }
            (StepKind::Split(_), _) => {
                self.reader.report(
                    draft.place,
                    "this split needs an `id:`, by which people keep their arm",
                );
                None
            }
            (StepKind::Coupon(coupon), _) => {
                let Code::Pool { name, .. } = &coupon.code else {
                    return StepId::parse(&format!("coupon-{}", draft.number + 1)).ok();
                };
                step_id(self.reader, &format!("coupon-{name}"), draft.place)
            }
            (StepKind::Notify(notify), _) => {
                step_id(self.reader, &format!("notify-{}", notify.webhook), draft.place)
            }
            (
                StepKind::Branch(_)
                | StepKind::Set(_)
                | StepKind::Start(_)
                | StepKind::Stop(_)
                | StepKind::Goto(_)
                | StepKind::Exit,
                _,
            ) => StepId::parse(&format!("{}-{}", draft.kind.name(), draft.number + 1)).ok(),
        }
    }
}
