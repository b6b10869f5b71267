//! One call: which event it is, when it happened by our clock, and whom it is about.
//!
//! Called by [`super::read`]. Properties are those of `/hooks/events`, which has the names of Segment's e-commerce
//! specification; only where a library keeps a thing elsewhere, it is brought to the place where it is read.

use super::{Kind, Refused, Rights};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind};
use crate::domain::time::Timestamp;
use crate::signing;
use crate::sources::SourceKind;
use crate::sources::arrival::{self, Arrival};
use crate::sources::clean;
use crate::sources::events::{self, Fields, MAX_TYPE_BYTES};
use crate::sources::loose::Text;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

type Raws<'a> = BTreeMap<String, &'a RawValue>;

/// Names that the specification had before, and that libraries still send:
/// <https://segment.com/docs/connections/spec/ecommerce/v2/#migrating-from-v1>.
const FORMER_NAMES: [(&str, EventKind); 4] = [
    ("viewed product", EventKind::ProductViewed),
    ("added product", EventKind::ProductAdded),
    ("started order", EventKind::CheckoutStarted),
    ("completed order", EventKind::OrderCompleted),
];

/// Traits with a name of their own here: <https://segment.com/docs/connections/spec/identify/#traits>.
const TRAITS: [(&str, &str); 7] = [
    ("email", "email"),
    ("firstName", "first_name"),
    ("first_name", "first_name"),
    ("lastName", "last_name"),
    ("last_name", "last_name"),
    ("locale", "locale"),
    ("timezone", "timezone"),
];

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Call<'a> {
    #[serde(rename = "type")]
    kind: Text,
    event: Text,
    message_id: Text,
    timestamp: Text,
    original_timestamp: Text,
    sent_at: Text,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    anonymous_id: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_id: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow)]
    traits: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Context<'a> {
    #[serde(borrow)]
    traits: Option<&'a RawValue>,
    #[serde(borrow)]
    locale: Option<&'a RawValue>,
    #[serde(borrow)]
    timezone: Option<&'a RawValue>,
}

impl<'a> Call<'a> {
    pub fn parse(raw: &'a RawValue) -> Option<Self> {
        object(Some(raw))
    }

    pub fn message_id(&self) -> Option<String> {
        self.message_id.as_deref().and_then(clean::line)
    }

    pub fn kind(&self) -> Option<Kind> {
        self.kind.as_deref().and_then(Kind::parse)
    }

    pub fn event_name(&self) -> Option<String> {
        self.event.as_deref().and_then(clean::line)
    }

    /// What happened, by the kind of the call and the name that a `track` gives.
    pub fn name_of(&self, kind: Kind) -> Result<EventKind, Refused> {
        match kind {
            Kind::Identify | Kind::Alias | Kind::Group => Ok(EventKind::ContactUpdated),
            Kind::Page => Ok(EventKind::Custom("Page Viewed".to_owned())),
            Kind::Screen => Ok(EventKind::Custom("Screen Viewed".to_owned())),
            Kind::Track => {
                let name = self.event_name().unwrap_or_default();
                if name.is_empty() || name.len() > MAX_TYPE_BYTES {
                    return Err(Refused::Nameless);
                }
                Ok(named(name))
            }
        }
    }

    /// The event that the call tells. `raw` is the call as it came, `sent_at` when its batch was sent.
    pub fn event(
        &self,
        kind: Kind,
        name: EventKind,
        raw: &RawValue,
        sent_at: &Text,
        now: Timestamp,
        rights: Rights,
    ) -> Result<Event, Refused> {
        // A page cannot use up the ids of what the server sends.
        let sender = match rights {
            Rights::Trusted => "segment",
            Rights::Browser => "browser",
        };
        let id = match self.message_id.as_deref() {
            Some(id) => format!("{sender}:{id}"),
            None => format!("{sender}:{}", signing::content_name(&[raw.get().as_bytes()])),
        };
        let arrival = Arrival {
            source: SourceKind::Events,
            now,
            // As by `/hooks/events`: an amount without a currency is no money.
            currency: None,
        };
        let fields = Fields::of(self.fields(kind)?);
        let at = self.occurred_at(sent_at, now);
        let mut event = events::event(arrival, name, &id, at, self.properties, fields)
            .map_err(|_| Refused::Unreadable)?;
        if kind == Kind::Identify {
            // What a person is like is theirs, and not the event's.
            let properties = std::mem::take(&mut event.data.properties);
            event.profile.attributes = properties.into_iter().filter_map(attribute).collect();
        }
        Ok(event)
    }

    /// `receivedAt - (sentAt - timestamp)`: however wrong the sender's clock is, it is as wrong at both of its times.
    /// <https://segment.com/docs/connections/spec/common/#timestamps>
    fn occurred_at(&self, batch_sent_at: &Text, now: Timestamp) -> Timestamp {
        let at = [&self.original_timestamp, &self.timestamp]
            .into_iter()
            .find_map(arrival::rfc3339);
        let sent_at = [&self.sent_at, batch_sent_at]
            .into_iter()
            .find_map(arrival::rfc3339);
        match (at, sent_at) {
            (Some(at), Some(sent_at)) => {
                let on_the_way = sent_at.as_millis().saturating_sub(at.as_millis());
                Timestamp::from_millis(now.as_millis().saturating_sub(on_the_way))
            }
            (Some(at), None) => at,
            (None, Some(_) | None) => now,
        }
    }

    /// The properties, or traits, with who it is about among them, by the names of `/hooks/events`.
    fn fields(&self, kind: Kind) -> Result<Raws<'a>, Refused> {
        let context = context_of(self.context);
        let (mut fields, mut person) = match kind {
            Kind::Identify => (Raws::new(), raws(self.traits)),
            Kind::Track | Kind::Page | Kind::Screen => (raws(self.properties), raws(context.traits)),
            Kind::Alias | Kind::Group => (Raws::new(), Raws::new()),
        };
        let mut put = |name: &str, raw: Option<&'a RawValue>| {
            if let Some(raw) = raw.filter(|raw| raw.get() != "null") {
                fields.insert(name.to_owned(), raw);
            }
        };
        if matches!(kind, Kind::Page | Kind::Screen) {
            put("name", self.name);
        }
        put("locale", context.locale);
        put("timezone", context.timezone);
        for (theirs, ours) in TRAITS {
            put(ours, person.remove(theirs));
        }
        put(
            "country",
            person
                .get("address")
                .and_then(|address| raws(Some(address)).remove("country")),
        );
        if kind == Kind::Identify {
            for (name, raw) in person {
                fields.entry(name).or_insert(raw);
            }
        }
        self.put_ids(kind, &mut fields)?;
        Ok(fields)
    }

    /// Who it is about. A property of the same name is not asked: ids have a place of their own in a call.
    fn put_ids(&self, kind: Kind, fields: &mut Raws<'a>) -> Result<(), Refused> {
        for name in ["user_id", "customer_id", "anonymous_id"] {
            fields.remove(name);
        }
        let mut put = |name: &str, raw: Option<&'a RawValue>| {
            if let Some(raw) = raw.filter(|raw| Text::from_raw(raw).as_deref().is_some()) {
                fields.insert(name.to_owned(), raw);
            }
        };
        put("user_id", self.user_id);
        put("anonymous_id", self.anonymous_id);
        if kind == Kind::Alias {
            // Libraries do not say which of the two it was.
            put("customer_id", self.previous_id);
            put("anonymous_id", self.previous_id);
        }
        if kind == Kind::Alias && !fields.contains_key("user_id") {
            return Err(Refused::NoUser);
        }
        let is_address = |raw: &&RawValue| {
            let text = Text::from_raw(raw);
            text.as_deref()
                .is_some_and(|text| EmailAddress::parse(text).is_ok())
        };
        // Many stores know people by their address.
        if let (None, Some(raw)) = (fields.get("email"), self.user_id.filter(is_address)) {
            fields.insert("email".to_owned(), raw);
        }
        Ok(())
    }
}

/// Names are compared without case: `product viewed` is as common as the specification's own writing.
fn named(name: String) -> EventKind {
    let known = EventKind::known_names().find(|known| known.eq_ignore_ascii_case(&name));
    if let Some(known) = known {
        return EventKind::from(known.to_owned());
    }
    let former = FORMER_NAMES
        .into_iter()
        .find(|(former, _)| former.eq_ignore_ascii_case(&name));
    former.map_or(EventKind::Custom(name), |(_, kind)| kind)
}

fn raws(raw: Option<&RawValue>) -> Raws<'_> {
    object(raw).unwrap_or_default()
}

fn context_of(raw: Option<&RawValue>) -> Context<'_> {
    object(raw).unwrap_or_default()
}

/// Derived structs also read arrays, by position.
fn object<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    let literal = raw?.get();
    literal
        .starts_with('{')
        .then(|| serde_json::from_str(literal).ok())?
}

/// Texts, numbers and yes or no: what a condition can ask.
fn attribute((name, value): (String, Value)) -> Option<(String, Value)> {
    match value {
        Value::String(text) => Some((name, Value::String(clean::line(&text)?))),
        Value::Number(_) | Value::Bool(_) => Some((name, value)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
