//! Reading the upper half of a scenario: lines, and events as the sources would make them.

use crate::world::Point;
use crate::world::provider::Fault;
use std::collections::BTreeMap;
use wend::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use wend::domain::contact::Profile;
use wend::domain::email::EmailAddress;
use wend::domain::event::{Event, EventData, EventKind, LineItem};
use wend::domain::identity::{Identifier, IdentifierKind};
use wend::domain::ids::{EventId, SourceName};
use wend::domain::money::{Currency, Money};
use wend::domain::time::{Delay, Timestamp};

/// `at +1h order 77 by=nadia`.
#[derive(Debug, Clone)]
pub struct Line {
    pub at: Delay,
    words: Vec<String>,
    options: BTreeMap<String, String>,
    /// The lines below that begin with `|`.
    pub block: Option<String>,
}

#[derive(Default)]
pub struct Story {
    deliveries: u32,
    pub last: Option<Event>,
}

/// The rest of the line that begins with `word`.
pub fn value<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
        .map(str::trim)
}

pub fn read(text: &str) -> Result<Vec<Line>, String> {
    let mut lines: Vec<Line> = Vec::new();
    for line in text.lines() {
        if let Some(row) = line.strip_prefix('|') {
            let block = &mut lines.last_mut().ok_or("a block without a line")?.block;
            let row = row.strip_prefix(' ').unwrap_or(row);
            block.get_or_insert_default().push_str(&format!("{row}\n"));
        } else if let Some(rest) = line.strip_prefix("at ") {
            lines.push(parse(rest)?);
        }
    }
    Ok(lines)
}

fn parse(text: &str) -> Result<Line, String> {
    let (mut words, mut options) = (Vec::new(), BTreeMap::new());
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some((key, value)) => {
                options.insert(key.to_owned(), value.to_owned());
            }
            None => words.push(word.to_owned()),
        }
    }
    let at = delay(&words.remove(0))?;
    Ok(Line {
        at,
        words,
        options,
        block: None,
    })
}

fn delay(text: &str) -> Result<Delay, String> {
    let text = text
        .strip_prefix('+')
        .ok_or_else(|| format!("`{text}` is not +1h or the like"))?;
    Delay::parse(text).map_err(|error| error.to_string())
}

pub fn address(name: &str) -> String {
    format!("{name}@example.com")
}

pub fn point(word: &str) -> Result<Point, String> {
    match word {
        "claimed" => Ok(Point::Claimed),
        "answered" => Ok(Point::Answered),
        other => Err(format!("no crash `{other}`")),
    }
}

pub fn fault(word: &str) -> Result<Fault, String> {
    Ok(match word {
        "lost" => Fault::Lost,
        "silent" => Fault::Silent,
        "broken" => Fault::Broken,
        "busy" => Fault::Busy,
        "unauthorised" => Fault::Unauthorised,
        other => return Err(format!("no fault `{other}`")),
    })
}

impl Line {
    /// `order 1..50` is fifty lines.
    pub fn each(&self) -> Vec<Self> {
        let Some((first, last)) = self.word(1).split_once("..") else {
            return vec![self.clone()];
        };
        let numbers = first.parse::<u32>().unwrap()..=last.parse().unwrap();
        let with = |number: u32| {
            let mut line = self.clone();
            line.words[1] = number.to_string();
            line
        };
        numbers.map(with).collect()
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    pub fn what(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn flag(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name)
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    pub fn number(&self, name: &str) -> Option<u32> {
        self.option(name).map(|text| text.parse().unwrap())
    }
}

impl Story {
    pub fn event(&mut self, line: &Line, start: Timestamp, now: Timestamp) -> Result<Event, String> {
        self.deliveries += 1;
        let kind = kind(line)?;
        let source = line.option("source").unwrap_or("shopify");
        let occurred_at = match line.option("time") {
            Some(text) => start.plus(delay(text)?),
            None => now,
        };
        let order = kind.order_status().map(|_| line.word(1).to_owned());
        let id = match (&order, line.option("id")) {
            (_, Some(id)) => id.to_owned(),
            (Some(order), None) => format!("{source}:order:{order}:{kind}"),
            (None, None) => format!("{source}:delivery:{}", self.deliveries),
        };
        let email = line
            .option("by")
            .map(|name| EmailAddress::parse(&address(name)).unwrap());
        let checkout = match line.what() {
            "checkout" | "update" => Some(line.word(1)),
            _ => line.option("checkout"),
        };
        let source = SourceName::parse(source).unwrap();
        let event = Event {
            id: EventId::parse(&id).unwrap(),
            source: source.clone(),
            occurred_at,
            received_at: now,
            starts_at: None,
            test: line.flag("test"),
            identifiers: identifiers(line, &source, email.as_ref(), checkout, order.as_deref()),
            consent: consent(line, &kind, occurred_at),
            profile: Profile {
                first_name: line.option("name").map(str::to_owned),
                timezone: line.option("zone").map(str::to_owned),
                attributes: attributes(line),
                tags: line
                    .option("tags")
                    .map(|tags| tags.split(',').map(str::to_owned).collect()),
                ..Profile::default()
            },
            data: data(line, checkout, order),
            unread: Vec::new(),
            email,
            kind,
        };
        self.last = Some(event.clone());
        Ok(event)
    }

    /// What a provider tells of a mail.
    pub fn report(&mut self, line: &Line, now: Timestamp, message: &str) -> Event {
        self.deliveries += 1;
        let kind = match line.what() {
            "opened" => EventKind::EmailOpened,
            _ => EventKind::EmailClicked,
        };
        let email = EmailAddress::parse(&address(line.word(1))).unwrap();
        let data = EventData {
            message_id: Some(message.to_owned()),
            ..EventData::default()
        };
        Event {
            id: EventId::parse(&format!("resend:report:{}", self.deliveries)).unwrap(),
            source: SourceName::parse("resend").unwrap(),
            occurred_at: now,
            received_at: now,
            starts_at: None,
            test: false,
            identifiers: vec![Identifier::email(&email)],
            consent: None,
            profile: Profile::default(),
            data,
            unread: Vec::new(),
            email: Some(email),
            kind,
        }
    }
}

fn kind(line: &Line) -> Result<EventKind, String> {
    Ok(match line.what() {
        "signup" => EventKind::SignedUp,
        "profile" => EventKind::ContactUpdated,
        "checkout" => EventKind::CheckoutStarted,
        "update" => EventKind::CheckoutUpdated,
        "order" => EventKind::OrderCompleted,
        "fulfilled" => EventKind::OrderFulfilled,
        "delivered" => EventKind::OrderDelivered,
        "cancelled" => EventKind::OrderCancelled,
        "refunded" => EventKind::OrderRefunded,
        "unsubscribe" => EventKind::Unsubscribed,
        "viewed" => EventKind::ProductViewed,
        "added" => EventKind::ProductAdded,
        "request" => EventKind::JourneyRequested,
        other => return Err(format!("`{other}` is not something that happens")),
    })
}

fn attributes(line: &Line) -> BTreeMap<String, serde_json::Value> {
    let birthday = line.option("birthday");
    birthday
        .map(|date| ("birthday".to_owned(), date.into()))
        .into_iter()
        .collect()
}

fn identifiers(
    line: &Line,
    source: &SourceName,
    email: Option<&EmailAddress>,
    checkout: Option<&str>,
    order: Option<&str>,
) -> Vec<Identifier> {
    let own = |kind: IdentifierKind, id: Option<&str>| {
        id.map(|id| Identifier::of_source(kind, source, id).unwrap())
    };
    [
        email.map(Identifier::email),
        own(IdentifierKind::Customer, line.option("customer")),
        own(IdentifierKind::Order, order),
        own(IdentifierKind::Checkout, checkout),
        own(IdentifierKind::Cart, line.option("cart")),
        own(IdentifierKind::Anonymous, line.option("anonymous")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn consent(line: &Line, kind: &EventKind, at: Timestamp) -> Option<ConsentSignal> {
    let (state, grade) = if line.flag("subscribed") {
        (ConsentState::Subscribed, ConsentGrade::Explicit)
    } else if line.flag("implied") {
        (ConsentState::Subscribed, ConsentGrade::Implied)
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

fn data(line: &Line, checkout: Option<&str>, order: Option<String>) -> EventData {
    let sale = matches!(line.what(), "checkout" | "update" | "order");
    let currency = Currency::parse("GBP").unwrap();
    let value = line.option("value").or(sale.then_some("57.00"));
    let items = line.number("items").unwrap_or(u32::from(sale));
    let mut data = EventData {
        checkout_id: checkout.map(str::to_owned),
        cart_id: line.option("cart").map(str::to_owned),
        order_number: order.as_ref().map(|id| format!("#{id}")),
        order_id: order,
        value: value.map(|text| Money::parse(text, currency).unwrap()),
        items: (1..=items).map(item).collect(),
        url: Some("https://northfold.example/go".to_owned()),
        ..EventData::default()
    };
    if let Some(score) = line.number("score") {
        data.properties.insert("score".to_owned(), score.into());
    }
    if line.what() == "request" {
        data.properties.insert("journey".to_owned(), line.word(1).into());
    }
    if let Some(date) = line.option("delivery") {
        data.properties.insert("delivery".to_owned(), date.into());
    }
    if let Some(bytes) = line.number("bulk") {
        let text = "x".repeat(bytes as usize);
        data.properties.insert("note".to_owned(), text.into());
    }
    data
}

fn item(number: u32) -> LineItem {
    LineItem {
        title: format!("Mug {number}"),
        variant: None,
        quantity: 1,
        price: None,
        sku: None,
        product_id: Some(number.to_string()),
        variant_id: None,
        image_url: None,
        url: None,
    }
}
