//! The journey language as tables: which fields there are, what each may say, and what it means, in a sentence.
//!
//! `parse` knows fields, kinds and words from here, and `schema` writes the same for editors, so the two cannot drift
//! apart. What a table cannot say (that weights make 100, that a step exists) is `parse`'s and `lint`'s.

mod steps;

pub use steps::{
    CONTINUE, KINDS, Kind, RECIPIENTS, SHARE, STICKY, STREAMS, TARGETS, TIMES_MAX, Verb, WAIT_EVENT,
    arm_names,
};

use super::definition::{Key, Match, Reenter, Refresh, Stage, Status};
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
pub const JOURNEY: [Field; 13] = [
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
    required("trigger", Form::Map(&TRIGGER), "What starts it."),
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
        Form::List(&Form::Map(&EXIT), 0),
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
    required("steps", Form::Steps, "What it does, one step after the other."),
    optional(
        "moved",
        Form::Moves,
        "Where people go on who stand on a step that is gone.",
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

pub const STATUSES: [Word<Status>; 5] = [
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
pub const KEYS: [Word<Key>; 3] = [
    ("contact", Key::Contact, "One run a contact."),
    ("checkout_id", Key::Checkout, "One run a checkout."),
    ("order_id", Key::Order, "One run an order."),
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
