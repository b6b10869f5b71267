//! An address of a contact, and which of its person's words it is under. Data and questions; consent changes by
//! `domain::consent` alone.

use super::Contact;
use crate::domain::consent::{Consent, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::time::Timestamp;
use crate::engine::address_health::{AddressHealth, Cause};
use serde::{Deserialize, Serialize};

/// An address and its consent. The one seen last is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub email: EmailAddress,
    pub seen_at: Timestamp,
    #[serde(default)]
    pub consent: Consent,
    /// What bounces and deliveries say of it.
    #[serde(default, skip_serializing_if = "AddressHealth::is_new")]
    pub health: AddressHealth,
}

impl Address {
    /// Whether its person said no by it: to us, or to their mail provider.
    pub fn objects(&self) -> bool {
        self.consent.no_at().is_some()
            || self.consent.state == ConsentState::Unsubscribed
            || self.health.ended() == Some(Cause::Complaint)
    }
}

impl Contact {
    /// Whether the person's no holds for an address of theirs. One that is new says nothing, and a box that was ticked once
    /// hardly more: a no to another is heard before them.
    pub fn objects_to(&self, address: &Address) -> bool {
        !address.consent.is_explicit_yes() && self.addresses.iter().any(Address::objects)
    }
}
