//! Defects planted on purpose, to show that the simulation of faults can find them: `planted!(Name)` marks the place of
//! each in the code it would break.
//!
//! In every build that is served, deployed or run it is `false` and leaves nothing behind. Only this library's own unit
//! tests and the feature `planted-defects` can switch one on, for the thread that asks. Nothing else may use it.

/// Whether this defect is switched on.
macro_rules! planted {
    ($defect:ident) => {
        $crate::planted::is_on($crate::planted::Defect::$defect)
    };
}

/// A number that no replay makes again.
macro_rules! planted_number {
    () => {
        $crate::planted::number()
    };
}

macro_rules! defects {
    ($($name:ident: $words:literal,)*) => {
        /// What goes wrong, in the order of the parts it is planted in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Defect {
            $(#[doc = $words] $name,)*
        }

        impl Defect {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            pub const fn in_words(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

defects! {
    DuplicateCounts: "ingest: an event that was seen before is applied again",
    CheckoutStaysOpen: "ingest: an order does not close its checkout",
    ParkedForgotten: "ingest: events that waited for their person are not sent on when it becomes known",
    OldNewsWins: "ingest: an order's status is as old as its arrival, so that the one told last wins",
    ConsentAskedOnce: "claim: to the gate a no that followed a yes is none",
    TickedYesIsNone: "claim: to the gate a yes by a box that was ticked is none",
    LateSinceTheStart: "claim: lateness counts from the beginning of the run",
    KeyPerAttempt: "outcome: a repeat goes out under a new key",
    OrderMailKeyPerAttempt: "outcome: a repeat of order mail goes out under a new key",
    RepeatRendersAnew: "outcome: a repeat is the same mail in other bytes",
    KeyNeverExpires: "outcome: repeats go on after the provider has forgotten the key",
    RepeatAsksNobody: "outcome: a repeat is not held back when its reader has said no",
    SilenceIsRefusal: "outcome: a request whose answer is lost counts as refused",
    SilenceIsTheEnd: "outcome: marketing whose answer is lost is given up, though its provider knows keys",
    SecondComesEarly: "outcome: order mail whose answer is lost goes out under a second key while the first is known",
    MergedIsACircle: "turn: a contact that was merged into another is taken for a circle",
    MergeLosesEvents: "merge: the events of the loser stay behind",
    LateOrderMailSkipped: "send: an order mail that is an hour late is passed over, and no row says so",
    LateMailSkipped: "send: a marketing mail that is an hour late is passed over, and no row says so",
    OneRunOfAJourney: "enroll: who is in a journey starts no second run of it, whatever that is about",
    WaitsForEver: "wait: a wait for an event has no end",
    SlotOfTheFirstRun: "wake: a contact is due when its first run is, whatever the others wait for",
    AlarmStaysLate: "wake: an alarm that stands is not moved to an earlier time",
    RequestsSetNoAlarm: "wake: the alarm does not look at requests that are out",
    AlarmComesEarly: "wake: an alarm stands a minute from now at the latest, whatever comes next",
    MailOutlivesItsRun: "exits: a run that ends leaves its unsent mail intended",
    OlderCartStays: "exits: an order ends only the run of the checkout that it names",
    CapForgetsWhatIsOut: "caps: mails on their way do not count",
    HoursOfTheStore: "caps: quiet hours are those of the store's clock, not the reader's",
    SweepLooksAtNobody: "sweep: after a deploy nobody is looked at",
    RemarkForgotten: "consent: a box without its tick is forgotten where it takes nothing back at once",
    BounceForgotten: "feedback: a hard bounce does not end the address",
    PastOfTheErasedCounts: "erasure: what somebody did before it counts when it comes after it",
    ErasureKeepsNothing: "erasure: no hash of the address stays",
    KeylessRepeats: "outcome: a request of unknown fate is repeated to a provider that knows no keys",
    RunsAreNumbered: "enrollments: a run's id is a number of the process, not made from what it is of",
    DocumentsGrow: "store: a contact's document is stored whatever its size",
    LinkOfOneAddress: "unsubscribe: the link withdraws only the address written to now",
}

#[cfg(any(test, feature = "planted-defects"))]
mod switch {
    use super::Defect;
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<Option<Defect>> = const { Cell::new(None) };
        static NUMBER: Cell<u64> = const { Cell::new(0) };
    }

    pub fn is_on(defect: Defect) -> bool {
        ON.get() == Some(defect)
    }

    /// Another one each time.
    pub fn number() -> u64 {
        NUMBER.set(NUMBER.get() + 1);
        NUMBER.get()
    }

    /// Switches a defect on for this thread, or all off.
    pub fn switch(defect: Option<Defect>) {
        ON.set(defect);
    }
}

#[cfg(any(test, feature = "planted-defects"))]
pub use switch::{is_on, number, switch};

/// Nothing is planted in this build.
#[cfg(not(any(test, feature = "planted-defects")))]
#[inline(always)]
pub const fn is_on(_: Defect) -> bool {
    false
}

#[cfg(not(any(test, feature = "planted-defects")))]
#[inline(always)]
pub const fn number() -> u64 {
    0
}
