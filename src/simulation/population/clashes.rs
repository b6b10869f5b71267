//! Mails that come at a bad moment: two at once, or marketing to somebody who has just bought, sent something back, or complained.
//!
//! Counted from the rows at the end. None of it is a fault by itself; it is what to look at before a programme goes live.

use super::people::{Choosing, Shopping, What};
use crate::domain::message::{MessageState, Stream};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::store_file::Cap;
use crate::store::message::Stored;
use serde::Serialize;
use std::collections::BTreeMap;

/// Something that happened to a person, after which marketing may be out of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Bought,
    /// Cancelled, or refunded.
    Undone,
    /// Gave a low score.
    Unhappy,
}

/// Scores that are criticism, on the usual scale.
const CRITICS: [&str; 7] = ["0", "1", "2", "3", "4", "5", "6"];

impl Mark {
    pub fn of(what: &What) -> Option<Self> {
        match what {
            What::Shops(shopping) => match shopping {
                Shopping::Order { .. } => Some(Self::Bought),
                Shopping::Cancelled(_) | Shopping::Refunded(_) => Some(Self::Undone),
                Shopping::Signup
                | Shopping::Guide
                | Shopping::Code
                | Shopping::Course
                | Shopping::View(_)
                | Shopping::Add(_)
                | Shopping::Ask(_)
                | Shopping::Checkout(_)
                | Shopping::Refused(_)
                | Shopping::Download(_)
                | Shopping::Fulfilled(_)
                | Shopping::OnTheWay(_)
                | Shopping::Delivered(_) => None,
            },
            What::Chooses(Choosing::Answer { question, answer, .. }) => {
                (question == "nps" && CRITICS.contains(&answer.as_str())).then_some(Self::Unhappy)
            }
            What::Chooses(Choosing::Unsubscribe(_) | Choosing::Unwrap { .. })
            | What::Reads(_)
            | What::Offer(_) => None,
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Bought => "marketing within 3 days after an order",
            Self::Undone => "marketing within 14 days after a refund or cancellation",
            Self::Unhappy => "marketing within 30 days after a low score",
        }
    }

    const fn for_so_long(self) -> Delay {
        Delay::from_days(match self {
            Self::Bought => 3,
            Self::Undone => 14,
            Self::Unhappy => 30,
        })
    }
}

/// How many mails, and which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Clash {
    pub mails: u64,
    pub by: BTreeMap<String, u64>,
}

/// By what they are, in words.
pub type Clashes = BTreeMap<&'static str, Clash>;

const TWO_AT_ONCE: &str = "two marketing mails within 24 hours";
const BESIDE_AN_ORDERS: &str = "marketing within 24 hours of a transactional mail";

/// Counts the mails of one contact.
pub fn add(clashes: &mut Clashes, mails: &[&Stored], marks: &[(Timestamp, Mark)]) {
    let mut sent: Vec<(Timestamp, &Stored)> = mails
        .iter()
        .filter(|stored| stored.message.state == MessageState::Accepted)
        .filter_map(|stored| Some((stored.message.settled_at?, *stored)))
        .collect();
    sent.sort_by_key(|(at, stored)| (*at, stored.message.id.clone()));
    let day = Delay::from_hours(24);
    for (place, (at, stored)) in sent.iter().enumerate() {
        if stored.message.stream != Stream::Marketing {
            continue;
        }
        let before = sent.iter().take(place).rev();
        let mut near = before.take_while(|(earlier, _)| at.since(*earlier) < day);
        let mut marketing = near.clone();
        if let Some((_, other)) = marketing.find(|(_, other)| other.message.stream == Stream::Marketing) {
            note(
                clashes,
                TWO_AT_ONCE,
                format!("{} after {}", step(stored), step(other)),
            );
        }
        if let Some((_, other)) = near.find(|(_, other)| other.message.stream == Stream::Transactional) {
            note(
                clashes,
                BESIDE_AN_ORDERS,
                format!("{} after {}", step(stored), step(other)),
            );
        }
        for mark in [Mark::Bought, Mark::Undone, Mark::Unhappy] {
            let is_near = |then: &Timestamp| *then <= *at && at.since(*then) < mark.for_so_long();
            if marks.iter().any(|(then, held)| *held == mark && is_near(then)) {
                note(clashes, mark.in_words(), step(stored));
            }
        }
    }
}

/// How many mails of one contact went out beyond a frequency cap.
pub fn over_caps(caps: &[Cap], mails: &[&Stored]) -> u64 {
    let beyond = |cap: &Cap| {
        let mut at: Vec<Timestamp> = mails
            .iter()
            .map(|stored| &stored.message)
            .filter(|message| message.state == MessageState::Accepted && message.stream == Stream::Marketing)
            .filter(|message| !cap.except.contains(&message.lane))
            .filter_map(|message| message.settled_at)
            .collect();
        at.sort_unstable();
        let later = at.iter().skip(usize::from(cap.mails));
        let too_soon = at
            .iter()
            .zip(later)
            .filter(|(one, next)| next.since(**one) < cap.per);
        u64::try_from(too_soon.count()).unwrap_or(u64::MAX)
    };
    caps.iter().map(beyond).sum()
}

fn step(stored: &Stored) -> String {
    stored.message.step.to_string()
}

fn note(clashes: &mut Clashes, what: &'static str, which: String) {
    let clash = clashes.entry(what).or_default();
    clash.mails += 1;
    *clash.by.entry(which).or_default() += 1;
}
