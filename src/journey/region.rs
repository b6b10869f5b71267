//! What `region:` in `store.yaml` sets, as one table: to whom marketing may go, whether a yes has to be confirmed, what is
//! assumed of open pixels. `docs/compliance.md` shows the same table, and a test keeps the two alike.
//!
//! Read by the engine's gate and intake. It is a set of defaults, not legal advice.

use crate::domain::time::Delay;
use serde::{Deserialize, Serialize};

/// Where the store's shoppers are, or which regime it keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// Only to addresses that subscribed. The default, right everywhere.
    #[default]
    Strict,
    /// Also to the store's own customers who never said no, where the law knows a soft opt-in.
    SoftOptIn,
    /// To everyone who did not opt out, where the law allows it.
    OptOut,
    Eu,
    Germany,
    Us,
    Canada,
    Russia,
}

/// To whom marketing may go besides those who subscribed. Nobody gets any who said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regime {
    /// Nobody else.
    OptIn,
    /// Who bought something.
    SoftOptIn,
    /// Everyone.
    OptOut,
    /// Who bought something that lately; and a yes that is only implied lapses, with that long after an inquiry.
    Implied { purchase: Delay, inquiry: Delay },
}

/// The defaults of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    pub regime: Regime,
    /// A yes counts only once it was confirmed by the link in a mail.
    pub double_opt_in: bool,
    /// Whether a mail may carry an open pixel unless `store.yaml` says otherwise.
    pub tracks_opens: bool,
}

impl Region {
    pub const ALL: [Self; 8] = [
        Self::Strict,
        Self::SoftOptIn,
        Self::OptOut,
        Self::Eu,
        Self::Germany,
        Self::Us,
        Self::Canada,
        Self::Russia,
    ];

    /// As `store.yaml` writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::SoftOptIn => "soft_opt_in",
            Self::OptOut => "opt_out",
            Self::Eu => "eu",
            Self::Germany => "germany",
            Self::Us => "us",
            Self::Canada => "canada",
            Self::Russia => "russia",
        }
    }

    pub const fn preset(self) -> Preset {
        let (regime, double_opt_in, tracks_opens) = match self {
            // That an easy no was offered when the address was taken, which the EU's soft opt-in asks for, cannot be seen
            // from here: a store that did so says `soft_opt_in`.
            Self::Russia => (Regime::OptIn, false, true),
            // A pixel asks for consent of its own there, as a cookie does (Directive 2002/58/EC, article 5(3)), and `strict`
            // is to be right everywhere.
            Self::Strict | Self::Eu => (Regime::OptIn, false, false),
            Self::Germany => (Regime::OptIn, true, false),
            Self::SoftOptIn => (Regime::SoftOptIn, false, true),
            Self::OptOut | Self::Us => (Regime::OptOut, false, true),
            Self::Canada => (CASL, false, true),
        };
        Preset {
            regime,
            double_opt_in,
            tracks_opens,
        }
    }
}

/// Canada's Anti-Spam Legislation, s. 10(10): 24 months after a purchase, 6 months after an inquiry. Counted in days, of
/// the shortest such time.
const CASL: Regime = Regime::Implied {
    purchase: Delay::from_days(730),
    inquiry: Delay::from_days(181),
};

impl Regime {
    /// For people.
    pub fn in_words(self) -> String {
        match self {
            Self::OptIn => "who subscribed".to_owned(),
            Self::SoftOptIn => "who subscribed, and customers who never said no".to_owned(),
            Self::OptOut => "everyone who did not say no".to_owned(),
            Self::Implied { purchase, inquiry } => format!(
                "who subscribed; customers for {purchase} after their last order; a yes that is only implied, for {inquiry}"
            ),
        }
    }
}
