//! Protection: stops marketing whose complaints or hard bounces endanger the sender's name, before the mailbox
//! providers stop it for all mail.
//!
//! Called with what all shards counted, once for each tick of cron. Pure. Gmail wants complaints below
//! 0.1 % and takes 0.3 % as the end (<https://support.google.com/a/answer/81126>); Amazon SES looks into an account at 5 %
//! hard bounces and pauses it at 10 % (<https://docs.aws.amazon.com/ses/latest/dg/reputation-dashboard-messages.html>).
//! The limits here lie below those.

use crate::domain::ids::JourneyId;
use crate::domain::switches::{Figures, Switches};
use crate::domain::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Mails of the last seven days count: each weekday once, and long enough for complaints, which come days later.
pub const WINDOW: Delay = Delay::from_days(7);
/// Fewer mails say nothing.
const MAILS_MIN: u32 = 100;
/// Nor do one or two people, however few the others are.
const COMPLAINTS_MIN: u32 = 3;
const BOUNCES_MIN: u32 = 5;
/// So long the number of mails is good enough to see whether anything goes wrong.
const COUNT_STANDS: Delay = Delay::from_hours(6);
/// Rates are in mails of 10,000.
const WHOLE: u64 = 10_000;
const COMPLAINTS: Limits = Limits { warn: 8, stop: 30 };
const BOUNCES: Limits = Limits { warn: 400, stop: 800 };

struct Limits {
    warn: u64,
    stop: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Fine,
    Warn,
    Stop,
}

/// Since when mails count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    pub window: Timestamp,
    /// All marketing together.
    pub marketing: Timestamp,
    /// Journeys that were resumed within the window.
    pub journeys: BTreeMap<JourneyId, Timestamp>,
}

/// What one shard counted of a journey's marketing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub journey: JourneyId,
    pub own: Figures,
    /// Its part of all marketing, which may count from another time on.
    pub part: Figures,
}

/// What a shard counted last, which it answers again while it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub since: Since,
    pub counted: Vec<Counted>,
}

/// How a journey stands; or all marketing, where none is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub journey: Option<JourneyId>,
    pub level: Level,
    pub figures: Figures,
}

impl Since {
    pub fn new(switches: &Switches, now: Timestamp) -> Self {
        let window = now.minus(WINDOW);
        let recent = switches.resumed.iter().filter(|(_, at)| **at > window);
        Self {
            window,
            marketing: switches.marketing_resumed.unwrap_or(window).max(window),
            journeys: recent.map(|(journey, at)| (journey.clone(), *at)).collect(),
        }
    }

    /// Since when a journey counts; all marketing, where none is named.
    fn of(&self, journey: Option<&JourneyId>) -> Timestamp {
        match journey {
            Some(journey) => self.journeys.get(journey).copied().unwrap_or(self.window),
            None => self.marketing,
        }
    }
}

impl Count {
    /// What counts now, while it stands: its number of mails, with the bounces and complaints that there are now. Mails that
    /// left since are missing, so that a rate is too high before it is too low: see [`is_doubtful`].
    pub fn with(&self, since: &Since, unwanted: &[Counted]) -> Option<Vec<Counted>> {
        if !self.stands(since) {
            return None;
        }
        let mut journeys: BTreeMap<&JourneyId, Counted> = BTreeMap::new();
        for counted in &self.counted {
            let mails = |figures: Figures| Figures {
                mails: figures.mails,
                ..Figures::default()
            };
            let (own, part) = (mails(counted.own), mails(counted.part));
            let journey = counted.journey.clone();
            journeys.insert(&counted.journey, Counted { journey, own, part });
        }
        for unwanted in unwanted {
            let held = journeys
                .entry(&unwanted.journey)
                .or_insert_with(|| unwanted.clone());
            let wrong = |held: Figures, unwanted: Figures| Figures {
                mails: held.mails.max(unwanted.mails),
                ..unwanted
            };
            held.own = wrong(held.own, unwanted.own);
            held.part = wrong(held.part, unwanted.part);
        }
        Some(journeys.into_values().collect())
    }

    fn stands(&self, since: &Since) -> bool {
        let counted_at = self.since.window;
        let resumed = |journey: Option<&JourneyId>| {
            let from = since.of(journey);
            from > since.window && from != self.since.of(journey)
        };
        (counted_at..counted_at.plus(COUNT_STANDS)).contains(&since.window)
            && !resumed(None)
            && !since.journeys.keys().any(|journey| resumed(Some(journey)))
    }
}

/// Whether counts that may be hours old ask for counts of now before anybody acts on them: a finding is worse than
/// `before`, or so many mails went wrong that a few more say something.
pub fn is_doubtful(counted: &[Counted], before: &[Finding]) -> bool {
    let known = |finding: &Finding| {
        let known = before.iter().find(|known| known.journey == finding.journey);
        known.map_or(Level::Fine, |known| known.level)
    };
    judge(counted).iter().any(|finding| {
        let Figures {
            mails,
            hard_bounces,
            complaints,
        } = finding.figures;
        let is_early = mails < MAILS_MIN && (complaints >= COMPLAINTS_MIN || hard_bounces >= BOUNCES_MIN);
        is_early || finding.level > known(finding)
    })
}

/// All marketing first, then each journey by name.
pub fn judge(counted: &[Counted]) -> Vec<Finding> {
    let (mut all, mut journeys) = (Figures::default(), BTreeMap::<&JourneyId, Figures>::new());
    for counted in counted {
        all = sum(all, counted.part);
        let held = journeys.entry(&counted.journey).or_default();
        *held = sum(*held, counted.own);
    }
    let finding = |(journey, figures): (Option<&JourneyId>, Figures)| Finding {
        journey: journey.cloned(),
        level: level(figures),
        figures,
    };
    let journeys = journeys
        .into_iter()
        .map(|(journey, figures)| (Some(journey), figures));
    std::iter::once((None, all))
        .chain(journeys)
        .map(finding)
        .collect()
}

/// The switches once every stop that is found is made. What an operator resumed while it was being counted, `since` an
/// earlier time, stays so until the next count.
pub fn enforce(switches: &Switches, since: Option<&Since>, findings: &[Finding], now: Timestamp) -> Switches {
    let present = Since::new(switches, now);
    let is_stale = |journey| since.is_some_and(|since| present.of(journey) > since.of(journey));
    let stops = findings
        .iter()
        .filter(|finding| finding.level == Level::Stop && !is_stale(finding.journey.as_ref()));
    stops.fold(switches.clone(), |held, finding| {
        held.protected(
            finding.journey.as_ref(),
            finding.figures,
            in_words(finding.figures),
            now,
        )
    })
}

/// The figures in words, as `12 of 1,400 mails complained of (0.86 %), 3 bounced (0.21 %)`.
pub fn in_words(figures: Figures) -> String {
    let Figures {
        mails,
        hard_bounces,
        complaints,
    } = figures;
    format!(
        "{mails} mails: {complaints} complained of ({}), {hard_bounces} bounced for good ({})",
        percent(complaints, mails),
        percent(hard_bounces, mails),
    )
}

/// As `0.31 %`, rounded down.
pub fn percent(part: u32, whole: u32) -> String {
    let rate = rate(part, whole);
    format!("{}.{:02} %", rate / 100, rate % 100)
}

/// Of 10,000, rounded down.
fn rate(part: u32, whole: u32) -> u64 {
    (u64::from(part) * WHOLE)
        .checked_div(u64::from(whole))
        .unwrap_or_default()
}

fn level(figures: Figures) -> Level {
    let Figures {
        mails,
        hard_bounces,
        complaints,
    } = figures;
    if mails < MAILS_MIN {
        return Level::Fine;
    }
    let of = |count: u32, least: u32, limits: &Limits| {
        let reaches = |limit: u64| count >= least && u64::from(count) * WHOLE >= limit * u64::from(mails);
        match (reaches(limits.stop), reaches(limits.warn)) {
            (true, _) => Level::Stop,
            (false, true) => Level::Warn,
            (false, false) => Level::Fine,
        }
    };
    of(complaints, COMPLAINTS_MIN, &COMPLAINTS).max(of(hard_bounces, BOUNCES_MIN, &BOUNCES))
}

fn sum(one: Figures, other: Figures) -> Figures {
    Figures {
        mails: one.mails.saturating_add(other.mails),
        hard_bounces: one.hard_bounces.saturating_add(other.hard_bounces),
        complaints: one.complaints.saturating_add(other.complaints),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::switches::{By, Change};

    fn figures(mails: u32, hard_bounces: u32, complaints: u32) -> Figures {
        Figures {
            mails,
            hard_bounces,
            complaints,
        }
    }

    fn counted(journey: &str, own: Figures) -> Counted {
        let journey = JourneyId::parse(journey).unwrap();
        Counted {
            journey,
            own,
            part: own,
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    #[test]
    fn the_limits() {
        for (mails, bounces, complaints, expected) in [
            (0, 0, 0, Level::Fine),
            (99, 99, 99, Level::Fine),
            (100, 3, 2, Level::Fine),
            (100, 4, 0, Level::Fine),
            (100, 5, 0, Level::Warn),
            (100, 8, 0, Level::Stop),
            (100, 0, 3, Level::Stop),
            (1_000, 39, 0, Level::Fine),
            (1_000, 40, 0, Level::Warn),
            (1_000, 79, 0, Level::Warn),
            (1_000, 80, 0, Level::Stop),
            (10_000, 0, 7, Level::Fine),
            (10_000, 0, 8, Level::Warn),
            (10_000, 0, 29, Level::Warn),
            (10_000, 0, 30, Level::Stop),
            (u32::MAX, 0, u32::MAX, Level::Stop),
        ] {
            let found = level(figures(mails, bounces, complaints));
            assert_eq!(
                found, expected,
                "{mails} mails, {bounces} bounces, {complaints} complaints"
            );
        }
    }

    #[test]
    fn shards_are_summed_before_anything_is_decided() {
        let quarter = || counted("welcome", figures(50, 2, 1));
        let findings = judge(&[
            quarter(),
            quarter(),
            counted("winback", figures(40, 0, 0)),
            quarter(),
            quarter(),
        ]);
        let read: Vec<_> = findings
            .iter()
            .map(|finding| {
                (
                    finding.journey.as_ref().map(JourneyId::as_str),
                    finding.level,
                    finding.figures.mails,
                )
            })
            .collect();
        let expected = [
            (None, Level::Stop, 240),
            (Some("welcome"), Level::Stop, 200),
            (Some("winback"), Level::Fine, 40),
        ];
        assert_eq!(read, expected);
        assert_eq!(
            judge(&[]),
            [Finding {
                journey: None,
                level: Level::Fine,
                figures: Figures::default()
            }]
        );
    }

    #[test]
    fn a_stop_is_a_pause_with_its_figures_and_is_made_once() {
        let findings = judge(&[
            counted("welcome", figures(200, 0, 4)),
            counted("winback", figures(9_800, 0, 0)),
        ]);
        let stopped = enforce(&Switches::default(), None, &findings, NOW);
        assert_eq!(stopped.marketing, None, "all marketing together is only warned");
        let (name, pause) = stopped.paused.iter().next().unwrap();
        assert_eq!(
            (name.as_str(), pause.by, pause.since),
            ("welcome", By::Protection, NOW)
        );
        assert_eq!(
            pause.reason,
            "200 mails: 4 complained of (2.00 %), 0 bounced for good (0.00 %)"
        );
        assert_eq!(enforce(&stopped, None, &findings, NOW.plus(WINDOW)), stopped);
    }

    #[test]
    fn after_a_resume_only_what_was_sent_since_counts() {
        let welcome = JourneyId::parse("welcome").unwrap();
        let stopped = enforce(
            &Switches::default(),
            None,
            &judge(&[counted("welcome", figures(200, 0, 4))]),
            NOW,
        );
        let later = NOW.plus(Delay::from_days(1));
        let change = Change {
            resume: vec![welcome.clone()],
            marketing_paused: Some(false),
            ..Change::default()
        };
        let resumed = stopped.changed(&change, later);
        assert!(resumed.pauses_nothing());
        let since = Since::new(&resumed, later.plus(Delay::from_days(1)));
        assert_eq!(
            (since.marketing, since.journeys.get(&welcome)),
            (later, Some(&later))
        );
        let since = Since::new(&resumed, later.plus(Delay::from_days(8)));
        assert_eq!(
            (since.marketing, since.journeys.len()),
            (since.window, 0),
            "by then the window is later"
        );
    }

    #[test]
    fn mails_are_counted_every_six_hours_and_what_went_wrong_at_once() {
        let at = |minutes| Since::new(&Switches::default(), NOW.plus(Delay::from_minutes(minutes)));
        let count = Count {
            since: at(10),
            counted: vec![
                counted("welcome", figures(500, 2, 1)),
                counted("winback", figures(90, 1, 0)),
            ],
        };
        let unwanted = [
            counted("nurture", figures(2, 2, 0)),
            counted("welcome", figures(4, 3, 1)),
        ];
        let now = [
            counted("nurture", figures(2, 2, 0)),
            counted("welcome", figures(500, 3, 1)),
            counted("winback", figures(90, 0, 0)),
        ];
        for (minutes, stands) in [(9, false), (10, true), (369, true), (370, false)] {
            let expected = stands.then(|| now.to_vec());
            assert_eq!(count.with(&at(minutes), &unwanted), expected, "{minutes}");
        }
        let all = [counted("winback", figures(91, 91, 0))];
        let known = count.with(&at(15), &all).unwrap();
        assert_eq!(known.last(), Some(&counted("winback", figures(91, 91, 0))));
    }

    #[test]
    fn a_count_of_before_a_resume_stands_no_more() {
        let welcome = JourneyId::parse("welcome").unwrap();
        let later = NOW.plus(Delay::from_minutes(5));
        let stopped = |findings: &[Finding]| enforce(&Switches::default(), None, findings, NOW);
        let held = stopped(&judge(&[counted("welcome", figures(200, 0, 4))]));
        for change in [
            Change {
                resume: vec![welcome],
                ..Change::default()
            },
            Change {
                marketing_paused: Some(false),
                ..Change::default()
            },
        ] {
            let since = Since::new(&held.changed(&change, later), later.plus(Delay::from_minutes(5)));
            let before = Count {
                since: Since::new(&held, later),
                counted: Vec::new(),
            };
            assert_eq!(before.with(&since, &[]), None, "{change:?}");
            let after = Count {
                since: since.clone(),
                counted: Vec::new(),
            };
            assert_eq!(after.with(&since, &[]), Some(Vec::new()));
        }
    }

    #[test]
    fn what_is_worse_than_before_is_counted_anew() {
        let warned = judge(&[counted("welcome", figures(100, 5, 0))]);
        for (now, before, expected) in [
            (figures(1_000, 4, 2), &[][..], false),
            (figures(100, 5, 0), &[], true),
            (figures(100, 5, 0), &warned, false),
            (figures(100, 8, 0), &warned, true),
            (figures(99, 5, 0), &warned, true),
            (figures(99, 0, 3), &[], true),
            (figures(99, 4, 2), &[], false),
        ] {
            let counted = [counted("welcome", now)];
            assert_eq!(is_doubtful(&counted, before), expected, "{now:?}");
        }
    }
}
