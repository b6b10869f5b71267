//! Conditions at run time: does `when:` hold for this contact, event and enrollment?
//!
//! Called by `decide`. The build checked every condition against `journey::shape`, and [`Scope`] fills that shape
//! completely: an absent field has its kind's empty value. What can still fail is listed at [`Error`]; the caller
//! takes a failure as false, counts it, and in an exit rule holds the send.

use super::state::LastMail;
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::ids::{EnrollmentKey, JourneyId};
use crate::journey::definition::Condition;
use crate::journey::shape::Record;
use cel::parser::PrattParser;
use cel::{Context, Env, IdedExpr, Value};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, RwLock};

/// Building the standard functions costs more than all the rest of an evaluation.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Conditions that were read before, by their text: reading one costs as much as asking it. They stand in the catalog, so
/// there are as many as that has.
static READ: LazyLock<RwLock<BTreeMap<String, Arc<Compiled>>>> = LazyLock::new(RwLock::default);
/// More than any catalog has: then all are forgotten, so that nothing can make this grow for ever.
const MAX_READ: usize = 10_000;

/// Why a condition has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Cannot happen to a condition the build checked.
    #[error("condition cannot be read: {0}")]
    Unreadable(String),
    /// A property or attribute that is not there, a position beyond a list, a text that is no number.
    #[error("condition failed: {0}")]
    Failed(String),
    /// A property or attribute of another kind than the condition takes it for.
    #[error("condition is neither true nor false")]
    NotBool,
}

/// All that a condition can see.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Scope {
    pub contact: ContactScope,
    pub event: EventScope,
    pub enrollment: EnrollmentScope,
    pub last: LastScope,
}

/// `contact.…`. In each of these a field that is not wanted is not made.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ContactScope {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spend: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<BTreeMap<String, Plain>>,
}

/// `event.…`
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct EventScope {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<ItemScope>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkout_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_codes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<BTreeMap<String, Plain>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct ItemScope {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant_id: Option<String>,
}

/// `enrollment.…`
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct EnrollmentScope {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<BTreeMap<String, Plain>>,
}

/// `last.…`: the last mail of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LastScope {
    sent: bool,
    opened: bool,
    clicked: bool,
}

/// JSON whose whole numbers are signed: CEL would not add an unsigned one to anything.
#[derive(Debug, Clone, PartialEq)]
struct Plain(serde_json::Value);

/// A condition read once, and what it looks at.
#[derive(Debug, Clone)]
pub struct Compiled {
    expression: IdedExpr,
    pub looks_at: LooksAt,
}

/// The roots that a condition names, and the fields: the others need not be made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooksAt {
    pub contact: bool,
    pub event: bool,
    pub enrollment: bool,
    pub last: bool,
    pub fields: Wanted,
}

/// Fields that a condition may look at: those whose name stands somewhere in it. The build refuses every other way to a
/// field than its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    All,
    These(Vec<&'static str>),
}

impl Wanted {
    fn of(text: &str) -> Self {
        let records = [Record::Contact, Record::Event, Record::Item, Record::Enrollment];
        let fields = records.into_iter().flat_map(Record::fields);
        let mut names: Vec<&str> = fields.map(|(name, _)| name).collect();
        names.retain(|name| text.contains(name));
        Self::These(names)
    }

    /// What `make` makes, if it is wanted.
    fn make<T>(&self, field: &str, make: impl FnOnce() -> T) -> Option<T> {
        let wanted = match self {
            Self::All => true,
            Self::These(names) => names.contains(&field),
        };
        wanted.then(make)
    }
}

impl Compiled {
    /// # Errors
    /// `Error::Unreadable`, which the build has ruled out.
    pub fn new(condition: &Condition) -> Result<Self, Error> {
        let parsed = PrattParser::default().parse(&condition.0);
        let expression = parsed.map_err(|errors| Error::Unreadable(errors.to_string()))?;
        let names = expression.references();
        let looks_at = LooksAt {
            contact: names.has_variable("contact"),
            event: names.has_variable("event"),
            enrollment: names.has_variable("enrollment"),
            last: names.has_variable("last"),
            fields: Wanted::of(&condition.0),
        };
        Ok(Self { expression, looks_at })
    }

    /// The same, read at most once for each text.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(condition: &Condition) -> Result<Arc<Self>, Error> {
        let known = READ.read().ok();
        if let Some(known) = known.and_then(|known| known.get(&condition.0).cloned()) {
            return Ok(known);
        }
        let compiled = Arc::new(Self::new(condition)?);
        // A lock that a panic left behind only means that it is read again.
        if let Ok(mut known) = READ.write() {
            if known.len() >= MAX_READ {
                known.clear();
            }
            known.insert(condition.0.clone(), Arc::clone(&compiled));
        }
        Ok(compiled)
    }

    /// # Errors
    /// See [`Error`]; a failed condition counts as false.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Failed(error.to_string());
        let mut context = Context::with_env(Arc::clone(&ENV));
        if self.looks_at.contact {
            context
                .add_variable("contact", &scope.contact)
                .map_err(|error| failed(&error))?;
        }
        if self.looks_at.event {
            context
                .add_variable("event", &scope.event)
                .map_err(|error| failed(&error))?;
        }
        if self.looks_at.enrollment {
            context
                .add_variable("enrollment", &scope.enrollment)
                .map_err(|error| failed(&error))?;
        }
        if self.looks_at.last {
            context
                .add_variable("last", scope.last)
                .map_err(|error| failed(&error))?;
        }
        match Value::resolve(&self.expression, &context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err(Error::NotBool),
            Err(error) => Err(failed(&error)),
        }
    }
}

impl ContactScope {
    /// `spend` counts the store's currency; `subscribed` is about the address in `email`.
    pub fn new(
        profile: &Profile,
        email: Option<&EmailAddress>,
        orders: usize,
        spend: f64,
        subscribed: bool,
        wanted: &Wanted,
    ) -> Self {
        Self {
            email: wanted.make("email", || email.map(|address| address.as_str().to_owned())),
            first_name: wanted.make("first_name", || text(profile.first_name.as_ref())),
            last_name: wanted.make("last_name", || text(profile.last_name.as_ref())),
            locale: wanted.make("locale", || text(profile.locale.as_ref())),
            country: wanted.make("country", || text(profile.country.as_ref())),
            timezone: wanted.make("timezone", || text(profile.timezone.as_ref())),
            tags: wanted.make("tags", || profile.tags.clone().unwrap_or_default()),
            subscribed: wanted.make("subscribed", || subscribed),
            orders: wanted.make("orders", || i64::try_from(orders).unwrap_or(i64::MAX)),
            spend: wanted.make("spend", || spend),
            attributes: wanted.make("attributes", || plain(&profile.attributes)),
        }
    }
}

impl EventScope {
    pub fn new(event: &Event, wanted: &Wanted) -> Self {
        Self::of_data(&event.kind, event.test, &event.data, wanted)
    }

    /// For an enrollment, which keeps the data of its event and not the event.
    pub fn of_data(kind: &EventKind, test: bool, data: &EventData, wanted: &Wanted) -> Self {
        let currency = || data.value.map(|money| money.currency.to_string());
        let items = || data.items.iter().map(|item| ItemScope::new(item, wanted));
        Self {
            name: wanted.make("name", || kind.as_str().to_owned()),
            value: wanted.make("value", || data.value.map_or(0.0, |money| money.as_f64())),
            currency: wanted.make("currency", || currency().unwrap_or_default()),
            items: wanted.make("items", || items().collect()),
            checkout_id: wanted.make("checkout_id", || text(data.checkout_id.as_ref())),
            order_id: wanted.make("order_id", || text(data.order_id.as_ref())),
            order_number: wanted.make("order_number", || text(data.order_number.as_ref())),
            discount_codes: wanted.make("discount_codes", || data.discount_codes.clone()),
            test: wanted.make("test", || test),
            properties: wanted.make("properties", || plain(&data.properties)),
        }
    }
}

impl ItemScope {
    fn new(item: &LineItem, wanted: &Wanted) -> Self {
        Self {
            title: wanted.make("title", || item.title.clone()),
            quantity: wanted.make("quantity", || i64::from(item.quantity)),
            price: wanted.make("price", || item.price.map_or(0.0, |money| money.as_f64())),
            sku: wanted.make("sku", || text(item.sku.as_ref())),
            product_id: wanted.make("product_id", || text(item.product_id.as_ref())),
            variant_id: wanted.make("variant_id", || text(item.variant_id.as_ref())),
        }
    }
}

impl EnrollmentScope {
    /// `answers` is what other systems answered in the run, if there is one.
    pub fn new(
        journey: &JourneyId,
        key: &EnrollmentKey,
        answers: Option<&BTreeMap<String, serde_json::Value>>,
        wanted: &Wanted,
    ) -> Self {
        Self {
            key: wanted.make("key", || key.as_str().to_owned()),
            journey: wanted.make("journey", || journey.as_str().to_owned()),
            answers: wanted.make("answers", || answers.map(plain).unwrap_or_default()),
        }
    }
}

impl LastScope {
    pub fn new(last: Option<&LastMail>) -> Self {
        last.map_or_else(Self::default, |last| Self {
            sent: last.sent,
            opened: last.opened,
            clicked: last.clicked,
        })
    }
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde_json::Value;
        match &self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(values) => serializer.collect_seq(values.iter().cloned().map(Plain)),
            Value::Object(values) => {
                serializer.collect_map(values.iter().map(|(name, value)| (name, Self(value.clone()))))
            }
        }
    }
}

fn text(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

fn plain(values: &BTreeMap<String, serde_json::Value>) -> BTreeMap<String, Plain> {
    values
        .iter()
        .map(|(name, value)| (name.clone(), Plain(value.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
