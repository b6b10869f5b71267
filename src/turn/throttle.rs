//! The throttle of a journey: so many mails in a stretch of time, over all contacts, each shard its share.
//!
//! Asked in the claim turn, after the gate said yes. The stretches lie one after another from the epoch on, so that
//! every shard counts the same ones without asking anybody.

use super::{Error, Turn};
use crate::domain::ids::JourneyId;
use crate::domain::time::Timestamp;
use crate::journey::definition::Throttle;
use crate::store::meta::{self, Key};
use std::collections::BTreeMap;

/// What a journey sent: the stretch, by its start in milliseconds, and how many.
type Used = BTreeMap<String, (i64, u32)>;

impl Turn<'_> {
    /// Takes a place for one mail of the journey; when there is none, says when there will be. Writes 1 row for a
    /// throttled journey, 0 for others.
    pub(super) fn take_place(&self, journey: &JourneyId) -> Result<Option<Timestamp>, Error> {
        let Some(throttle) = self.catalog.journey(journey).and_then(|journey| journey.throttle) else {
            return Ok(None);
        };
        let mut used: Used = match meta::get(self.sql, Key::Throttles)? {
            Some(text) => serde_json::from_str(&text).unwrap_or_default(),
            None => Used::default(),
        };
        let start = start_of(throttle, self.now);
        let (held, count) = used.entry(journey.to_string()).or_insert((start, 0));
        if *held != start {
            (*held, *count) = (start, 0);
        }
        if *count >= share(throttle, self.settings.shards.get()) {
            return Ok(Some(Timestamp::from_millis(start).plus(throttle.per)));
        }
        *count += 1;
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
        Ok(None)
    }
}

fn start_of(throttle: Throttle, now: Timestamp) -> i64 {
    let per = throttle.per.as_millis().max(1);
    now.as_millis().div_euclid(per).saturating_mul(per)
}

/// What one shard may send; never nothing, so that a small throttle over many shards lets a little more through.
fn share(throttle: Throttle, shards: u16) -> u32 {
    (throttle.mails / u32::from(shards.max(1))).max(1)
}
