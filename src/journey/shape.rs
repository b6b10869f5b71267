//! What conditions may speak of: `contact`, `event`, `enrollment`, their fields and kinds; and which events carry what.
//!
//! `condition` checks against this at build; `engine::condition` fills the same shape at run time, and a test there
//! compares the two. A field that is absent at run time has its kind's empty value: 0, `""`, `[]`, `{}`, false.

use super::segment::Moment;
use crate::domain::event::EventKind;
use std::fmt;

/// The kind of a value in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Double,
    Text,
    /// Text that may be null.
    MaybeText,
    Null,
    List(Box<Kind>),
    /// Names the store chose itself, values of any kind.
    Map,
    Record(Record),
    /// Not known before run time.
    Any,
}

/// A thing with declared fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    Contact,
    Event,
    Item,
    Enrollment,
    Last,
}

/// What an event can bring along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carries {
    /// A checkout id that is always there, so that it can be a key.
    pub checkout: bool,
    /// An order id that is always there.
    pub order: bool,
    /// Items and their value.
    pub goods: bool,
}

/// What a condition may start from.
pub const ROOTS: [(&str, Record); 4] = [
    ("contact", Record::Contact),
    ("event", Record::Event),
    ("enrollment", Record::Enrollment),
    ("last", Record::Last),
];

impl Record {
    pub fn fields(self) -> Vec<(&'static str, Kind)> {
        use Kind::{Bool, Double, Int, List, Map, MaybeText, Text};
        match self {
            Self::Contact => [
                ("email", MaybeText),
                ("first_name", Text),
                ("last_name", Text),
                ("locale", Text),
                ("country", Text),
                ("timezone", Text),
                ("tags", List(Box::new(Text))),
                ("subscribed", Bool),
                ("unconfirmed", Bool),
                ("orders", Int),
                ("spend", Double),
                ("average_order", Double),
                ("average_interval", Double),
                ("mails", Int),
                ("referrals", Int),
                ("segments", List(Box::new(Text))),
                ("attributes", Map),
            ]
            .into_iter()
            .chain(Moment::FIELDS.map(|(_, field)| (field, Int)))
            .collect(),
            Self::Event => vec![
                ("name", Text),
                ("value", Double),
                ("currency", Text),
                ("items", List(Box::new(Kind::Record(Self::Item)))),
                ("checkout_id", Text),
                ("order_id", Text),
                ("order_number", Text),
                ("discount_codes", List(Box::new(Text))),
                ("url", Text),
                ("test", Bool),
                ("asks_consent", Bool),
                ("properties", Map),
            ],
            Self::Item => vec![
                ("title", Text),
                ("quantity", Int),
                ("price", Double),
                ("sku", Text),
                ("product_id", Text),
                ("variant_id", Text),
            ],
            Self::Enrollment => vec![("key", Text), ("journey", Text), ("answers", Map)],
            Self::Last => vec![("sent", Bool), ("opened", Bool), ("clicked", Bool)],
        }
    }

    pub fn field(self, name: &str) -> Option<Kind> {
        self.fields()
            .into_iter()
            .find(|(field, _)| *field == name)
            .map(|(_, kind)| kind)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Event => "event",
            Self::Item => "item",
            Self::Enrollment => "enrollment",
            Self::Last => "last mail",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Int => f.write_str("a whole number"),
            Self::Double => f.write_str("a decimal number"),
            Self::Text | Self::MaybeText => f.write_str("a text"),
            Self::Null => f.write_str("null"),
            Self::List(_) => f.write_str("a list"),
            Self::Map => f.write_str("a map"),
            Self::Record(record) => write!(f, "the whole {}", record.name()),
            Self::Any => f.write_str("a value of any kind"),
        }
    }
}

impl Carries {
    /// No event at all.
    pub const NOTHING: Self = Self {
        checkout: false,
        order: false,
        goods: false,
    };

    /// What events of this kind bring, whatever the source.
    pub const fn of(kind: &EventKind) -> Self {
        let (checkout, order, goods) = match kind {
            EventKind::SignedUp
            | EventKind::ContactUpdated
            | EventKind::Unsubscribed
            | EventKind::EmailOpened
            | EventKind::EmailClicked
            | EventKind::EmailBounced
            | EventKind::EmailComplained
            | EventKind::PreferencesUpdated
            | EventKind::ConsentConfirmed
            | EventKind::QuestionAnswered
            | EventKind::QuestionCommented
            | EventKind::GiftRevealed => (false, false, false),
            EventKind::ProductViewed | EventKind::ProductAdded => (false, false, true),
            EventKind::CheckoutStarted | EventKind::CheckoutUpdated => (true, false, true),
            // Only some sources tell the checkout an order came from, so it cannot be relied on.
            EventKind::OrderCompleted
            | EventKind::OrderFulfilled
            | EventKind::OrderDelivered
            | EventKind::OrderCancelled
            | EventKind::OrderRefunded => (false, true, true),
            // Which order, and its sum; what the friend bought is not the referrer's to know.
            EventKind::ReferralCredited => (false, true, false),
            // A store's own event carries what the store puts in.
            EventKind::Custom(_) | EventKind::JourneyRequested => (true, true, true),
        };
        Self {
            checkout,
            order,
            goods,
        }
    }

    /// What at least one of the events brings.
    pub fn any_of<'a>(kinds: impl IntoIterator<Item = &'a EventKind>) -> Self {
        kinds
            .into_iter()
            .map(Self::of)
            .fold(Self::NOTHING, |all, one| Self {
                checkout: all.checkout || one.checkout,
                order: all.order || one.order,
                goods: all.goods || one.goods,
            })
    }

    /// Whether a field of `event` can ever be filled.
    pub fn fills(self, field: &str) -> bool {
        match field {
            "order_id" => self.order,
            "order_number" => self.shows_order(),
            "checkout_id" => self.checkout || self.shows_order(),
            "value" | "currency" => self.goods || self.order,
            "items" | "discount_codes" => self.goods,
            _ => true,
        }
    }

    /// Whether it is an order of the contact's own: an order that only has an id is somebody else's.
    pub const fn shows_order(self) -> bool {
        self.order && self.goods
    }
}
