//! Which shard hears which of the events that a provider reported: that of the message, or else that of the recipient's
//! row. Called by the Worker and by the simulator with events that are proven; it asks nobody.

use super::call::Call;
use crate::domain::delivery_event::DeliveryEvent;
use crate::domain::identity::Identifier;
use crate::domain::shard::ShardIndex;
use crate::settings::Settings;
use std::collections::BTreeMap;

/// Most events in one call: a turn of that many stays well under a second.
const EVENTS_AT_ONCE: usize = 200;

/// What to tell whom.
#[derive(Debug, Default)]
pub struct Reported {
    /// In the order in which they came; the calls to one shard must follow each other.
    pub calls: BTreeMap<ShardIndex, Vec<Call>>,
    /// Events that name neither a message of ours nor anybody.
    pub nobodys: u32,
}

/// Divides events among the shards.
pub fn divide(settings: &Settings, events: Vec<DeliveryEvent>) -> Reported {
    let mut reported = Reported::default();
    let mut by_shard: BTreeMap<ShardIndex, Vec<DeliveryEvent>> = BTreeMap::new();
    for event in events {
        match shard_of(settings, &event) {
            Some(shard) => by_shard.entry(shard).or_default().push(event),
            None => reported.nobodys = reported.nobodys.saturating_add(1),
        }
    }
    for (shard, events) in by_shard {
        let calls = events
            .chunks(EVENTS_AT_ONCE)
            .map(|part| Call::Hear(part.to_vec()));
        reported.calls.insert(shard, calls.collect());
    }
    reported
}

fn shard_of(settings: &Settings, event: &DeliveryEvent) -> Option<ShardIndex> {
    if let Some(message) = &event.message {
        return Some(settings.shards.of_message(message));
    }
    let email = Identifier::email(event.recipient.as_ref()?);
    Some(settings.shards.of_identifier(&settings.hash(&email)))
}
