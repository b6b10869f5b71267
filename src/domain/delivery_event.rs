//! What a provider tells of a message after it took it: delivered, bounced, complained, opened, in one vocabulary.
//!
//! `providers` makes these of their webhooks; the ledger, the address's health and the journeys read them. No policy: what
//! follows from one is decided in `engine`.

use super::email::EmailAddress;
use super::ids::{EventId, MessageId};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What happened to a message. Every kind proves that the provider had taken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// The recipient's server has it.
    Delivered,
    /// Not yet: the provider goes on trying.
    Deferred,
    /// Given up, for a reason that may pass: a full mailbox, a block, a time-out. Says little of the address.
    SoftBounce,
    /// The address is dead.
    HardBounce,
    /// The recipient called it spam.
    Complaint,
    /// The recipient withdrew consent through the provider's own link or header.
    Unsubscribed,
    /// The provider did not try: it holds the address back for what it knew before. No new bounce.
    ProviderSuppressed,
    /// The provider did not try, for a reason that is not the address: its policy, its fault, our account.
    Failed,
    Opened,
    Clicked,
}

impl DeliveryKind {
    /// Whether it speaks against the address, whichever mail it was about.
    pub const fn is_about_address(self) -> bool {
        match self {
            Self::SoftBounce
            | Self::HardBounce
            | Self::Complaint
            | Self::Unsubscribed
            | Self::ProviderSuppressed => true,
            Self::Delivered | Self::Deferred | Self::Failed | Self::Opened | Self::Clicked => false,
        }
    }
}

/// One event of a provider, verified and understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEvent {
    /// The same for every repetition of the event: begins with the provider's name.
    pub id: EventId,
    pub kind: DeliveryKind,
    /// The provider's own time, at most five minutes ahead of ours.
    pub occurred_at: Timestamp,
    /// Our id, as it travelled in the provider's metadata. Absent for mail that is not ours, or where none comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The provider's id, as the answer to the sending request gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message: Option<String>,
    /// To find the contact by where no id of ours came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<EmailAddress>,
    /// Whether the provider itself says that a machine opened or clicked. Our own judgement is `engine::machine`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machine: bool,
    /// The program that opened or clicked, as it named itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<ClickedUrl>,
    /// The provider's own words for why, as a short code: never a text, which could hold an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The address a click led to. It may carry a token or a cart, so `Debug` hides it and no log may show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClickedUrl(String);

impl DeliveryKind {
    pub const ALL: [Self; 10] = [
        Self::Delivered,
        Self::Deferred,
        Self::SoftBounce,
        Self::HardBounce,
        Self::Complaint,
        Self::Unsubscribed,
        Self::ProviderSuppressed,
        Self::Failed,
        Self::Opened,
        Self::Clicked,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Deferred => "deferred",
            Self::SoftBounce => "soft_bounce",
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
            Self::Unsubscribed => "unsubscribed",
            Self::ProviderSuppressed => "provider_suppressed",
            Self::Failed => "failed",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
        }
    }
}

impl DeliveryEvent {
    /// The provider's name, which ids begin with.
    pub fn provider(&self) -> &str {
        let id = self.id.as_str();
        id.split_once(':').map_or(id, |(provider, _)| provider)
    }

    /// An event that says no more than what happened and when.
    pub const fn new(id: EventId, kind: DeliveryKind, occurred_at: Timestamp) -> Self {
        Self {
            id,
            kind,
            occurred_at,
            message: None,
            provider_message: None,
            recipient: None,
            machine: false,
            agent: None,
            url: None,
            reason: None,
        }
    }
}

impl ClickedUrl {
    /// Longest address kept, in bytes; a longer one is cut, as it is only compared and counted.
    pub const MAX_BYTES: usize = 2048;

    pub fn new(url: &str) -> Self {
        let end = url.floor_char_boundary(Self::MAX_BYTES);
        Self(url.get(..end).unwrap_or_default().to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClickedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClickedUrl(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events travel between shards and are kept: this form may only grow.
    #[test]
    fn the_stored_form_is_pinned() {
        let bare = DeliveryEvent::new(
            EventId::parse("resend:msg_1").unwrap(),
            DeliveryKind::Delivered,
            Timestamp::from_seconds(1),
        );
        let text = r#"{"id":"resend:msg_1","kind":"delivered","occurred_at":1000}"#;
        assert_eq!(serde_json::to_string(&bare).unwrap(), text);
        assert_eq!(serde_json::from_str::<DeliveryEvent>(text).unwrap(), bare);
        for kind in DeliveryKind::ALL {
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(text.trim_matches('"'), kind.as_str());
        }
    }

    #[test]
    fn debug_shows_neither_recipient_nor_link() {
        let mut event = DeliveryEvent::new(
            EventId::parse("resend:msg_1").unwrap(),
            DeliveryKind::Clicked,
            Timestamp::from_seconds(1),
        );
        event.recipient = EmailAddress::parse("nadia@example.com").ok();
        event.url = Some(ClickedUrl::new("https://shop.example/recover?token=s3cret"));
        let shown = format!("{event:?}");
        assert!(!shown.contains("nadia") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_long_link_is_cut_between_letters() {
        let url = ClickedUrl::new(&"ж".repeat(ClickedUrl::MAX_BYTES));
        assert_eq!(url.as_str().len(), ClickedUrl::MAX_BYTES);
        let odd = ClickedUrl::new(&format!("x{}", "ж".repeat(ClickedUrl::MAX_BYTES)));
        assert_eq!(odd.as_str().len(), ClickedUrl::MAX_BYTES - 1);
    }
}
