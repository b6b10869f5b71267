//! Events of a scenario's lines, as the sources would make them.

use super::contents::data;
use super::error::LineError;
use super::player;
use super::story::{Line, address, delay};
use crate::domain::civil::Zone;
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind, Imported};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{EventId, MessageId, SourceName};
use crate::domain::referral::ReferralCode;
use crate::domain::time::Timestamp;
use crate::journey::finding::unknown;
use crate::signing::identity::identity_hash;
use std::collections::BTreeMap;

/// Tells the lines one by one; it remembers how many deliveries there were, for their ids.
#[derive(Default)]
pub struct Story {
    deliveries: u32,
    pub last: Option<Event>,
    /// Everybody lives here, whatever the lines say.
    pub zone: Option<Zone>,
    /// What people's ids are hashed with, and so their referral codes.
    pub hash_key: String,
}

/// What may happen to a shopper, in the words of a scenario.
pub(super) const WORDS: [(&str, EventKind); 13] = [
    ("signup", EventKind::SignedUp),
    ("profile", EventKind::ContactUpdated),
    ("checkout", EventKind::CheckoutStarted),
    ("update", EventKind::CheckoutUpdated),
    ("order", EventKind::OrderCompleted),
    ("fulfilled", EventKind::OrderFulfilled),
    ("delivered", EventKind::OrderDelivered),
    ("cancelled", EventKind::OrderCancelled),
    ("refunded", EventKind::OrderRefunded),
    ("unsubscribe", EventKind::Unsubscribed),
    ("viewed", EventKind::ProductViewed),
    ("added", EventKind::ProductAdded),
    ("request", EventKind::JourneyRequested),
];

/// Options with a meaning of their own.
const OPTIONS: [&str; 22] = [
    "anonymous",
    "bulk",
    "by",
    "cart",
    "checkout",
    "customer",
    "delivery",
    "id",
    "items",
    "products",
    "ref",
    "late",
    "locale",
    "mail",
    "name",
    "order",
    "score",
    "source",
    "tags",
    "time",
    "value",
    "zone",
];

impl Story {
    /// The event that a line tells.
    ///
    /// # Errors
    /// With the line's number, when a word or value of it cannot be read.
    pub fn event(&mut self, line: &Line, start: Timestamp, now: Timestamp) -> Result<Event, LineError> {
        self.deliveries += 1;
        let kind = kind(line)?;
        let source = line.option("source").unwrap_or("shopify");
        let occurred_at = match line.option("time") {
            Some(text) => start.plus(delay(text).map_err(|error| line.wrong(error))?),
            None => now,
        };
        let order = match kind.order_status() {
            Some(_) => Some(line.word(1)),
            None => line.option("order"),
        };
        let order = order.map(str::to_owned);
        let id = match (&order, line.option("id")) {
            (_, Some(id)) => id.to_owned(),
            (Some(order), None) => format!("{source}:order:{order}:{kind}"),
            (None, None) => format!("{source}:delivery:{}", self.deliveries),
        };
        let email = line
            .option("by")
            .map(|name| EmailAddress::parse(&address(name)))
            .transpose()
            .map_err(|error| line.wrong(error))?;
        let checkout = match line.what() {
            "checkout" | "update" => Some(line.word(1)),
            _ => line.option("checkout"),
        };
        let source = SourceName::parse(source).map_err(|error| line.wrong(error))?;
        let event = Event {
            id: EventId::parse(&id).map_err(|error| line.wrong(error))?,
            source: source.clone(),
            occurred_at,
            received_at: now,
            starts_at: None,
            test: line.flag("test"),
            imported: line.flag("imported").then_some(Imported {
                since: Some(occurred_at),
            }),
            polled: line.flag("polled"),
            identifiers: identifiers(line, &source, email.as_ref(), checkout, order.as_deref())?,
            consent: consent(line, &kind, occurred_at),
            preferences: None,
            profile: Profile {
                first_name: line.option("name").map(str::to_owned),
                locale: line.option("locale").map(str::to_owned),
                timezone: self
                    .zone
                    .map(Zone::name)
                    .or_else(|| line.option("zone"))
                    .map(str::to_owned),
                attributes: attributes(line),
                tags: line
                    .option("tags")
                    .map(|tags| tags.split(',').map(str::to_owned).collect()),
                ..Profile::default()
            },
            data: EventData {
                referral: self.referral(line)?,
                ..data(line, checkout, order)?
            },
            unread: Vec::new(),
            email,
            kind,
        };
        self.last = Some(event.clone());
        Ok(event)
    }

    /// `ref=nadia`: the code of whoever was first known by that address.
    fn referral(&self, line: &Line) -> Result<Option<ReferralCode>, LineError> {
        let Some(name) = line.option("ref") else {
            return Ok(None);
        };
        let email = EmailAddress::parse(&address(name)).map_err(|error| line.wrong(error))?;
        let hash = identity_hash(self.hash_key.as_bytes(), &Identifier::email(&email));
        Ok(Some(ReferralCode::of(&hash.into())))
    }

    /// What a provider tells of a mail.
    ///
    /// # Errors
    /// When the line names nobody.
    pub fn report(
        &mut self,
        line: &Line,
        now: Timestamp,
        message: MessageId,
    ) -> Result<DeliveryEvent, LineError> {
        self.deliveries += 1;
        let kind = match line.what() {
            "arrived" => DeliveryKind::Delivered,
            "bounced" if line.flag("soft") => DeliveryKind::SoftBounce,
            "bounced" => DeliveryKind::HardBounce,
            "complained" => DeliveryKind::Complaint,
            "opened" => DeliveryKind::Opened,
            _ => DeliveryKind::Clicked,
        };
        let email = EmailAddress::parse(&address(line.word(1))).map_err(|error| line.wrong(error))?;
        let id = format!("resend:report:{}", self.deliveries);
        let id = EventId::parse(&id).map_err(|error| line.wrong(error))?;
        let mut event = DeliveryEvent::new(id, kind, now);
        event.message = Some(message);
        event.recipient = Some(email);
        event.machine = line.flag("machine");
        Ok(event)
    }
}

fn kind(line: &Line) -> Result<EventKind, LineError> {
    let word = line.what();
    if word == "custom" {
        return Ok(EventKind::from(line.word(1).replace('_', " ")));
    }
    let known = WORDS.iter().find(|(known, _)| *known == word);
    known.map(|(_, kind)| kind.clone()).ok_or_else(|| {
        let words = WORDS.iter().map(|(word, _)| *word).chain(player::WORDS);
        line.wrong(unknown("word", word, words))
    })
}

/// Options that are none of the words of a scenario become attributes of the shopper.
fn attributes(line: &Line) -> BTreeMap<String, serde_json::Value> {
    let own = line.options().filter(|(name, _)| !OPTIONS.contains(name));
    own.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn identifiers(
    line: &Line,
    source: &SourceName,
    email: Option<&EmailAddress>,
    checkout: Option<&str>,
    order: Option<&str>,
) -> Result<Vec<Identifier>, LineError> {
    let own = |kind: IdentifierKind, id: Option<&str>| {
        let identifier = id.map(|id| Identifier::of_source(kind, source, id));
        identifier.transpose().map_err(|error| line.wrong(error))
    };
    let all = [
        email.map(Identifier::email),
        own(IdentifierKind::Customer, line.option("customer"))?,
        own(IdentifierKind::Order, order)?,
        own(IdentifierKind::Checkout, checkout)?,
        own(IdentifierKind::Cart, line.option("cart"))?,
        own(IdentifierKind::Anonymous, line.option("anonymous"))?,
    ];
    Ok(all.into_iter().flatten().collect())
}

fn consent(line: &Line, kind: &EventKind, at: Timestamp) -> Option<ConsentSignal> {
    let (state, grade) = if line.flag("subscribed") {
        (ConsentState::Subscribed, ConsentGrade::Explicit)
    } else if line.flag("implied") {
        (ConsentState::Subscribed, ConsentGrade::Implied)
    } else if line.flag("declined") {
        (ConsentState::Unsubscribed, ConsentGrade::Implied)
    } else if line.flag("pending") {
        (ConsentState::Pending, ConsentGrade::Explicit)
    } else if line.flag("unsubscribed") || *kind == EventKind::Unsubscribed {
        (ConsentState::Unsubscribed, ConsentGrade::Explicit)
    } else {
        return None;
    };
    Some(signal(state, grade, at))
}

pub fn signal(state: ConsentState, grade: ConsentGrade, at: Timestamp) -> ConsentSignal {
    ConsentSignal {
        state,
        grade,
        at,
        method: None,
        text: None,
        ip: None,
        agent: None,
        actor: None,
    }
}
