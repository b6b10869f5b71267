//! A plan: all that happens in one story of faults, as data. A seed draws it, the player plays it, a failure is made smaller
//! in it, and a reader can read it.

use super::super::crash::Point;
use super::super::provider;
use crate::domain::time::{Delay, Timestamp};
use crate::providers::ProviderKind;
use std::fmt;

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub shards: u16,
    /// What the store sends by.
    pub provider: ProviderKind,
    /// Which of the stores of [`super::stage`] it is played in.
    pub stage: usize,
    pub start: Timestamp,
    pub acts: Vec<Act>,
    pub replies: Vec<Reply>,
    pub faults: Vec<Fault>,
}

/// What a shopper does, and the storefront tells: a line of a scenario.
#[derive(Debug, Clone)]
pub struct Act {
    pub id: u32,
    pub shopper: usize,
    pub at: Delay,
    pub line: String,
}

impl Act {
    /// The name of whoever has all erased by it; none for what a storefront tells.
    pub fn erases(&self) -> Option<&str> {
        self.line.strip_prefix("erase by=")
    }
}

/// What becomes of a mail after the provider took it: the nth one to any address of a shopper.
#[derive(Debug, Clone)]
pub struct Reply {
    pub shopper: usize,
    pub mail: usize,
    pub after: Delay,
    pub what: What,
    /// It is told twice.
    pub twice: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Delivered,
    SoftBounce,
    HardBounce,
    Complaint,
    Opened,
    Clicked,
    /// The unsubscribe link of the mail is used.
    Link,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// About the delivery of one act.
    Webhook { act: u32, how: Delivery },
    /// About all that happens at a time or from it on.
    Platform { at: Delay, how: Trouble },
}

#[derive(Debug, Clone, Copy)]
pub enum Delivery {
    /// Again after so long.
    Twice(Delay),
    Late(Delay),
    Lost,
    /// While a request to the provider is out.
    WhileARequestIsOut,
}

#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// The next alarm comes so much later.
    AlarmLate(Delay),
    AlarmTwice,
    AlarmDropped,
    /// No alarm fires for so long; they fire then.
    NoAlarms(Delay),
    NoCron(Delay),
    /// The process dies after so many further turns and requests.
    Crash(u32),
    CrashAt(Point),
    Provider(provider::Fault, u8),
    /// A shard answers nobody for so long.
    Away(u16, Delay),
    /// The Worker's clock is ahead, or behind, by so much for so long.
    Clock(Delay, Delay),
    /// The next run that waits for an answer hears of it only after so long.
    Hang(Delay),
    /// Edited journeys are deployed: these of the stage's.
    Deploy(usize),
}

impl Plan {
    /// When nothing of it is still to come.
    pub fn length(&self) -> Delay {
        let acts = self.acts.iter().map(|act| act.at);
        let faults = self.faults.iter().map(Fault::end);
        acts.chain(faults).max().unwrap_or(Delay::ZERO)
    }

    /// What goes wrong with all that happens.
    fn troubles(&self) -> impl Iterator<Item = Trouble> {
        self.faults.iter().filter_map(|fault| match fault {
            Fault::Platform { how, .. } => Some(*how),
            Fault::Webhook { .. } => None,
        })
    }

    /// Whether the Worker's clock is wrong for a while.
    pub fn bends_the_clock(&self) -> bool {
        self.troubles().any(|how| matches!(how, Trouble::Clock(..)))
    }

    /// What goes wrong with the delivery of an act.
    pub fn deliveries(&self, id: u32) -> impl Iterator<Item = Delivery> {
        self.faults.iter().filter_map(move |fault| match fault {
            Fault::Webhook { act, how } if *act == id => Some(*how),
            Fault::Webhook { .. } | Fault::Platform { .. } => None,
        })
    }
}

impl Fault {
    fn end(&self) -> Delay {
        let sum = |one: Delay, two: Delay| Delay::from_millis(one.as_millis() + two.as_millis());
        match self {
            Self::Webhook { how, .. } => match how {
                Delivery::Twice(by) | Delivery::Late(by) => *by,
                Delivery::Lost | Delivery::WhileARequestIsOut => Delay::ZERO,
            },
            Self::Platform { at, how } => match how {
                Trouble::AlarmLate(time)
                | Trouble::NoAlarms(time)
                | Trouble::NoCron(time)
                | Trouble::Away(_, time)
                | Trouble::Clock(_, time)
                | Trouble::Hang(time) => sum(*at, *time),
                Trouble::AlarmTwice
                | Trouble::AlarmDropped
                | Trouble::Crash(_)
                | Trouble::CrashAt(_)
                | Trouble::Provider(..)
                | Trouble::Deploy(_) => *at,
            },
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<(Delay, String)> = Vec::new();
        for act in &self.acts {
            lines.push((act.at, act.line.clone()));
            let how = self.deliveries(act.id).map(|how| (act.at, format!("  # {how}")));
            lines.extend(how);
        }
        lines.extend(self.faults.iter().filter_map(|fault| match fault {
            Fault::Webhook { .. } => None,
            Fault::Platform { at, how } => Some((*at, format!("# {how}"))),
        }));
        lines.sort_by_key(|(at, _)| *at);
        for (at, line) in lines {
            let (mark, line) = match line.trim_start().strip_prefix('#') {
                Some(fault) => ("# ", format!("+{at} {}", fault.trim_start())),
                None => ("", format!("at +{at} {line}")),
            };
            writeln!(f, "  {mark}{line}")?;
        }
        for reply in &self.replies {
            writeln!(f, "  # {reply}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Delivered => "is delivered",
            What::SoftBounce => "bounces softly",
            What::HardBounce => "bounces for good",
            What::Complaint => "is called spam",
            What::Opened => "is opened",
            What::Clicked => "is clicked",
            What::Link => "is unsubscribed from",
        };
        let twice = if self.twice { ", told twice" } else { "" };
        let (mail, shopper, after) = (self.mail + 1, self.shopper + 1, self.after);
        write!(
            f,
            "mail {mail} to shopper {shopper} {what} {after} after it left{twice}"
        )
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(after) => write!(f, "its webhook comes again after {after}"),
            Self::Late(by) => write!(f, "its webhook comes {by} late"),
            Self::Lost => write!(f, "its webhook never comes"),
            Self::WhileARequestIsOut => write!(
                f,
                "its webhook comes while the next request to the provider is out"
            ),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlarmLate(by) => write!(f, "the next alarm comes {by} late"),
            Self::AlarmTwice => write!(f, "the next alarm comes twice"),
            Self::AlarmDropped => write!(f, "the next alarm is dropped"),
            Self::NoAlarms(time) => write!(f, "no alarm fires for {time}"),
            Self::NoCron(time) => write!(f, "cron is missing for {time}"),
            Self::Crash(after) => write!(f, "the process dies after {after} turns and requests"),
            Self::CrashAt(Point::Claimed) => write!(f, "the process dies before the next request leaves"),
            Self::CrashAt(Point::Answered) => write!(f, "the process dies before the next answer is heard"),
            Self::Provider(fault, times) => {
                write!(f, "the provider: {} for {times} requests", fault.in_words())
            }
            Self::Away(shard, time) => write!(f, "shard {shard} answers nobody for {time}"),
            Self::Clock(by, time) if by.as_millis() < 0 => {
                let by = Delay::from_millis(-by.as_millis());
                write!(f, "the clock is {by} behind for {time}")
            }
            Self::Clock(by, time) => write!(f, "the clock is {by} ahead for {time}"),
            Self::Hang(time) => write!(f, "the next run that asks the provider hangs for {time}"),
            Self::Deploy(which) => write!(f, "edited journeys are deployed (edit {which})"),
        }
    }
}
