//! What a population is assumed to be like. The numbers are round ones of small and mid-size shops, not measured: replace
//! them by those of the store (`--rates file.yaml`, every field may be left out).

use crate::simulation::cast::text_of;
use crate::simulation::error::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Shares are between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Where contacts live; what is missing to 1 has no known zone.
    pub zones: BTreeMap<String, f64>,
    /// Their languages; what is missing to 1 has none.
    pub locales: BTreeMap<String, f64>,
    /// Share that agrees to marketing when it signs up.
    pub subscribed: f64,
    /// Share that never signs up and is known by its first checkout only.
    pub guests: f64,
    /// Contacts arrive evenly over this share of the days.
    pub arrivals: f64,
    /// Share that comes by a friend's referral link.
    pub friends: f64,
    /// Of those who sign up: who asks for the guide, who for the code, who for the course, who tells the birthday, and who a name day.
    pub guides: f64,
    pub codes: f64,
    pub courses: f64,
    pub birthdays: f64,
    pub name_days: f64,
    /// Visits of one contact in a week, on average: most come seldom, and one in twenty often.
    pub visits_per_week: f64,
    /// Share of visits that end with something in the cart, and share that reach the checkout.
    pub carts: f64,
    pub checkout: f64,
    /// Share of those who find something sold out and ask to be told when it is back.
    pub stock_requests: f64,
    /// Share of checkouts that become an order within the hour; and later than that, within three days.
    pub order_at_once: f64,
    pub order_later: f64,
    /// Share of orders whose payment is refused first; a third of these is given up.
    pub refused: f64,
    /// Share of customers who come back by themselves within a month and buy without hesitating.
    pub repeat: f64,
    pub cancelled: f64,
    pub fulfilled: f64,
    pub delivered: f64,
    pub refunded: f64,
    /// Of the marketing mails sent.
    pub opens: f64,
    pub clicks: f64,
    pub unsubscribes: f64,
    /// Share that never opens a mail; the others open so many more.
    pub sleepers: f64,
    /// Of the questions mailed, how many are answered; of the gifts, how many are opened.
    pub answers: f64,
    pub gifts: f64,
    /// Requests a second that the email API allows, and the most mails in one.
    pub requests_per_second: u32,
}

impl Default for Rates {
    fn default() -> Self {
        let shares = |pairs: &[(&str, f64)]| {
            let pairs = pairs.iter().map(|(name, share)| ((*name).to_owned(), *share));
            pairs.collect()
        };
        Self {
            zones: shares(&[
                ("Europe/London", 0.40),
                ("Europe/Berlin", 0.12),
                ("Europe/Warsaw", 0.06),
                ("Europe/Moscow", 0.03),
                ("America/New_York", 0.12),
                ("America/Los_Angeles", 0.06),
                ("Asia/Kolkata", 0.02),
                ("Asia/Tokyo", 0.02),
                ("Australia/Sydney", 0.03),
            ]),
            locales: shares(&[
                ("en-GB", 0.5),
                ("en-US", 0.2),
                ("de-DE", 0.12),
                ("pl-PL", 0.06),
                ("ru-RU", 0.03),
            ]),
            subscribed: 0.6,
            guests: 0.25,
            arrivals: 0.8,
            friends: 0.04,
            guides: 0.05,
            codes: 0.05,
            courses: 0.03,
            birthdays: 0.25,
            name_days: 0.05,
            visits_per_week: 0.5,
            carts: 0.08,
            checkout: 0.12,
            stock_requests: 0.2,
            order_at_once: 0.30,
            order_later: 0.10,
            refused: 0.04,
            repeat: 0.2,
            cancelled: 0.02,
            fulfilled: 0.97,
            delivered: 0.95,
            refunded: 0.04,
            opens: 0.35,
            clicks: 0.04,
            unsubscribes: 0.004,
            sleepers: 0.25,
            answers: 0.15,
            gifts: 0.3,
            requests_per_second: 2,
        }
    }
}

impl Rates {
    /// # Errors
    /// When the file cannot be read, names something else, or a share is not between 0 and 1.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let wrong = |problem: String| Failure::File {
            path: file.to_owned(),
            problem,
        };
        let rates: Self =
            serde_saphyr::from_str(&text_of(file)?).map_err(|error| wrong(error.to_string()))?;
        for (name, share) in rates.shares() {
            if !(0.0..=1.0).contains(&share) {
                return Err(wrong(format!("`{name}` is {share}; a share is between 0 and 1")));
            }
        }
        for (name, map) in [("zones", &rates.zones), ("locales", &rates.locales)] {
            let sum: f64 = map.values().sum();
            if !(0.0..=1.000_001).contains(&sum) || map.values().any(|share| *share < 0.0) {
                return Err(wrong(format!(
                    "the shares of `{name}` make {sum}; they make 1 at most"
                )));
            }
        }
        if rates.visits_per_week.is_nan() || !(0.0..=100.0).contains(&rates.visits_per_week) {
            return Err(wrong("`visits_per_week` is between 0 and 100".to_owned()));
        }
        if let Some(zone) = rates
            .zones
            .keys()
            .find(|zone| zone.parse::<crate::domain::civil::Zone>().is_err())
        {
            return Err(wrong(format!("`{zone}` is no zone; write it as Europe/Warsaw")));
        }
        Ok(rates)
    }

    fn shares(&self) -> Vec<(&'static str, f64)> {
        let ordered = self.order_at_once + self.order_later;
        vec![
            ("subscribed", self.subscribed),
            ("guests", self.guests),
            ("arrivals", self.arrivals),
            ("friends", self.friends),
            ("guides", self.guides),
            ("codes", self.codes),
            ("courses", self.courses),
            ("birthdays", self.birthdays),
            ("name_days", self.name_days),
            ("carts + checkout", self.carts + self.checkout),
            ("stock_requests", self.stock_requests),
            ("order_at_once + order_later", ordered),
            ("refused", self.refused),
            ("repeat", self.repeat),
            ("cancelled", self.cancelled),
            ("fulfilled", self.fulfilled),
            ("delivered", self.delivered),
            ("refunded", self.refunded),
            ("opens", self.opens),
            ("clicks", self.clicks),
            ("unsubscribes", self.unsubscribes),
            ("sleepers", self.sleepers),
            ("answers", self.answers),
            ("gifts", self.gifts),
        ]
    }
}
