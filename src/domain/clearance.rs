//! Proof that the gate let a message pass. Mail can only be composed for a clearance, so none leaves unguarded.

use super::email::EmailAddress;
use super::ids::MessageId;
use super::message::Stream;

/// The gate's yes for one message to one address, now. Made only by `engine/guard.rs`, and for samples
/// that nobody sends; `tests/it/tidy.rs` checks that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    to: EmailAddress,
    message: MessageId,
    stream: Stream,
}

impl Clearance {
    /// For the gate alone, and for samples.
    pub const fn grant(to: EmailAddress, message: MessageId, stream: Stream) -> Self {
        Self { to, message, stream }
    }

    pub const fn to(&self) -> &EmailAddress {
        &self.to
    }

    pub const fn message(&self) -> &MessageId {
        &self.message
    }

    pub const fn stream(&self) -> Stream {
        self.stream
    }
}
