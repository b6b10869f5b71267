//! A new sending domain is made known slowly: so many marketing mails on its first day, more on each that follows, and
//! first to those who will read them.
//!
//! The rule is ours: the limit of a day is that of the day before and two fifths of it, and after [`DAYS`] there is none. The
//! growth is that of SendGrid's schedule for a new IP address, whose limits an hour are 20, 28, 39, 55, 77, 108 and so on
//! (<https://docs.sendgrid.com/ui/sending-email/warming-up-an-ip-address>, "Automated IP warmup hourly send schedule"); it says
//! nothing of domains, of days or of thirty of them. Called by the claim turn and by the delivery loop, which has the `Store`
//! count. Transactional mail is not asked about.

use super::civil::store_zone;
use super::state::Contact;
use crate::domain::civil::{NaiveDate, TimeOfDay, resolve};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::store_file::{StoreFile, WarmUp};
use std::cell::Cell;

/// Days that a warm-up lasts. A start of 50 has grown to 850,000 by then.
pub const DAYS: i64 = 30;

/// How long the mails to less engaged contacts let the others go ahead, for each tier.
const TIER_STEP: Delay = Delay::from_minutes(1);
/// A sign of life within these makes the first and the second tier; the third are the rest.
const FRESH: [Delay; 2] = [Delay::from_days(30), Delay::from_days(90)];

/// The day of a warm-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Today {
    /// By the store's calendar, `2026-12-01`.
    pub day: String,
    /// Most marketing mails of this day.
    pub limit: u32,
    /// When the next day begins.
    pub ends: Timestamp,
}

/// Places of this day's limit that a claim may take, each for a mail that leaves; without number when there is no limit.
#[derive(Debug, Clone, Default)]
pub struct Places(Cell<Option<u32>>);

impl Places {
    pub const fn unlimited() -> Self {
        Self(Cell::new(None))
    }

    pub const fn of(number: u32) -> Self {
        Self(Cell::new(Some(number)))
    }

    pub fn none_left(&self) -> bool {
        self.0.get() == Some(0)
    }

    /// Takes one.
    pub fn take(&self) {
        self.0.set(self.0.get().map(|left| left.saturating_sub(1)));
    }

    /// Puts places back: the mails that took them do not leave.
    pub fn put_back(&self, number: u32) {
        self.0.set(self.0.get().map(|left| left.saturating_add(number)));
    }

    /// As many as there were before: what took them was undone.
    pub fn reset_to(&self, before: &Self) {
        self.0.set(before.0.get());
    }

    /// What nobody took, to be given back.
    pub fn left(&self) -> u32 {
        self.0.get().unwrap_or(0)
    }
}

/// The day of the warm-up that `now` is in; none when none is going on.
pub fn today(store: &StoreFile, now: Timestamp) -> Option<Today> {
    let WarmUp { from, start } = store.warm_up.as_ref()?;
    let zone = store_zone(store);
    let date = zone.date(now);
    let passed = date.signed_duration_since(*from).num_days();
    if passed >= DAYS {
        return None;
    }
    let tomorrow = date.succ_opt().unwrap_or(NaiveDate::MAX);
    Some(Today {
        day: date.to_string(),
        limit: limit(*start, passed),
        ends: resolve(tomorrow, TimeOfDay::MIDNIGHT, zone),
    })
}

/// The limit after so many days. Before the first it is that of the first: a domain is no better known for a date to come.
fn limit(start: u32, passed: i64) -> u32 {
    (0..passed).fold(start, |limit, _| limit.saturating_add((limit / 5 * 2).max(1)))
}

/// How long ago the contact last did something themselves: 0 for the most engaged, then 1 and 2. Who has just subscribed
/// is among the first.
fn tier(contact: &Contact, now: Timestamp) -> u8 {
    let engagement = &contact.engagement;
    let evidence = contact
        .address()
        .and_then(|address| address.consent.evidence.as_ref());
    let consented = evidence.map(|(signal, _)| signal.at);
    let signs = [
        engagement.opened_at,
        engagement.clicked_at,
        contact.purchases.last_at,
        consented,
    ];
    let Some(last) = signs.into_iter().flatten().max() else {
        return 2;
    };
    let [first, second] = FRESH;
    match now.since(last) {
        ago if ago <= first => 0,
        ago if ago <= second => 1,
        _ => 2,
    }
}

/// What the warm-up says to a marketing mail that may go otherwise; it takes no place. `waited` says whether it was held back before: then the
/// others have gone ahead of it.
pub fn hold(
    today: &Today,
    contact: &Contact,
    waited: bool,
    places: &Places,
    now: Timestamp,
) -> Option<Timestamp> {
    let step = Delay::from_millis(TIER_STEP.as_millis() * i64::from(tier(contact, now)));
    if !waited && step > Delay::ZERO {
        return Some(now.plus(step));
    }
    // The order in which they fall due is the order in which they are claimed.
    places.none_left().then(|| today.ends.plus(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::ConsentState;
    use crate::engine::fixtures::{at, catalog, contact};

    fn store(from: &str, start: u32) -> StoreFile {
        let from = from.parse().unwrap();
        StoreFile {
            warm_up: Some(WarmUp { from, start }),
            timezone: "Europe/London".to_owned(),
            ..catalog().store.clone()
        }
    }

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_limit_grows_by_two_fifths_a_day_for_thirty_days() {
        let limits: Vec<u32> = (0..10).map(|day| limit(50, day)).collect();
        assert_eq!(limits, [50, 70, 98, 136, 190, 266, 372, 520, 728, 1018]);
        assert_eq!(limit(1, 3), 4, "it always grows");
        assert!(limit(50, DAYS - 1) > 600_000);
        assert_eq!(limit(u32::MAX, 5), u32::MAX);
        assert_eq!(limit(50, -1), 50);
    }

    #[test]
    fn a_day_is_the_stores() {
        let store = store("2026-06-01", 50);
        let late = today(&store, moment("2026-06-01T22:59:59Z")).unwrap();
        assert_eq!((late.day.as_str(), late.limit), ("2026-06-01", 50));
        assert_eq!(late.ends, moment("2026-06-01T23:00:00Z"));
        let next = today(&store, late.ends).unwrap();
        assert_eq!((next.day.as_str(), next.limit), ("2026-06-02", 70));
        assert_eq!(today(&store, moment("2026-05-31T12:00:00Z")).unwrap().limit, 50);
        assert_eq!(today(&store, moment("2026-07-01T12:00:00Z")), None);
        assert_eq!(today(&catalog().store, late.ends), None);
    }

    #[test]
    fn who_reads_goes_first_and_what_finds_no_place_waits_for_the_next_day_in_that_order() {
        let now = moment("2026-06-01T12:00:00Z");
        let today = today(&store("2026-06-01", 50), now).unwrap();
        let engaged = |days: i64| {
            let mut contact = contact(ConsentState::Subscribed);
            contact.engagement.clicked_at = Some(now.minus(Delay::from_days(days)));
            contact
        };
        for (days, tier) in [(0, 0), (30, 0), (31, 1), (90, 1), (91, 2)] {
            let contact = engaged(days);
            let behind = Delay::from_minutes(tier);
            let free = Places::of(1);
            let first = hold(&today, &contact, false, &free, now);
            assert_eq!(first, (tier > 0).then(|| now.plus(behind)), "{days}");
            let second = Places::of(1);
            assert_eq!(hold(&today, &contact, true, &second, now), None);
            second.take();
            assert_eq!(second.left(), 0);
            let full = hold(&today, &contact, true, &second, now);
            assert_eq!(full, Some(today.ends.plus(behind)), "{days}");
        }
        let mut stranger = engaged(0);
        stranger.engagement.clicked_at = None;
        assert_eq!(tier(&stranger, now), 2);
        assert_eq!(hold(&today, &stranger, true, &Places::unlimited(), at(0)), None);
    }
}
