//! The journey language as tables: which fields there are, what each may say, and what it means, in a sentence.
//!
//! `parse` knows fields, kinds and words from here, and `schema` writes the same for editors, so the two cannot drift
//! apart. What a table cannot say (that weights make 100, that a step exists) is `parse`'s and `lint`'s.

mod steps;

pub use steps::{
    CONTINUE, COUPON, KINDS, Kind, RECIPIENTS, SHARE, STICKY, STREAMS, TARGETS, TIMES_MAX, Verb, WAITS,
    arm_names,
};

use super::definition::{Key, Match, Reenter, Refresh, Stage, Status};
use crate::domain::civil::Feb29;
use crate::domain::message::Lane;

/// A field of a map.
pub struct Field {
    pub name: &'static str,
    /// Shown by editors beside the field.
    pub about: &'static str,
    pub required: bool,
    pub form: Form,
}

/// What a value may look like.
pub enum Form {
    Text,
    /// A text that a type of its own reads; the expression tells editors its look, and the build says the rest.
    Like(&'static str),
    YesNo,
    /// The name of a step, an email or a journey.
    Name,
    /// `90s`, `1d12h`
    Delay,
    /// `after 30d`: a word and a delay.
    Within(&'static str),
    /// `5%`
    Percent(u8, u8),
    Number(u16, u16),
    Condition,
    /// CEL that comes to a text or a number.
    Expression,
    Event,
    /// One of a few words.
    Words(fn() -> Vec<(&'static str, &'static str)>),
    /// A value, or a list of such.
    OneOrMore(&'static Form),
    /// A list of at least so many.
    List(&'static Form, u8),
    Map(&'static [Field]),
    /// Names of the store's own, each with a text, a number, `true`, `false` or nothing.
    Attributes,
    /// Names of steps, each with the step to go on at, or `exit`.
    Moves,
    /// Names of the store's own, each with such a map.
    Named(&'static [Field]),
    /// Steps of their own.
    Steps,
    AnyOf(&'static [Form]),
}

/// A word that a field may say, what it means to the engine, and what to a reader.
pub type Word<T> = (&'static str, T, &'static str);

/// Where `moved:` sends people who are to leave, and the step that leaves.
pub const LEAVE: &str = "exit";

pub const fn required(name: &'static str, form: Form, about: &'static str) -> Field {
    let required = true;
    Field {
        name,
        about,
        required,
        form,
    }
}

pub const fn optional(name: &'static str, form: Form, about: &'static str) -> Field {
    let required = false;
    Field {
        name,
        about,
        required,
        form,
    }
}

pub fn names(fields: &[Field]) -> Vec<&'static str> {
    fields.iter().map(|field| field.name).collect()
}

fn told<T>(words: &[Word<T>]) -> Vec<(&'static str, &'static str)> {
    words.iter().map(|(word, _, about)| (*word, *about)).collect()
}

/// The top of a file.
pub const JOURNEY: [Field; 18] = [
    required("title", Form::Text, "A name for people."),
    required(
        "stage",
        Form::Words(|| told(&STAGES)),
        "Stage of the customer's life, for reports.",
    ),
    optional(
        "lane",
        Form::Words(|| told(&LANES)),
        "Order of sending when much is due at once; `marketing` unless said.",
    ),
    required("trigger", Form::AnyOf(&TRIGGERS), "What starts it."),
    optional(
        "topic",
        Form::Name,
        "What its marketing is about, of `topics:` in store.yaml; `general` unless said.",
    ),
    optional(
        "reenter",
        Form::AnyOf(&[Form::Words(|| told(&REENTERS)), Form::Within("after")]),
        "What happens when its key comes again: `once` (unless said), `restart`, `parallel`, or `after 30d`.",
    ),
    optional(
        "cooldown",
        Form::Delay,
        "Least time between two starts for one contact, whatever the key.",
    ),
    optional(
        "exit",
        Form::List(
            &Form::AnyOf(&[Form::Map(&EXIT), Form::Map(&EXIT_ENTERS), Form::Map(&EXIT_LEAVES)]),
            0,
        ),
        "What ends it early, at any moment and before each send.",
    ),
    optional("goal", Form::Map(&GOAL), "What the journey is for, measured."),
    optional(
        "holdout",
        Form::Percent(1, 50),
        "Share of contacts who go the same way and are sent nothing, as `5%`.",
    ),
    optional(
        "priority",
        Form::Number(0, 100),
        "Which of two mails due at once goes first where only one may: the higher.",
    ),
    optional(
        "status",
        Form::Words(|| told(&STATUSES)),
        "Whether people come in and go on; `active` unless said.",
    ),
    optional(
        "timezone",
        Form::Like("^[A-Za-z_+-]+(/[A-Za-z0-9_+-]+)*$"),
        "For contacts whose own zone is not known; else the store's.",
    ),
    optional(
        "window",
        Form::Like(WINDOW),
        "When its marketing mails may go out by the contact's clock, as `09:00-18:00 weekdays`.",
    ),
    optional(
        "throttle",
        Form::Like("^[1-9][0-9]* per [0-9]"),
        "How many of its mails go out at most, as `100 per 1h`.",
    ),
    optional(
        "variables",
        Form::Named(&VARIABLE),
        "What its emails can show besides what every email can, as `variables.score`.",
    ),
    required("steps", Form::Steps, "What it does, one step after the other."),
    optional(
        "moved",
        Form::Moves,
        "Where people go on who stand on a step that is gone.",
    ),
];

/// A variable.
pub const VARIABLE: [Field; 2] = [
    required(
        "value",
        Form::Expression,
        "A text or a number, as `event.properties.score`, when the mail is made.",
    ),
    required(
        "otherwise",
        Form::Text,
        "What is shown where that comes to nothing.",
    ),
];

const CLOCK: &str = "^[0-2]?[0-9]:[0-5][0-9]$";
const WINDOW: &str = "^[0-2]?[0-9]:[0-5][0-9]-[0-2]?[0-9]:[0-5][0-9]( .+)?$";
const DAYS: &str = "^[+-]?[0-9]+d$";
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// What starts a journey: the field that says it, and what goes with it.
pub static TRIGGER_FORMS: [(&str, &[Field]); 6] = [
    ("on", &TRIGGER),
    ("enters", &TRIGGER_ENTERS),
    ("leaves", &TRIGGER_LEAVES),
    ("date", &TRIGGER_DATE),
    ("schedule", &TRIGGER_SCHEDULE),
    ("manual", &TRIGGER_MANUAL),
];
const TRIGGERS: [Form; 6] = [
    Form::Map(&TRIGGER),
    Form::Map(&TRIGGER_ENTERS),
    Form::Map(&TRIGGER_LEAVES),
    Form::Map(&TRIGGER_DATE),
    Form::Map(&TRIGGER_SCHEDULE),
    Form::Map(&TRIGGER_MANUAL),
];

const ENTERS: &str = "The segments whose members it takes in when they come: one, or a list.";
const LEAVES: &str = "The segments whose members it takes in when they go: one, or a list.";
const ABOUT_CONTACT: &str = "One run a contact; nothing else can be said here.";
const SEGMENT_WHEN: &str = "Must hold at that moment.";
const BACKFILL: &str = "Whether who is in the segment already comes in too, slowly; no unless said.";
const SEGMENTS: Form = Form::OneOrMore(&Form::Name);
const CONTACT: Form = Form::Words(|| vec![("contact", ABOUT_CONTACT)]);

pub const TRIGGER_ENTERS: [Field; 5] = [
    required("enters", SEGMENTS, ENTERS),
    optional("leaves", SEGMENTS, LEAVES),
    optional("key", CONTACT, ABOUT_CONTACT),
    optional("when", Form::Condition, SEGMENT_WHEN),
    optional("backfill", Form::YesNo, BACKFILL),
];
pub const TRIGGER_LEAVES: [Field; 5] = [
    required("leaves", SEGMENTS, LEAVES),
    optional("enters", SEGMENTS, ENTERS),
    optional("key", CONTACT, ABOUT_CONTACT),
    optional("when", Form::Condition, SEGMENT_WHEN),
    optional("backfill", Form::YesNo, BACKFILL),
];
pub const TRIGGER_DATE: [Field; 7] = [
    required(
        "date",
        Form::Text,
        "Name of an attribute of the contact that is a date, as `birthday`.",
    ),
    optional(
        "offset",
        Form::Like(DAYS),
        "Days before or after the date, as `-7d`.",
    ),
    required("at", Form::Like(CLOCK), "Time of day by the contact's clock."),
    optional(
        "repeat",
        Form::Words(|| told(&REPEATS)),
        "Whether it comes again every year; `never` unless said.",
    ),
    optional(
        "leap",
        Form::Words(|| told(&LEAPS)),
        "When 29 February is in other years; `feb28` unless said.",
    ),
    optional("when", Form::Condition, SEGMENT_WHEN),
    optional("key", CONTACT, ABOUT_CONTACT),
];
pub const TRIGGER_SCHEDULE: [Field; 5] = [
    required(
        "schedule",
        Form::Like("^(RRULE:)?FREQ="),
        "An RRULE of RFC 5545, as `FREQ=MONTHLY;BYDAY=1MO`.",
    ),
    required("from", Form::Like(DATE), "The day it begins."),
    required("at", Form::Like(CLOCK), "Time of day by the store's clock."),
    optional("when", Form::Condition, SEGMENT_WHEN),
    optional("key", CONTACT, ABOUT_CONTACT),
];
pub const TRIGGER_MANUAL: [Field; 2] = [
    required(
        "manual",
        Form::YesNo,
        "A `start` step starts it, or a `Journey Requested` event that names it.",
    ),
    optional(
        "key",
        Form::Words(|| told(&KEYS)),
        "What one run is about; `contact` unless said.",
    ),
];
pub const YES_NO: [Word<bool>; 2] = [("true", true, "Yes."), ("false", false, "No.")];
pub const REPEATS: [Word<bool>; 2] = [
    ("yearly", true, "Every year on its day."),
    ("never", false, "Once."),
];
pub const LEAPS: [Word<Feb29>; 2] = [
    ("feb28", Feb29::Feb28, "The day before."),
    ("mar1", Feb29::Mar1, "The day after."),
];

pub const EXIT_ENTERS: [Field; 2] = [
    required(
        "enters",
        SEGMENTS,
        "Ends a run when its contact comes into one of these.",
    ),
    optional(
        "leaves",
        SEGMENTS,
        "Ends a run when its contact goes out of one of these.",
    ),
];
pub const EXIT_LEAVES: [Field; 2] = [
    required(
        "leaves",
        SEGMENTS,
        "Ends a run when its contact goes out of one of these.",
    ),
    optional(
        "enters",
        SEGMENTS,
        "Ends a run when its contact comes into one of these.",
    ),
];

pub const TRIGGER: [Field; 4] = [
    required(
        "on",
        Form::OneOrMore(&Form::Event),
        "The events that start it: one, or a list.",
    ),
    required("key", Form::Words(|| told(&KEYS)), "What one run is about."),
    optional(
        "refresh",
        Form::Words(|| told(&REFRESHES)),
        "What a later event of the same key does to a run; `none` unless said.",
    ),
    optional(
        "when",
        Form::Condition,
        "Must hold for an event to start or refresh a run.",
    ),
];

pub const EXIT: [Field; 3] = [
    required(
        "on",
        Form::Event,
        "The event that ends it; write one rule for each.",
    ),
    optional(
        "match",
        Form::Words(|| told(&MATCHES)),
        "Which runs it concerns; `contact` unless said.",
    ),
    optional("when", Form::Condition, "Must hold for the event to end a run."),
];

pub const GOAL: [Field; 4] = [
    required("on", Form::Event, "The event that shows it."),
    required("within", Form::Delay, "Until when it counts, from enrollment on."),
    optional("when", Form::Condition, "Must hold for the event to count."),
    optional(
        "then",
        Form::AnyOf(&[Form::Words(|| told(&TARGETS)), Form::Name]),
        "Where a run goes on that reaches it: `continue` (unless said), `exit`, or the id of a step.",
    ),
];

pub const STATUSES: [Word<Status>; 6] = [
    ("active", Status::Active, "People come in and go on."),
    (
        "paused",
        Status::Paused,
        "Everyone stays in place and nobody comes in; times that pass meanwhile have passed.",
    ),
    (
        "frozen",
        Status::Frozen,
        "Everyone stays in place and nobody comes in; waits go on where they stopped.",
    ),
    (
        "draining",
        Status::Draining,
        "Nobody comes in; who is in goes on to the end.",
    ),
    ("retired", Status::Retired, "Nobody comes in; who is in leaves."),
    (
        "draft",
        Status::Draft,
        "Checked, drawn and simulated, and no part of the Worker until this line goes.",
    ),
];
pub const STAGES: [Word<Stage>; 5] = [
    ("awareness", Stage::Awareness, "They hear of the shop."),
    ("consideration", Stage::Consideration, "They look around."),
    ("decision", Stage::Decision, "They are about to buy."),
    ("retention", Stage::Retention, "They bought."),
    ("advocacy", Stage::Advocacy, "They tell others."),
];
pub const LANES: [Word<Lane>; 3] = [
    ("transactional", Lane::Transactional, "First."),
    ("cart", Lane::Cart, "After transactional mail."),
    ("marketing", Lane::Marketing, "Last."),
];
pub const KEYS: [Word<Key>; 4] = [
    ("contact", Key::Contact, "One run a contact."),
    ("checkout_id", Key::Checkout, "One run a checkout."),
    ("order_id", Key::Order, "One run an order."),
    (
        "product_id",
        Key::Product,
        "One run a product; of several in one order one each.",
    ),
];
pub const REFRESHES: [Word<Refresh>; 3] = [
    ("none", Refresh::None, "Nothing."),
    ("data", Refresh::Data, "The emails show the newer data."),
    (
        "data+wait",
        Refresh::DataAndWait,
        "The emails show the newer data, and the current wait starts anew.",
    ),
];
pub const MATCHES: [Word<Match>; 3] = [
    ("contact", Match::Contact, "All runs of the contact."),
    ("key", Match::Key, "Runs of the same key."),
    (
        "checkout",
        Match::Checkout,
        "Runs of the same checkout or cart, and those whose cart is older than the event.",
    ),
];
pub const REENTERS: [Word<Reenter>; 3] = [
    ("once", Reenter::Once, "Never again for this key."),
    ("restart", Reenter::Restart, "Ends the run and starts anew."),
    ("parallel", Reenter::Parallel, "Starts another beside it."),
];
