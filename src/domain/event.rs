//! Events: one thing that happened to a contact, named as in Segment's e-commerce spec.

use super::consent::ConsentSignal;
use super::contact::Profile;
use super::email::EmailAddress;
use super::identity::{Identifier, IdentifierKind};
use super::ids::{EnrollmentId, EventId, OrderKey, SourceName};
use super::money::Money;
use super::order::OrderStatus;
use super::preferences::PreferenceChange;
use super::referral::ReferralCode;
use super::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What happened. The text form is the name journeys and the events API use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum EventKind {
    SignedUp,
    ContactUpdated,
    Unsubscribed,
    CheckoutStarted,
    CheckoutUpdated,
    OrderCompleted,
    OrderFulfilled,
    OrderDelivered,
    OrderCancelled,
    OrderRefunded,
    ProductViewed,
    ProductAdded,
    EmailOpened,
    EmailClicked,
    /// Mail to an address of the contact came back for good.
    EmailBounced,
    /// The contact called a mail spam.
    EmailComplained,
    /// Somebody asks, through the events API, that a journey begin: `properties.journey` names it.
    JourneyRequested,
    /// A friend's first order came by this contact's referral link.
    ReferralCredited,
    /// The contact chose topics, frequency, a rest or a language on their page of preferences.
    PreferencesUpdated,
    /// The contact confirmed that they asked for marketing mail (double opt-in).
    ConsentConfirmed,
    /// Something that the contact looked at, put into a cart or asked for can be bought again.
    BackInStock,
    /// It became cheaper.
    PriceDropped,
    /// The contact answered a question of a mail: `properties` has `question`, `answer` and, on a scale, `score`.
    QuestionAnswered,
    /// What they wrote below their answer: `properties.comment`.
    QuestionCommented,
    /// The contact opened a gift of a mail: `properties` has `gift` and `code`.
    GiftRevealed,
    /// An event of the store's own, declared under `events:` in `store.yaml`.
    Custom(String),
}

/// What comes in later than this did not just happen.
const FRESH: Delay = Delay::from_minutes(1);

/// The built-in kinds with their names.
const NAMES: [(EventKind, &str); 25] = [
    (EventKind::SignedUp, "Signed Up"),
    (EventKind::ContactUpdated, "Contact Updated"),
    (EventKind::Unsubscribed, "Unsubscribed"),
    (EventKind::CheckoutStarted, "Checkout Started"),
    (EventKind::CheckoutUpdated, "Checkout Updated"),
    (EventKind::OrderCompleted, "Order Completed"),
    (EventKind::OrderFulfilled, "Order Fulfilled"),
    (EventKind::OrderDelivered, "Order Delivered"),
    (EventKind::OrderCancelled, "Order Cancelled"),
    (EventKind::OrderRefunded, "Order Refunded"),
    (EventKind::ProductViewed, "Product Viewed"),
    (EventKind::ProductAdded, "Product Added"),
    (EventKind::EmailOpened, "Email Opened"),
    (EventKind::EmailClicked, "Email Clicked"),
    (EventKind::EmailBounced, "Email Bounced"),
    (EventKind::EmailComplained, "Email Marked as Spam"),
    (EventKind::JourneyRequested, "Journey Requested"),
    (EventKind::ReferralCredited, "Referral Credited"),
    (EventKind::PreferencesUpdated, "Preferences Updated"),
    (EventKind::ConsentConfirmed, "Consent Confirmed"),
    (EventKind::BackInStock, "Back In Stock"),
    (EventKind::PriceDropped, "Price Dropped"),
    (EventKind::QuestionAnswered, "Question Answered"),
    (EventKind::QuestionCommented, "Question Commented"),
    (EventKind::GiftRevealed, "Gift Revealed"),
];

/// A line of a cart or an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    pub quantity: u32,
    /// Price of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What an event says about the cart or order, in one flat shape for every source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventData {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cart_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// The number a shopper knows the order by, as `#1042`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_number: Option<String>,
    /// Total of the cart or order, in the currency the shopper saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// Shared: the event, its order and the runs that it starts all keep them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Arc<Vec<LineItem>>,
    /// Where to go on: the recovery link of a checkout, the status page of an order, a tracking page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discount_codes: Vec<String>,
    /// The code of whoever sent the shopper here, of an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralCode>,
    /// The mail an open or a click is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The run that sent that mail, as the ledger has it: a merge changes whose it is, and not which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrollment_id: Option<EnrollmentId>,
    /// Whatever else the event carried (the events API only).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, serde_json::Value>,
}

/// An event, verified and understood, before it is known whom it concerns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Two deliveries with one id are one event.
    pub id: EventId,
    pub kind: EventKind,
    pub source: SourceName,
    /// The source's own time, at most five minutes ahead of ours. State is ordered by it; waits start at it.
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    /// When waits count from, if not from `occurred_at`: only in development, for sample payloads that are years old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// A test order or sample: kept, but starts no journey and counts for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// A row of a list that was kept elsewhere: it counts, and starts nothing and sends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// Found by asking the shop, and not told by it. Of a checkout it then counts only where nothing as new is known: the shop
    /// names no change of one, so its own delivery has another id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub polled: bool,
    /// Every identifier the event carries, strongest first; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    #[serde(default)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentSignal>,
    /// What the person chose on their page of preferences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<PreferenceChange>,
    #[serde(default)]
    pub data: EventData,
    /// What could not be read and was left out; the event counts without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

/// What an import says besides (`docs/import.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Imported {
    /// Since when the person is known, where the list tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// A field that was left out. Never its value: that may be a person's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    pub field: String,
    pub reason: String,
}

impl EventKind {
    /// Names of all built-in kinds, for messages that suggest one.
    pub fn known_names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }

    pub fn as_str(&self) -> &str {
        if let Self::Custom(name) = self {
            return name;
        }
        NAMES
            .iter()
            .find(|(kind, _)| kind == self)
            .map_or("", |(_, name)| *name)
    }

    /// The order status this event moves an order to.
    pub const fn order_status(&self) -> Option<OrderStatus> {
        match self {
            Self::OrderCompleted => Some(OrderStatus::Completed),
            Self::OrderFulfilled => Some(OrderStatus::Fulfilled),
            Self::OrderDelivered => Some(OrderStatus::Delivered),
            Self::OrderCancelled => Some(OrderStatus::Cancelled),
            Self::OrderRefunded => Some(OrderStatus::Refunded),
            Self::SignedUp
            | Self::ContactUpdated
            | Self::Unsubscribed
            | Self::CheckoutStarted
            | Self::CheckoutUpdated
            | Self::ProductViewed
            | Self::ProductAdded
            | Self::EmailOpened
            | Self::EmailClicked
            | Self::EmailBounced
            | Self::EmailComplained
            | Self::JourneyRequested
            | Self::ReferralCredited
            | Self::PreferencesUpdated
            | Self::ConsentConfirmed
            | Self::BackInStock
            | Self::PriceDropped
            | Self::QuestionAnswered
            | Self::QuestionCommented
            | Self::GiftRevealed
            | Self::Custom(_) => None,
        }
    }

    /// Whether the event is a visitor's look at a product, or the putting of it into a cart.
    pub const fn is_browsing(&self) -> bool {
        matches!(self, Self::ProductViewed | Self::ProductAdded)
    }

    /// Whether the event says that its checkout was bought.
    pub const fn closes_checkout(&self) -> bool {
        self.order_status().is_some()
    }
}

impl From<String> for EventKind {
    fn from(name: String) -> Self {
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map_or(Self::Custom(name), |(kind, _)| kind.clone())
    }
}

impl From<EventKind> for String {
    fn from(kind: EventKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Event {
    /// What an erasure compares its own time with: when it happened or came in, whichever was first. None of a list that was
    /// kept elsewhere, which may be of any time.
    ///
    /// A source writes its times by the second. Within that second our own clock decides, while an event is fresh; the
    /// receipt of one that comes late, or again, says nothing of it.
    pub fn told_at(&self) -> Option<Timestamp> {
        let is_fresh = self.received_at.since(self.occurred_at) < FRESH;
        let within = if is_fresh {
            Delay::from_seconds(1)
        } else {
            Delay::ZERO
        };
        (self.imported.is_none()).then(|| self.received_at.min(self.occurred_at.plus(within)))
    }

    /// An event that says no more than what happened and when.
    pub fn new(
        id: EventId,
        kind: EventKind,
        source: SourceName,
        occurred_at: Timestamp,
        received_at: Timestamp,
    ) -> Self {
        Self {
            id,
            kind,
            source,
            occurred_at,
            received_at,
            starts_at: None,
            test: false,
            imported: None,
            polled: false,
            identifiers: Vec::new(),
            email: None,
            profile: Profile::default(),
            consent: None,
            preferences: None,
            data: EventData::default(),
            unread: Vec::new(),
        }
    }

    /// The moment that waits caused by this event count from.
    pub fn counts_from(&self) -> Timestamp {
        self.starts_at.unwrap_or(self.occurred_at)
    }

    /// Whether it may start journeys, go on with them and be counted towards their goals.
    pub const fn is_live(&self) -> bool {
        !self.test && self.imported.is_none()
    }

    /// The source's time at which this event bought its checkouts; a test order buys nothing.
    pub fn closes_at(&self) -> Option<Timestamp> {
        (self.kind.closes_checkout() && !self.test).then_some(self.occurred_at)
    }

    /// The order this event is about, unique over sources.
    pub fn order_key(&self) -> Option<OrderKey> {
        let id = self.data.order_id.as_deref()?;
        OrderKey::parse(&format!("{}:{id}", self.source)).ok()
    }

    /// The first identifier that may found a contact.
    pub fn strongest(&self) -> Option<&Identifier> {
        self.identifiers
            .iter()
            .find(|identifier| identifier.kind.is_strong())
    }

    /// The checkout and cart identifiers, which lead to abandoned-checkout enrollments.
    pub fn checkouts(&self) -> impl Iterator<Item = &Identifier> {
        self.identifiers
            .iter()
            .filter(|identifier| matches!(identifier.kind, IdentifierKind::Checkout | IdentifierKind::Cart))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_before_an_erasure_in_the_same_second_stays_so_when_it_comes_again() {
        let second = Timestamp::parse_rfc3339("2026-03-02T09:00:07Z").unwrap();
        let erased_at = second.plus(Delay::from_millis(500));
        let told = |received_after: Delay| {
            let (id, kind) = (EventId::parse("e1").unwrap(), EventKind::SignedUp);
            let source = SourceName::parse("events").unwrap();
            let event = Event::new(id, kind, source, second, second.plus(received_after));
            event.told_at().unwrap()
        };
        assert!(told(Delay::from_millis(400)) <= erased_at);
        assert!(
            told(Delay::from_millis(600)) > erased_at,
            "they came back at once"
        );
        assert!(told(Delay::from_hours(5)) <= erased_at, "the first, told again");
    }

    #[test]
    fn names_and_kinds_are_one_to_one() {
        for name in EventKind::known_names() {
            let kind = EventKind::from(name.to_owned());
            assert!(!matches!(kind, EventKind::Custom(_)), "{name}");
            assert_eq!(kind.as_str(), name);
        }
        assert_eq!(EventKind::from("Quiz Taken".to_owned()).as_str(), "Quiz Taken");
    }
}
