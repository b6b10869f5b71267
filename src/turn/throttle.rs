//! The throttle of a journey: so many mails in a stretch of time, over all contacts, each shard its share.
//!
//! Asked in the claim turn, after the gate said yes. The stretches lie one after another from the epoch on, so that
//! every shard counts the same ones without asking anybody.

use super::{Error, Turn};
use crate::domain::ids::JourneyId;
use crate::domain::time::Timestamp;
use crate::journey::definition::Throttle;
use crate::store::meta::{self, Key};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the throttled journeys sent, by name.
type Used = BTreeMap<String, Stretch>;

impl Turn<'_> {
    /// Takes a place for one mail of the journey; when there is none, says when there will be: whoever comes later is told
    /// a later stretch, so that a crowd is not put off again in each. Writes 1 row for a throttled journey, 0 for others.
    pub(super) fn take_place(&self, journey: &JourneyId) -> Result<Option<Timestamp>, Error> {
        let Some(throttle) = self.catalog.journey(journey).and_then(|journey| journey.throttle) else {
            return Ok(None);
        };
        let mut used: Used = match meta::get(self.sql, Key::Throttles)? {
            Some(text) => serde_json::from_str(&text).unwrap_or_default(),
            None => Used::default(),
        };
        let start = start_of(throttle, self.now);
        let stretch = used.entry(journey.to_string()).or_default();
        if stretch.start != start {
            *stretch = Stretch {
                start,
                ..Stretch::default()
            };
        }
        let share = share(throttle, self.settings.shards.get());
        let until = if stretch.sent < share {
            stretch.sent += 1;
            None
        } else {
            let ahead = i64::from(stretch.put_off / share) + 1;
            stretch.put_off = stretch.put_off.saturating_add(1);
            let per = throttle.per.as_millis();
            Some(Timestamp::from_millis(
                start.saturating_add(per.saturating_mul(ahead)),
            ))
        };
        // Journeys that are not throttled any more leave nothing behind.
        used.retain(|name, _| {
            let journey = self
                .catalog
                .journeys
                .iter()
                .find(|journey| journey.id.as_str() == name);
            journey.is_some_and(|journey| journey.throttle.is_some())
        });
        meta::set(self.sql, Key::Throttles, &serde_json::to_string(&used)?)?;
        Ok(until)
    }
}

/// What became of the mails of one journey in its present stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    /// In milliseconds since 1970.
    start: i64,
    sent: u32,
    put_off: u32,
}

fn start_of(throttle: Throttle, now: Timestamp) -> i64 {
    let per = throttle.per.as_millis().max(1);
    now.as_millis().div_euclid(per).saturating_mul(per)
}

/// What one shard may send; never nothing, so that a small throttle over many shards lets a little more through.
fn share(throttle: Throttle, shards: u16) -> u32 {
    (throttle.mails / u32::from(shards.max(1))).max(1)
}
