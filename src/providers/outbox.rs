//! The embedded provider: the shard itself keeps the mail, in the form of `render::outbox`, shown at `/dev/outbox`.
//!
//! It is written in the claim turn together with its outcome, so a mail is there exactly once and nothing is ever
//! unknown. It reaches nobody, and it is the only provider a fresh clone needs.

use super::answer::{self, Answer};
use super::{Api, Capabilities, Idempotency};
use crate::domain::message::Stream;
use crate::domain::outcome::Outcome;
use crate::domain::time::Delay;

pub const API: Api = Api {
    name: "outbox",
    capabilities: CAPABILITIES,
    settings: &[],
    refusal: |_| None,
    body: |_, _, _| Ok(Vec::new()),
    repeat: None,
    read: |_, members, _| read(members),
    rate_hint: |_, _| None,
    events: None,
};

const CAPABILITIES: Capabilities = Capabilities {
    batch_max: 100,
    // The mail's row has the message's id for its key, for as long as the row is kept.
    idempotency: Idempotency::Keyed {
        window: Delay::from_days(365),
    },
    streams: &[Stream::Transactional, Stream::Marketing],
    own_unsubscribe: false,
    metadata: true,
    local: true,
    reaches_people: false,
    guarantee: "each message is kept exactly once, in the same storage turn as its outcome; nothing leaves the Worker",
};

/// For callers that treat all providers alike: every stored mail is accepted, under no other id than the message's.
pub fn read(members: usize) -> Answer {
    answer::all(&Outcome::Accepted(None), members)
}
