//! A record of an import, as `wend import` writes it and `POST /admin/import` takes it, and the events that it is.
//!
//! Called by `imports::read` to see that a line can be taken, and by the edge. An event's id is made of the record, so that
//! the same line of the same list counts once, however often it is sent. What a list calls a person or an order by is
//! parsed here; a record that cannot be read is refused with its whole batch, for the reader on the host has been asked first.

use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind, Imported, LineItem};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{self, EventId, SourceName};
use crate::domain::money::Money;
use crate::domain::order::OrderStatus;
use crate::domain::time::Timestamp;
use crate::signing::content_name;
use crate::sources::clean;
use serde::{Deserialize, Serialize};

/// Most records of one batch. Each is one to three events, and each event at most a few storage calls, made together.
pub const MAX_RECORDS: usize = 200;

/// What is posted at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    pub records: Vec<Record>,
}

/// One line of a list; of orders, all lines of one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    Contact(Box<ListedContact>),
    Order(Box<PastOrder>),
}

/// A person as a list has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedContact {
    /// Whose list: `klaviyo`, `shopify`… What it says of consent is kept with this name.
    pub list: SourceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// What shops know them by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customers: Vec<(SourceName, String)>,
    #[serde(default)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ListedConsent>,
}

/// What a list says of consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedConsent {
    pub state: ConsentState,
    /// None where the list does not tell when: a yes of no date never lifts a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// An order of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastOrder {
    /// The shop that has it, by the name of its webhooks: what they tell of the order later is about the same one.
    pub source: SourceName,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    pub placed_at: Timestamp,
    /// What became of it after it was placed, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<(OrderStatus, Timestamp)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<LineItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    #[serde(default)]
    pub profile: Profile,
}

/// Why a record is nothing to take.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it names nobody: there is neither an address nor a customer's id")]
    Nobody,
    #[error("an id in it cannot be used: {0}")]
    Id(#[from] ids::Error),
    #[error("it cannot be written down: {0}")]
    Json(#[from] serde_json::Error),
}

impl Record {
    /// The events that this is, in their order. None of them starts anything.
    ///
    /// # Errors
    /// When it names nobody, or an id cannot be one.
    pub fn events(&self, now: Timestamp) -> Result<Vec<Event>, Error> {
        match self {
            Self::Contact(contact) => Ok(vec![contact.event(now)?]),
            Self::Order(order) => order.events(now),
        }
    }
}

impl ListedContact {
    fn event(&self, now: Timestamp) -> Result<Event, Error> {
        let content = content_name(&[serde_json::to_string(self)?.as_bytes()]);
        let id = EventId::parse(&format!("import:{}:{content}", self.list))?;
        // That it stands in a list is news of today, whatever the list tells of earlier days.
        let mut event = Event::new(id, EventKind::ContactUpdated, self.list.clone(), now, now);
        event.imported = Some(Imported {
            since: self.since.map(|since| since.min(now)),
        });
        event
            .identifiers
            .extend(self.email.as_ref().map(Identifier::email));
        for (shop, id) in &self.customers {
            let customer = Identifier::of_source(IdentifierKind::Customer, shop, id)?;
            event.identifiers.push(customer);
        }
        if event.identifiers.is_empty() {
            return Err(Error::Nobody);
        }
        event.email.clone_from(&self.email);
        event.profile = self.profile.clone();
        event.consent = self
            .consent
            .as_ref()
            .and_then(|consent| consent.signal(&self.list, now));
        Ok(event)
    }
}

impl ListedConsent {
    /// None where the list says nothing. A no of no date holds from now on; a yes of no date is a side remark.
    fn signal(&self, list: &SourceName, now: Timestamp) -> Option<ConsentSignal> {
        let grade = match (self.state, self.at) {
            (ConsentState::Unknown, _) => return None,
            (ConsentState::Subscribed | ConsentState::Pending, None) => ConsentGrade::Implied,
            (ConsentState::Subscribed | ConsentState::Pending, Some(_))
            | (ConsentState::Unsubscribed | ConsentState::Suppressed, _) => ConsentGrade::Explicit,
        };
        Some(ConsentSignal {
            state: self.state,
            grade,
            at: self.at.unwrap_or(now).min(now),
            method: self.method.clone(),
            text: self.text.clone(),
            ip: self.ip.clone(),
            agent: None,
            actor: Some(format!("import:{list}")),
        })
    }
}

impl PastOrder {
    fn events(&self, now: Timestamp) -> Result<Vec<Event>, Error> {
        let placed = (OrderStatus::Completed, self.placed_at);
        let later = self
            .later
            .iter()
            .filter(|(status, _)| *status != OrderStatus::Completed);
        std::iter::once(&placed)
            .chain(later)
            .map(|(status, at)| self.event(*status, *at, now))
            .collect()
    }

    /// The id is that of the shop's own webhooks (`sources::arrival`): whichever comes first, it is one event.
    fn event(&self, status: OrderStatus, at: Timestamp, now: Timestamp) -> Result<Event, Error> {
        let (source, id) = (&self.source, self.id.trim());
        let order = Identifier::of_source(IdentifierKind::Order, source, id)?;
        let text = format!("{source}:order:{id}:{}", status.as_str());
        let event_id = EventId::parse(&text)
            .or_else(|_| EventId::parse(&format!("{source}:{}", content_name(&[text.as_bytes()]))))?;
        let mut event = Event::new(event_id, kind(status), source.clone(), at.min(now), now);
        event.imported = Some(Imported {
            since: Some(self.placed_at.min(now)),
        });
        let customer = self.customer.as_deref();
        let customer = customer.map(|id| Identifier::of_source(IdentifierKind::Customer, source, id));
        let people = self.email.as_ref().map(Identifier::email);
        event.identifiers = people.into_iter().chain(customer.transpose()?).collect();
        if event.identifiers.is_empty() {
            return Err(Error::Nobody);
        }
        event.identifiers.push(order);
        event.email.clone_from(&self.email);
        event.profile = self.profile.clone();
        event.data.order_id = Some(id.to_owned());
        event.data.order_number.clone_from(&self.number);
        event.data.value = self.total;
        event.data.items = clean::lines(self.items.iter().cloned()).0.into();
        event.data.discount_codes.clone_from(&self.codes);
        Ok(event)
    }
}

const fn kind(status: OrderStatus) -> EventKind {
    match status {
        OrderStatus::Completed => EventKind::OrderCompleted,
        OrderStatus::Fulfilled => EventKind::OrderFulfilled,
        OrderStatus::Delivered => EventKind::OrderDelivered,
        OrderStatus::Cancelled => EventKind::OrderCancelled,
        OrderStatus::Refunded => EventKind::OrderRefunded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn contact(json: &str) -> Record {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_line_is_one_event_however_often_it_is_sent() {
        let line = contact(r#"{ "contact": { "list": "klaviyo", "email": "Ana@example.com" } }"#);
        let later = NOW.plus(crate::domain::time::Delay::from_days(3));
        let ids = [NOW, later].map(|now| line.events(now).unwrap().remove(0).id);
        assert_eq!(ids[0], ids[1]);
        let other = contact(r#"{ "contact": { "list": "mailchimp", "email": "Ana@example.com" } }"#);
        assert_ne!(other.events(NOW).unwrap()[0].id, ids[0]);
    }

    #[test]
    fn a_yes_without_a_date_is_a_side_remark_and_a_no_holds_from_now() {
        let of = |state: &str, at: &str| {
            let text = format!(
                r#"{{ "contact": {{ "list": "import", "email": "a@example.com", "consent": {{ "state": "{state}"{at} }} }} }}"#
            );
            contact(&text).events(NOW).unwrap().remove(0).consent
        };
        let told = |signal: Option<ConsentSignal>| signal.map(|signal| (signal.grade, signal.at));
        assert_eq!(told(of("subscribed", "")), Some((ConsentGrade::Implied, NOW)));
        assert_eq!(told(of("unsubscribed", "")), Some((ConsentGrade::Explicit, NOW)));
        let at = Timestamp::from_millis(5);
        assert_eq!(
            told(of("subscribed", r#", "at": 5"#)),
            Some((ConsentGrade::Explicit, at))
        );
        assert_eq!(told(of("unknown", "")), None);
        assert_eq!(
            of("suppressed", "").unwrap().actor.as_deref(),
            Some("import:import")
        );
    }

    #[test]
    fn an_order_has_the_ids_of_its_shops_webhooks_and_starts_nothing() {
        let order = r#"{ "order": { "source": "shopify", "id": "6120", "email": "a@example.com", "placed_at": 5,
            "later": [["refunded", 9]], "total": { "amount": "57.05", "currency": "EUR" } } }"#;
        let events = contact(order).events(NOW).unwrap();
        let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(
            ids,
            ["shopify:order:6120:completed", "shopify:order:6120:refunded"]
        );
        assert!(
            events
                .iter()
                .all(|event| !event.is_live() && event.closes_at().is_some())
        );
    }

    #[test]
    fn who_names_nobody_is_refused() {
        let nobody = contact(r#"{ "contact": { "list": "import" } }"#);
        assert!(matches!(nobody.events(NOW), Err(Error::Nobody)));
        let unknown = r#"{ "contact": { "list": "import", "email": "a@example.com", "colour": "red" } }"#;
        assert!(serde_json::from_str::<Record>(unknown).is_err());
        let broken = r#"{ "contact": { "list": "import", "email": "nobody" } }"#;
        assert!(serde_json::from_str::<Record>(broken).is_err());
    }
}
