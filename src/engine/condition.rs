//! Conditions at run time: does `when:` hold for this contact, event and enrollment?
//!
//! Called by `decide`. The build checked every condition against `journey::shape`, and [`Scope`] fills that shape
//! completely: an absent field has its kind's empty value. What can still fail is listed at [`Error`]; the caller
//! takes a failure as false, counts it, and in an exit rule holds the send.

use super::state::{Contact, Counted, LastMail, Purchases};
use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::ids::{EnrollmentKey, JourneyId};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::definition::Condition;
use crate::journey::segment::{Moment, NEVER_DAYS};
use cel::parser::PrattParser;
use cel::{Context, Env, IdedExpr, Value};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Building the standard functions costs more than all the rest of an evaluation.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scope {
    pub contact: ContactScope,
    pub event: EventScope,
    pub enrollment: EnrollmentScope,
    pub last: LastScope,
    /// For `count(…)`, with the moment its windows end at.
    #[serde(skip)]
    pub counted: Arc<Counted>,
    #[serde(skip)]
    pub now: Timestamp,
}

/// `contact.…`
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ContactScope {
    email: Option<String>,
    first_name: String,
    last_name: String,
    locale: String,
    country: String,
    timezone: String,
    tags: Vec<String>,
    subscribed: bool,
    orders: i64,
    spend: f64,
    average_order: f64,
    average_interval: f64,
    mails: i64,
    segments: Vec<String>,
    days_since_order: i64,
    days_since_first_order: i64,
    days_since_signup: i64,
    days_since_open: i64,
    days_since_click: i64,
    days_since_mail: i64,
    attributes: BTreeMap<String, Plain>,
}

/// `event.…`
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct EventScope {
    name: String,
    value: f64,
    currency: String,
    items: Vec<ItemScope>,
    checkout_id: String,
    order_id: String,
    order_number: String,
    discount_codes: Vec<String>,
    test: bool,
    properties: BTreeMap<String, Plain>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct ItemScope {
    title: String,
    quantity: i64,
    price: f64,
    sku: String,
    product_id: String,
    variant_id: String,
}

/// `enrollment.…`
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct EnrollmentScope {
    key: String,
    journey: String,
    answers: BTreeMap<String, Plain>,
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

/// A condition read once, for callers that ask it often.
#[derive(Debug, Clone)]
pub struct Compiled(IdedExpr);

impl Compiled {
    /// # Errors
    /// `Error::Unreadable`, which the build has ruled out.
    pub fn new(condition: &Condition) -> Result<Self, Error> {
        PrattParser::default()
            .parse(&condition.0)
            .map(Self)
            .map_err(|errors| Error::Unreadable(errors.to_string()))
    }

    /// # Errors
    /// See [`Error`]; a failed condition counts as false.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Error> {
        let mut surroundings = Surroundings::new(&scope.contact, &scope.counted, scope.now)?;
        surroundings.add("event", &scope.event)?;
        surroundings.add("enrollment", &scope.enrollment)?;
        surroundings.add("last", scope.last)?;
        surroundings.ask(self)
    }
}

/// What conditions are asked in: made once for many conditions about one contact at one moment.
pub struct Surroundings(Context<'static, 'static>);

impl Surroundings {
    /// Knows `contact` and `count(…)`.
    ///
    /// # Errors
    /// `Error::Failed`, which the shape has ruled out.
    pub fn new(contact: &ContactScope, counted: &Arc<Counted>, now: Timestamp) -> Result<Self, Error> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        let counted = Arc::clone(counted);
        let count = move |event: Arc<String>, days: i64| {
            let kind = EventKind::from(event.as_str().to_owned());
            let times = counted.get(&kind).map_or(&[][..], Vec::as_slice);
            let inside = times.iter().filter(|at| at.plus(Delay::from_days(days)) > now);
            i64::try_from(inside.count()).unwrap_or(i64::MAX)
        };
        context.add_function("count", count).map_err(failed)?;
        let mut surroundings = Self(context);
        surroundings.add("contact", contact)?;
        Ok(surroundings)
    }

    fn add<T: Serialize>(&mut self, name: &str, value: T) -> Result<(), Error> {
        self.0.add_variable(name, value).map_err(failed)
    }

    /// # Errors
    /// See [`Error`]; a failed condition counts as false.
    pub fn ask(&self, condition: &Compiled) -> Result<bool, Error> {
        match Value::resolve(&condition.0, &self.0) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err(Error::NotBool),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(error.to_string())
}

/// The moment that days are counted from; none when it never came.
pub(super) fn moment(contact: &Contact, moment: Moment) -> Option<Timestamp> {
    match moment {
        Moment::LastOrder => contact.purchases.last_at,
        Moment::FirstOrder => contact.purchases.first_at,
        Moment::Signup => Some(contact.since),
        Moment::LastOpen => contact.engagement.opened_at,
        Moment::LastClick => contact.engagement.clicked_at,
        Moment::LastMail => contact.engagement.mailed_at,
    }
}

/// Whole days from one moment to another.
pub(super) const fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    to.since(from).as_millis() / Delay::from_days(1).as_millis()
}

/// Reads and asks a condition once.
///
/// # Errors
/// See [`Error`]; a failed condition counts as false.
pub fn holds(condition: &Condition, scope: &Scope) -> Result<bool, Error> {
    Compiled::new(condition)?.holds(scope)
}

impl ContactScope {
    /// `spend` counts the store's currency; `subscribed` is about the address in `email`.
    pub fn new(contact: &Contact, now: Timestamp) -> Self {
        let (profile, purchases) = (&contact.profile, &contact.purchases);
        let spend = purchases.spend.map_or(0.0, |spend| spend.as_f64());
        let days = |since: Moment| moment(contact, since).map_or(NEVER_DAYS, |at| days_between(at, now));
        Self {
            email: contact.address().map(|address| address.email.as_str().to_owned()),
            first_name: text(profile.first_name.as_ref()),
            last_name: text(profile.last_name.as_ref()),
            locale: text(profile.locale.as_ref()),
            country: text(profile.country.as_ref()),
            timezone: text(profile.timezone.as_ref()),
            tags: profile.tags.clone().unwrap_or_default(),
            subscribed: contact.is_subscribed(),
            orders: i64::from(purchases.orders),
            spend,
            average_order: share(spend, purchases.orders),
            average_interval: average_interval(purchases),
            mails: i64::from(contact.engagement.mails),
            segments: contact.segments.names().map(ToString::to_string).collect(),
            days_since_order: days(Moment::LastOrder),
            days_since_first_order: days(Moment::FirstOrder),
            days_since_signup: days(Moment::Signup),
            days_since_open: days(Moment::LastOpen),
            days_since_click: days(Moment::LastClick),
            days_since_mail: days(Moment::LastMail),
            attributes: plain(&profile.attributes),
        }
    }
}

/// Days between two orders, on average; 0 with less than two.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn average_interval(purchases: &Purchases) -> f64 {
    let (Some(first), Some(last)) = (purchases.first_at, purchases.last_at) else {
        return 0.0;
    };
    let days = last.since(first).as_millis() as f64 / Delay::from_days(1).as_millis() as f64;
    share(days, purchases.orders.saturating_sub(1))
}

fn share(whole: f64, parts: u32) -> f64 {
    if parts == 0 { 0.0 } else { whole / f64::from(parts) }
}

impl EventScope {
    pub fn new(event: &Event) -> Self {
        Self::of_data(&event.kind, event.test, &event.data)
    }

    /// For an enrollment, which keeps the data of its event and not the event.
    pub fn of_data(kind: &EventKind, test: bool, data: &EventData) -> Self {
        Self {
            name: kind.as_str().to_owned(),
            value: data.value.map_or(0.0, |money| money.as_f64()),
            currency: data
                .value
                .map(|money| money.currency.to_string())
                .unwrap_or_default(),
            items: data.items.iter().map(ItemScope::new).collect(),
            checkout_id: text(data.checkout_id.as_ref()),
            order_id: text(data.order_id.as_ref()),
            order_number: text(data.order_number.as_ref()),
            discount_codes: data.discount_codes.clone(),
            test,
            properties: plain(&data.properties),
        }
    }
}

impl ItemScope {
    fn new(item: &LineItem) -> Self {
        Self {
            title: item.title.clone(),
            quantity: i64::from(item.quantity),
            price: item.price.map_or(0.0, |money| money.as_f64()),
            sku: text(item.sku.as_ref()),
            product_id: text(item.product_id.as_ref()),
            variant_id: text(item.variant_id.as_ref()),
        }
    }
}

impl EnrollmentScope {
    pub fn new(journey: &JourneyId, key: &EnrollmentKey) -> Self {
        Self {
            key: key.as_str().to_owned(),
            journey: journey.as_str().to_owned(),
            answers: BTreeMap::new(),
        }
    }

    /// What other systems answered in the run.
    #[must_use]
    pub fn with_answers(self, answers: &BTreeMap<String, serde_json::Value>) -> Self {
        Self {
            answers: plain(answers),
            ..self
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
