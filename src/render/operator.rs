//! The operator's pages: the door, and what there is to see and to switch behind it.
//!
//! The edge fills them in for `/admin`. They hold ids, reasons and counts, and never an address of a shopper. Every button
//! is a form that POSTs; there are no scripts.

use super::model::Store;
use askama::Template;

/// The form to sign in with.
#[derive(Template)]
#[template(path = "pages/operator-login.html")]
pub struct Login<'a> {
    pub store: Store<'a>,
    /// Why the last try did not do.
    pub problem: Option<String>,
    /// Whether a token could do at all.
    pub has_token: bool,
}

/// All at a glance.
#[derive(Template)]
#[template(path = "pages/operator.html")]
pub struct Operator<'a> {
    pub store: Store<'a>,
    pub now: String,
    pub state: State,
    /// Of `wrangler.toml`: what no switch can lift.
    pub fixed: Vec<String>,
    pub notices: Vec<Notice>,
    pub stopped: bool,
    pub shadow: bool,
    pub only_to: Option<String>,
    pub marketing: Option<Paused>,
    pub figures: Option<Rates>,
    pub journeys: Vec<JourneyRow>,
    pub tallies: Vec<Tally>,
    pub totals: Totals,
    pub missing: Vec<String>,
    pub can_leave: bool,
}

/// What becomes of mail at present, in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Sending,
    MarketingPaused,
    Listed,
    Shadow,
    Stopped,
}

pub struct Notice {
    pub fatal: bool,
    pub text: String,
}

pub struct Paused {
    pub by: &'static str,
    pub since: String,
    pub reason: String,
}

/// Complaints and bounces of the last days, as protection counts them.
pub struct Rates {
    /// `fine`, `warn` or `stop`.
    pub level: &'static str,
    pub mails: u32,
    pub complaints: String,
    pub bounces: String,
}

pub struct JourneyRow {
    pub id: String,
    pub title: String,
    /// Of its file, where that is not simply active.
    pub status: Option<&'static str>,
    pub paused: Option<Paused>,
    pub rates: Option<Rates>,
}

/// So many messages that were not sent, for one reason.
pub struct Tally {
    pub count: u64,
    pub state: &'static str,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    pub contacts: u64,
    pub accepted: u64,
    pub waiting: u64,
    pub dead_letters: u64,
}

impl State {
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Sending => "Mail is going out",
            Self::MarketingPaused => "Marketing is paused, other mail is going out",
            Self::Listed => "Mail goes to listed addresses only",
            Self::Shadow => "Shadow mode: nothing is sent",
            Self::Stopped => "All mail is stopped",
        }
    }

    pub const fn tone(self) -> &'static str {
        match self {
            Self::Sending => "fine",
            Self::MarketingPaused | Self::Listed | Self::Shadow => "warn",
            Self::Stopped => "stop",
        }
    }
}
