//! The order in which due messages leave: by lane, by provider, in parts of the size that the permits allow.
//!
//! Called by the delivery loop of `edge` and by that of host tests.

use super::wake::DueMessage;
use crate::domain::ids::MessageId;
use crate::domain::message::{Lane, Stream};
use crate::providers::ProviderKind;
use crate::providers::registry::for_stream;
use crate::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// Messages by the lane and provider they go out through, the most urgent lane first.
pub type Routed = BTreeMap<(Lane, ProviderKind), Vec<DueMessage>>;

/// Sorts messages by lane, the urgent one first, and by the first preferred provider that may carry them. Also counts
/// those that none may carry: they stay due.
pub fn by_lane(settings: &Settings, messages: Vec<DueMessage>) -> (Routed, usize) {
    let mut sorted = Routed::new();
    let mut unroutable = 0;
    for message in messages {
        let stream = match message.lane {
            Lane::Transactional => Stream::Transactional,
            Lane::Cart | Lane::Marketing => Stream::Marketing,
        };
        match for_stream(&settings.providers, stream) {
            Some(provider) => sorted.entry((message.lane, provider)).or_default().push(message),
            None => unroutable += 1,
        }
    }
    (sorted, unroutable)
}

/// Cuts `requests` parts off the backlog: single messages while the permits suffice, batches when they do not. A
/// message that was in a refused batch always goes alone.
pub fn cut<'a>(
    messages: &'a [DueMessage],
    requests: usize,
    batch_max: usize,
    single: &BTreeSet<MessageId>,
) -> Vec<&'a [DueMessage]> {
    let size = messages
        .len()
        .div_ceil(requests.max(1))
        .clamp(1, batch_max.max(1));
    let alone = |message: &DueMessage| single.contains(&message.message);
    messages
        .chunk_by(|one, two| !alone(one) && !alone(two))
        .flat_map(|run| run.chunks(size))
        .take(requests.max(1))
        .collect()
}
