//! The steps of the language: each kind with its fields.
//!
//! A kind has a [`Verb`], so that its reading in `parse/kinds` cannot be forgotten, and a row in [`KINDS`], without which
//! nothing makes the verb and the compiler says so.

use super::{CLOCK, DAYS, Field, Form, LEAVE, Word, optional, required, told};
use crate::domain::message::Stream;
use crate::journey::step::{Recipient, Sticky};

/// What a step does, as a file says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Send,
    Wait,
    Branch,
    Split,
    Set,
    Tag,
    Untag,
    Coupon,
    Notify,
    Start,
    Stop,
    Goto,
}

/// A kind of step.
pub struct Kind {
    pub verb: Verb,
    /// The field that names the kind.
    pub field: Field,
    /// The fields it takes besides that and `id`.
    pub with: &'static [Field],
}

/// Most jumps that one `goto` may make in one run.
pub const TIMES_MAX: u16 = 100;
/// What a target says that goes straight on.
pub const CONTINUE: &str = "continue";

const fn kind(
    verb: Verb,
    name: &'static str,
    form: Form,
    about: &'static str,
    with: &'static [Field],
) -> Kind {
    let field = required(name, form, about);
    Kind { verb, field, with }
}

pub static KINDS: [Kind; 12] = [
    kind(
        Verb::Send,
        "send",
        Form::Name,
        "Sends an email: a folder of templates/emails/.",
        &SEND,
    ),
    kind(
        Verb::Wait,
        "wait",
        Form::AnyOf(&[
            Form::Delay,
            Form::Like("^[0-9]+ (calendar days?|months?|years?)( [0-9]+ (calendar days?|months?))*$"),
            Form::Map(&WAIT_EVENT),
            Form::Map(&WAIT_UNTIL),
            Form::Map(&WAIT_DATE),
        ]),
        "Waits for a time, counted from the moment the step before was done, until a time or a date, or for an event.",
        &[],
    ),
    kind(
        Verb::Branch,
        "branch",
        Form::List(&Form::AnyOf(&[Form::Map(&WHEN_ARM), Form::Map(&ELSE_ARM)]), 1),
        "Goes the first way whose condition holds; none of them: on behind the branch.",
        &[],
    ),
    kind(
        Verb::Split,
        "split",
        Form::List(&Form::Map(&SHARE), 1),
        "Shares people out by weight, which make 100.",
        &SPLIT,
    ),
    kind(
        Verb::Set,
        "set",
        Form::Attributes,
        "Writes attributes of the contact.",
        &[],
    ),
    kind(
        Verb::Tag,
        "tag",
        Form::OneOrMore(&Form::Text),
        "Gives the contact tags.",
        &[],
    ),
    kind(
        Verb::Untag,
        "untag",
        Form::OneOrMore(&Form::Text),
        "Takes tags from the contact.",
        &[],
    ),
    kind(
        Verb::Coupon,
        "coupon",
        Form::Map(&COUPON),
        "Gets the contact a code for the mails that follow.",
        &[],
    ),
    kind(
        Verb::Notify,
        "notify",
        Form::Name,
        "Tells another system: a webhook of store.yaml.",
        &NOTIFY,
    ),
    kind(
        Verb::Start,
        "start",
        Form::Name,
        "Starts another journey for the contact.",
        &[],
    ),
    kind(
        Verb::Stop,
        "stop",
        Form::Name,
        "Ends the contact's runs of another journey.",
        &[],
    ),
    kind(
        Verb::Goto,
        "goto",
        Form::Name,
        "Jumps to a step, but only so often in one run; then straight on.",
        &GOTO,
    ),
];

const SEND: [Field; 5] = [
    optional(
        "stream",
        Form::Words(|| told(&STREAMS)),
        "Which consent it needs; only a send after a marketing one may leave it out.",
    ),
    optional(
        "late",
        Form::AnyOf(&[
            Form::Words(|| vec![("send", "Sends it however late.")]),
            Form::Within("skip after"),
        ]),
        "What happens when its moment has passed: `send`, or `skip after 12h`.",
    ),
    optional(
        "when",
        Form::Condition,
        "Asked right before it leaves; when it does not hold, the mail is dropped and the journey goes on.",
    ),
    optional(
        "to",
        Form::Words(|| told(&RECIPIENTS)),
        "Whom it goes to; `contact` unless said.",
    ),
    optional(
        "topic",
        Form::Name,
        "What this mail is about, where that is not the journey's topic.",
    ),
];
const SPLIT: [Field; 1] = [optional(
    "by",
    Form::Words(|| told(&STICKY)),
    "What keeps its arm; `contact` unless said.",
)];
const GOTO: [Field; 1] = [required(
    "times",
    Form::Number(1, TIMES_MAX),
    "How often at most in one run.",
)];

const NOTIFY: [Field; 1] = [optional(
    "as",
    Form::Text,
    "A name for its answer, for conditions: `enrollment.answers[\"stock\"]`.",
)];
pub const COUPON: [Field; 6] = [
    optional("code", Form::Text, "The same code for everyone."),
    optional(
        "pool",
        Form::Name,
        "The pool that each gets a code of its own out of.",
    ),
    optional(
        "percent",
        Form::Number(1, 100),
        "What it takes off, for the mails to say.",
    ),
    optional("expires", Form::Delay, "How long it is good for."),
    optional(
        "fallback",
        Form::Text,
        "The code for everyone once the pool is empty.",
    ),
    optional("otherwise", TARGET, "Where to go instead once the pool is empty."),
];

/// What a wait is for: the field that says it, and what goes with it.
pub static WAITS: [(&str, &[Field]); 3] =
    [("for", &WAIT_EVENT), ("until", &WAIT_UNTIL), ("date", &WAIT_DATE)];
const WAIT_UNTIL: [Field; 2] = [
    required("until", Form::Like(CLOCK), "Time of day by the contact's clock."),
    optional(
        "days",
        Form::OneOrMore(&Form::Text),
        "Days of the week, as `mon, tue` or `weekdays`.",
    ),
];
const WAIT_DATE: [Field; 4] = [
    required(
        "date",
        Form::Text,
        "Name of a date: a property of the event, or an attribute of the contact.",
    ),
    optional(
        "offset",
        Form::Like(DAYS),
        "Days before or after the date, as `-7d`.",
    ),
    optional(
        "at",
        Form::Like(CLOCK),
        "Time of day by the contact's clock; midnight unless said.",
    ),
    required(
        "otherwise",
        TARGET,
        "Where to go when there is no such date: `continue`, `exit`, or steps.",
    ),
];

pub const WAIT_EVENT: [Field; 4] = [
    required("for", Form::Event, "The event of the same key to wait for."),
    required("timeout", Form::Delay, "How long at most."),
    optional(
        "then",
        TARGET,
        "Where to go when it comes: `continue` (unless said), `exit`, or steps.",
    ),
    optional(
        "otherwise",
        TARGET,
        "Where to go when it does not: `continue` (unless said), `exit`, or steps.",
    ),
];
const WHEN_ARM: [Field; 2] = [
    required("when", Form::Condition, "Must hold to go this way."),
    required("steps", TARGET, "What this arm does."),
];
const ELSE_ARM: [Field; 1] = [required("else", TARGET, "What everyone else does; the last arm.")];
pub const SHARE: [Field; 3] = [
    required("arm", Form::Text, "Its name in reports."),
    required("weight", Form::Number(1, 99), "Its share in percent."),
    optional("steps", TARGET, "What this arm does; nothing unless said."),
];

const TARGET: Form = Form::AnyOf(&[Form::Words(|| told(&TARGETS)), Form::Steps]);
/// Words for where to go, and whether they leave.
pub const TARGETS: [Word<bool>; 2] = [
    (CONTINUE, false, "On with the next step."),
    (LEAVE, true, "Out of the journey."),
];
pub const STREAMS: [Word<Stream>; 2] = [
    (
        "transactional",
        Stream::Transactional,
        "About something they did; needs no consent.",
    ),
    ("marketing", Stream::Marketing, "Only to who agreed to it."),
];
pub const STICKY: [Word<Sticky>; 2] = [
    ("contact", Sticky::Contact, "In this journey always the same arm."),
    (
        "enrollment",
        Sticky::Enrollment,
        "Another run may be in another arm.",
    ),
];
pub const RECIPIENTS: [Word<Recipient>; 2] = [
    ("contact", Recipient::Contact, "The shopper."),
    (
        "team",
        Recipient::Team,
        "The store's own people: `team:` in store.yaml.",
    ),
];

/// The fields of an arm of a branch, of either form.
pub fn arm_names() -> Vec<&'static str> {
    let fields = WHEN_ARM.iter().chain(&ELSE_ARM);
    fields.map(|field| field.name).collect()
}
