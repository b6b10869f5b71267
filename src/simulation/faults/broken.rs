//! A promise that was broken: which, and by what.

use std::any::Any;
use std::fmt;

/// What holds at every moment of every story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    Answered,
    ReflectedOnce,
    RunsStart,
    Duplicate,
    TakenOnce,
    SameBytes,
    Ledger,
    NotLost,
    Consent,
    Erased,
    Bought,
    Caps,
    Hours,
    Wake,
    Alarm,
    Swept,
    Bounds,
    Ends,
    Replay,
}

impl Promise {
    pub const ALL: [Self; 19] = [
        Self::Answered,
        Self::ReflectedOnce,
        Self::RunsStart,
        Self::Duplicate,
        Self::TakenOnce,
        Self::SameBytes,
        Self::Ledger,
        Self::NotLost,
        Self::Consent,
        Self::Erased,
        Self::Bought,
        Self::Caps,
        Self::Hours,
        Self::Wake,
        Self::Alarm,
        Self::Swept,
        Self::Bounds,
        Self::Ends,
        Self::Replay,
    ];

    /// What docs/reliability.md calls it for short.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "Answered",
            Self::ReflectedOnce => "ReflectedOnce",
            Self::RunsStart => "RunsStart",
            Self::Duplicate => "Duplicate",
            Self::TakenOnce => "TakenOnce",
            Self::SameBytes => "SameBytes",
            Self::Ledger => "Ledger",
            Self::NotLost => "NotLost",
            Self::Consent => "Consent",
            Self::Erased => "Erased",
            Self::Bought => "Bought",
            Self::Caps => "Caps",
            Self::Hours => "Hours",
            Self::Wake => "Wake",
            Self::Alarm => "Alarm",
            Self::Swept => "Swept",
            Self::Bounds => "Bounds",
            Self::Ends => "Ends",
            Self::Replay => "Replay",
        }
    }

    /// The promise, as docs/reliability.md lists it.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Answered => "nothing fails but what was made to fail",
            Self::ReflectedOnce => "each accepted event is reflected exactly once",
            Self::RunsStart => "an accepted event starts the journeys that it starts",
            Self::Duplicate => "an event that comes again changes nothing",
            Self::TakenOnce => {
                "no message is taken twice by a provider that remembers its key; by one that knows none, order mail once more after the wait for evidence, marketing never"
            }
            Self::SameBytes => "a request that is repeated is the same to the byte",
            Self::Ledger => "the ledger says of every mail what the provider would say",
            Self::NotLost => "no message that was due is lost",
            Self::Consent => {
                "no marketing leaves after its reader has said no, and nothing to a dead address"
            }
            Self::Erased => "nobody who was erased is written to, or comes back by what happened before",
            Self::Bought => "no mail leaves about a cart that was bought",
            Self::Caps => "frequency caps hold",
            Self::Hours => "quiet hours hold by the reader's clock",
            Self::Wake => "every run has something that will move it, and its contact is due by then",
            Self::Alarm => "the alarm stands at the earliest thing that is due",
            Self::Swept => "after a deploy nobody stands on a step that is gone",
            Self::Bounds => "what is kept of a contact is bounded",
            Self::Ends => "every run comes to an end",
            Self::Replay => "the same inputs give the same state",
        }
    }
}

/// What broke it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub promise: Promise,
    pub how: String,
}

impl Broken {
    /// A panic, by what it carries.
    pub(super) fn by(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self {
            promise: Promise::Answered,
            how: format!("it panicked: {}", text.unwrap_or("without a word")),
        }
    }
}

/// Goes on while the promise is kept.
///
/// # Errors
/// With what broke it.
pub(super) fn keep(promise: Promise, kept: bool, how: impl FnOnce() -> String) -> Result<(), Broken> {
    if kept {
        return Ok(());
    }
    Err(Broken { promise, how: how() })
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise.in_words(), self.how)
    }
}

impl From<super::super::error::Failure> for Broken {
    fn from(failure: super::super::error::Failure) -> Self {
        Self {
            promise: Promise::Answered,
            how: failure.to_string(),
        }
    }
}
