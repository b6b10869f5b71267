//! A file in `journeys/` read into a [`Journey`], with the place of everything a check may complain about.
//!
//! Called by `check`. Knows the form of the language only: whether an event or email exists, and whether the steps make
//! sense together, is `lint`'s. What the language does not know yet is an unknown field here.

mod kinds;
mod steps;
mod trigger;
mod variables;

use super::definition::{Condition, Goal, Journey, Moved, Reenter, Stage, Status};
use super::finding::{Finding, Place, nearest};
use super::language::{CONTINUE, GOAL, JOURNEY, LANES, LEAVE, REENTERS, STAGES, STATUSES, Word, names};
use super::step::Target;
use super::yaml::{self, Fields, Node, Reader};
use crate::domain::civil::Zone;
use crate::domain::event::EventKind;
use crate::domain::ids::{JourneyId, StepId, TopicName};
use crate::domain::message::Lane;
use std::collections::BTreeMap;

/// A journey as its file says it, not yet checked against events, emails and the rest.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub file: String,
    pub source: String,
    pub journey: Journey,
    pub places: Places,
    pub findings: Vec<Finding>,
}

/// A thing in a journey that a check may point at; numbers count from 0 in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Lane,
    Status,
    /// The topic of the journey, and that of a send.
    Topic,
    StepTopic(usize),
    Key,
    TriggerEvent(usize),
    TriggerSegment(usize),
    TriggerWhen,
    /// The field that says in which of the ways it starts.
    Form,
    Refresh,
    Backfill,
    ExitSegment(usize),
    Window,
    ExitEvent(usize),
    ExitMatch(usize),
    ExitWhen(usize),
    Steps,
    Step(usize),
    /// The condition of a send.
    StepWhen(usize),
    /// The condition of an arm of a branch: the step, the arm.
    ArmWhen(usize, usize),
    GoalEvent,
    GoalWhen,
    GoalThen,
    /// The email a send names, the event a wait is for, the journey or step another step leads to.
    StepName(usize),
    MovedFrom(usize),
    MovedTo(usize),
    Variable(usize),
    VariableValue(usize),
}

/// Where in the file each thing stands.
#[derive(Debug, Clone, Default)]
pub struct Places(BTreeMap<Subject, (Place, usize)>);

impl Places {
    pub fn of(&self, subject: Subject) -> Place {
        self.0.get(&subject).map_or(Place::START, |(place, _)| *place)
    }

    /// Whether the file says the thing, and says it well.
    pub fn has(&self, subject: Subject) -> bool {
        self.0.contains_key(&subject)
    }

    /// Where the thing starts, in bytes.
    pub fn offset_of(&self, subject: Subject) -> usize {
        self.0.get(&subject).map_or(0, |(_, offset)| *offset)
    }

    fn note(&mut self, subject: Subject, node: &Node) {
        self.0.insert(subject, (node.place, node.offset));
    }

    fn note_place(&mut self, subject: Subject, place: Place) {
        self.0.insert(subject, (place, 0));
    }
}

impl Parsed {
    /// Whether all of the file was understood. If not, checks of the whole would only repeat what `findings` says.
    pub fn is_complete(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Reads a journey; `file` names it in findings.
///
/// # Errors
/// What is wrong when nothing of the file can be used.
pub fn parse(id: JourneyId, file: &str, source: &str) -> Result<Parsed, Vec<Finding>> {
    let root = yaml::read(file, source).map_err(|finding| vec![finding])?;
    let mut reader = Reader::new(file);
    let mut places = Places::default();
    let Some(fields) = reader.fields(&root, "a journey", &names(&JOURNEY)) else {
        return Err(reader.findings);
    };
    let title = reader
        .required(
            &fields,
            "title",
            "a name for people, as `title: Abandoned checkout`",
        )
        .and_then(|node| reader.text(node, "a text"))
        .unwrap_or_default()
        .to_owned();
    let stage = reader
        .required(
            &fields,
            "stage",
            "the stage of the customer's life, as `stage: decision`",
        )
        .and_then(|node| reader.choice(node, &STAGES))
        .unwrap_or(Stage::Awareness);
    let lane = lane(&mut reader, &mut places, &fields);
    let (exit, exit_segments) = trigger::exits(&mut reader, &mut places, &fields);
    let journey = Journey {
        id,
        title,
        stage,
        lane,
        topic: topic(&mut reader, &mut places, &fields, Subject::Topic),
        trigger: trigger::trigger(&mut reader, &mut places, &fields),
        reenter: fields
            .get("reenter")
            .and_then(|node| reenter(&mut reader, node))
            .unwrap_or(Reenter::Once),
        cooldown: fields.get("cooldown").and_then(|node| reader.delay(node)),
        exit,
        exit_segments,
        goal: fields
            .get("goal")
            .and_then(|node| goal(&mut reader, &mut places, node)),
        holdout: percent(&mut reader, &fields).unwrap_or(0),
        priority: fields
            .get("priority")
            .and_then(|node| reader.number(node, 0, 100, "a number from 0 to 100; more goes first"))
            .and_then(|number| u8::try_from(number).ok())
            .unwrap_or(0),
        timezone: fields.get("timezone").and_then(|node| zone(&mut reader, node)),
        window: fields.get("window").and_then(|node| {
            places.note(Subject::Window, node);
            reader.parsed(node, "hours such as `09:00-18:00 weekdays`")
        }),
        throttle: fields
            .get("throttle")
            .and_then(|node| reader.parsed(node, "so many mails in a length of time, as `100 per 1h`")),
        status: status(&mut reader, &mut places, &fields),
        variables: variables::variables(&mut reader, &mut places, &fields),
        steps: steps::steps(&mut reader, &mut places, &fields),
        moved: moved(&mut reader, &mut places, &fields),
    };
    Ok(Parsed {
        file: file.to_owned(),
        source: source.to_owned(),
        journey,
        places,
        findings: reader.findings,
    })
}

fn lane(reader: &mut Reader<'_>, places: &mut Places, fields: &Fields<'_>) -> Lane {
    if let Some(node) = fields.get("lane") {
        places.note(Subject::Lane, node);
    }
    optional(reader, fields, "lane", &LANES).unwrap_or(Lane::Marketing)
}

fn status(reader: &mut Reader<'_>, places: &mut Places, fields: &Fields<'_>) -> Status {
    if let Some(node) = fields.get("status") {
        places.note(Subject::Status, node);
    }
    optional(reader, fields, "status", &STATUSES).unwrap_or_default()
}

fn topic(
    reader: &mut Reader<'_>,
    places: &mut Places,
    fields: &Fields<'_>,
    subject: Subject,
) -> Option<TopicName> {
    let node = fields.get("topic")?;
    places.note(subject, node);
    let text = reader.text(node, "the id of a topic, as `topic: news`")?;
    TopicName::parse(text).ok()
}

fn optional<T: Copy>(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    name: &str,
    choices: &[Word<T>],
) -> Option<T> {
    fields.get(name).and_then(|node| reader.choice(node, choices))
}

fn condition(
    reader: &mut Reader<'_>,
    places: &mut Places,
    fields: &Fields<'_>,
    subject: Subject,
) -> Option<Condition> {
    let node = fields.get("when")?;
    places.note(subject, node);
    // `when: true` is a condition, though no useful one: what it lacks is for the type check to say.
    let text = reader.text(node, "a condition such as `event.value > 0`")?;
    Some(Condition(text.to_owned()))
}

fn reenter(reader: &mut Reader<'_>, node: &Node) -> Option<Reenter> {
    const FORM: &str = "`once`, `restart`, `parallel` or `after 30d`";
    let text = reader.text(node, FORM)?;
    if let Some(delay) = text.strip_prefix("after ") {
        let delay = crate::domain::time::Delay::parse(delay);
        return match delay {
            Ok(delay) => Some(Reenter::After(delay)),
            Err(error) => {
                reader.report(node.place, error.to_string());
                None
            }
        };
    }
    match REENTERS.iter().find(|(name, _, _)| *name == text) {
        Some((_, reenter, _)) => Some(*reenter),
        None => {
            reader.expected(node, FORM);
            None
        }
    }
}

fn goal(reader: &mut Reader<'_>, places: &mut Places, node: &Node) -> Option<Goal> {
    let fields = reader.fields(node, "a goal", &names(&GOAL))?;
    let within = reader
        .required(&fields, "within", "counted from enrollment, as `within: 5d`")
        .and_then(|node| reader.delay(node));
    let when = condition(reader, places, &fields, Subject::GoalWhen);
    let event = reader.required(&fields, "on", "the event that shows it, as `on: Order Completed`")?;
    places.note(Subject::GoalEvent, event);
    let on = EventKind::from(reader.text(event, "the name of one event")?.to_owned());
    let then = match fields.get("then") {
        None => Target::Next,
        Some(node) => {
            places.note(Subject::GoalThen, node);
            match reader.text(node, "`continue`, `exit` or the id of a step")? {
                CONTINUE => Target::Next,
                LEAVE => Target::Leave,
                id => Target::Step(step_id(reader, id, node.place)?),
            }
        }
    };
    Some(Goal {
        on,
        within: within?,
        when,
        then,
    })
}

/// A zone, or the finding that names the nearest one.
fn zone(reader: &mut Reader<'_>, node: &Node) -> Option<Zone> {
    let text = reader.text(node, "a time zone such as `Europe/Warsaw`")?;
    let zone = text.parse().ok();
    if zone.is_none() {
        let hint = nearest(text, Zone::names()).map_or_else(
            || ", for example `Europe/Warsaw`".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        );
        reader.report(node.place, format!("`{text}` is not a time zone{hint}"));
    }
    zone
}

/// `5%`.
fn percent(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<u8> {
    const FORM: &str = "a share from 1% to 50%, as `5%`";
    let node = fields.get("holdout")?;
    let text = reader.text(node, FORM)?;
    let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
    let number = number.filter(|number| (1..=50).contains(number));
    if number.is_none() {
        reader.expected(node, FORM);
    }
    number
}

fn moved(reader: &mut Reader<'_>, places: &mut Places, journey: &Fields<'_>) -> Vec<Moved> {
    let mut all = Vec::new();
    let Some(fields) = journey
        .get("moved")
        .and_then(|node| reader.map(node, "a map such as `{old-step: new-step}` or `{old-step: exit}`"))
    else {
        return all;
    };
    for (key, node) in fields.iter() {
        let from = step_id(reader, &key.name, key.place);
        let to = reader.text(node, "the id of a step, or `exit`").and_then(|text| {
            if text == LEAVE {
                Some(None)
            } else {
                step_id(reader, text, node.place).map(Some)
            }
        });
        if let (Some(from), Some(to)) = (from, to) {
            places.note_place(Subject::MovedFrom(all.len()), key.place);
            places.note(Subject::MovedTo(all.len()), node);
            all.push(Moved { from, to });
        }
    }
    all
}

/// Ids of steps, journeys and emails are file names, Rust names and keys in storage: one plain spelling for all.
pub fn is_plain_name(text: &str) -> bool {
    const LENGTH_MAX: usize = 64;
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= LENGTH_MAX
        && !text.ends_with('-')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn step_id(reader: &mut Reader<'_>, text: &str, place: Place) -> Option<StepId> {
    if text == LEAVE {
        reader.report(
            place,
            "`exit` cannot be the id of a step: `moved:` uses the word for leaving",
        );
        return None;
    }
    if !is_plain_name(text) {
        reader.report(
            place,
            format!("`{text}` is not an id: use lower-case letters, digits and `-`, starting with a letter"),
        );
        return None;
    }
    StepId::parse(text).ok()
}
