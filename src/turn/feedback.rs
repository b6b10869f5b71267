//! What providers, and our own links, tell of mails that were taken: the ledger learns how far each came, its contact what follows from it.
//!
//! A message's row holds all that was told, so it is also what a repetition is known by: an event that tells nothing new
//! writes nothing. Only the first open and the first click of a person are news to the journeys; a bounce or a complaint ends
//! the address. Who sent the event is known to be the provider: `providers::events` proved it.

use super::call::{Forward, ForwardBody, Heard, Ingest};
use super::choice::{By, Choice};
use super::forward::Received;
use super::unsubscribe::own_event;
use super::{Error, Home, Loaded, Turn, seen};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::delivery_state::{Actor, DeliveryState};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::Identifier;
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::message::MessageState;
use crate::domain::objection::Objection;
use crate::domain::time::Timestamp;
use crate::engine::address_health::{Cause, Change};
use crate::engine::decision::{Decision, Input, Settlement};
use crate::engine::machine::{self, Known, Sighting};
use crate::engine::state::Facts;
use crate::store;
use crate::store::dead_letter::DeadLetter;
use crate::store::message::Stored;
use std::sync::Arc;

/// Most messages of a contact searched for one that the provider names by its own id only.
const MESSAGES_SEARCHED: u32 = 200;

/// What one event came to.
enum Fate {
    New,
    Repeated,
    /// Of no message and nobody we know.
    Unknown,
}

impl Turn<'_> {
    /// Takes in what a provider told, event by event: one that fails is put aside with its reason and keeps no other from
    /// being heard. An event about somebody of another shard is passed on.
    ///
    /// # Errors
    /// When storage fails.
    pub fn hear_all(&self, events: &[DeliveryEvent]) -> Result<Heard, Error> {
        let mut heard = Heard::default();
        for event in events {
            self.take_in(event, &clicks_beside(event, events), &mut heard)?;
        }
        Ok(heard)
    }

    /// One event, with the clicks on the same message that are known besides.
    pub(super) fn take_in(
        &self,
        event: &DeliveryEvent,
        clicks: &[Click<'_>],
        heard: &mut Heard,
    ) -> Result<(), Error> {
        let count = match self.hear(event, clicks) {
            Ok(Fate::New) => &mut heard.new,
            Ok(Fate::Repeated) => &mut heard.repeated,
            Ok(Fate::Unknown) => &mut heard.unknown,
            Err(error) => {
                self.set_event_aside(event, &error)?;
                &mut heard.failed
            }
        };
        *count = count.saturating_add(1);
        Ok(())
    }

    /// One event that another shard passed on to whom it is about.
    pub(super) fn hear_forwarded(
        &self,
        to: &IdentifierHash,
        event: &DeliveryEvent,
    ) -> Result<Received, Error> {
        match self.find(&to.clone().into())? {
            Home::Elsewhere(contact) => Ok(Received::Elsewhere(contact.into())),
            Home::Here(loaded) if loaded.is_new() => Ok(Received::Done),
            Home::Here(loaded) => {
                self.hear_of_contact(*loaded, event, &[])?;
                Ok(Received::Done)
            }
        }
    }

    fn hear(&self, event: &DeliveryEvent, clicks: &[Click<'_>]) -> Result<Fate, Error> {
        if let Some(message) = &event.message {
            return match store::message::get(self.sql, message)? {
                Some(stored) => self.hear_of_message(event, stored, clicks),
                // Its row is gone by age; what it says of the address still holds.
                None if event.kind.is_about_address() => self.hear_of_recipient(event, clicks),
                None => Ok(Fate::Unknown),
            };
        }
        self.hear_of_recipient(event, clicks)
    }

    fn hear_of_recipient(&self, event: &DeliveryEvent, clicks: &[Click<'_>]) -> Result<Fate, Error> {
        let Some(email) = &event.recipient else {
            return Ok(Fate::Unknown);
        };
        // An identifier's hash leads to whose it is.
        let contact = ContactId::from(self.hash(&Identifier::email(email)));
        match self.find(&contact)? {
            Home::Elsewhere(contact) => self.pass_on_event(event, contact),
            Home::Here(loaded) if loaded.is_new() => Ok(Fate::Unknown),
            Home::Here(loaded) => self.hear_of_contact(*loaded, event, clicks),
        }
    }

    /// An event that came by its recipient: of a message that the provider names by its own id, or of the address alone.
    fn hear_of_contact(
        &self,
        loaded: Loaded,
        event: &DeliveryEvent,
        clicks: &[Click<'_>],
    ) -> Result<Fate, Error> {
        match self.by_provider_id(&loaded.contact.id, event)? {
            Some(stored) => self.hear_of_message(event, stored, clicks),
            None => self.hear_of_address(loaded, event),
        }
    }

    fn by_provider_id(&self, contact: &ContactId, event: &DeliveryEvent) -> Result<Option<Stored>, Error> {
        let Some(id) = &event.provider_message else {
            return Ok(None);
        };
        let held = store::message::of_contact(self.sql, contact, MESSAGES_SEARCHED)?;
        Ok(held
            .into_iter()
            .find(|stored| stored.message.provider_id.as_ref() == Some(id)))
    }

    fn pass_on_event(&self, event: &DeliveryEvent, to: ContactId) -> Result<Fate, Error> {
        self.forward(&Forward {
            id: format!("delivery:{}", event.id),
            to: to.into(),
            body: ForwardBody::Delivery(Box::new(event.clone())),
        })?;
        Ok(Fate::New)
    }

    fn hear_of_message(
        &self,
        event: &DeliveryEvent,
        stored: Stored,
        clicks: &[Click<'_>],
    ) -> Result<Fate, Error> {
        let held = stored.delivery;
        let actor = actor(event, &stored, clicks);
        let told = held.join(DeliveryState::of(event.kind, event.occurred_at, actor));
        if told == held {
            return Ok(Fate::Repeated);
        }
        if !stored.message.state.is_final() {
            self.settle_taken(event, &stored)?;
        }
        // First what may fail; the row that makes a repetition of this event comes last.
        let news = News {
            first_open: held.opened_at.is_none() && held.clicked_at.is_none() && told.opened_at.is_some(),
            first_click: held.clicked_at.is_none() && told.clicked_at.is_some(),
        };
        match self.find(&stored.contact)? {
            Home::Here(loaded) if loaded.is_new() => {}
            Home::Here(loaded) => self.tell_contact(*loaded, event, &stored, (actor, news))?,
            Home::Elsewhere(contact) => self.tell_elsewhere(contact, event, &stored, news)?,
        }
        store::message::tell(self.sql, &stored.contact, &stored.message.id, told)?;
        Ok(Fate::New)
    }

    /// Whatever became of the answer to our request: the provider has the message.
    fn settle_taken(&self, event: &DeliveryEvent, stored: &Stored) -> Result<(), Error> {
        let Home::Here(loaded) = self.find(&stored.contact)? else {
            return Ok(());
        };
        // Our own link knows no provider, but whose request is out.
        let held = if seen::is_own(event) {
            store::dispatch::provider_of(self.sql, &stored.message.id)?
        } else {
            None
        };
        let how = Settlement::Accepted {
            provider: held.unwrap_or_else(|| event.provider().to_owned()),
            provider_id: event.provider_message.clone(),
        };
        let message = stored.message.id.clone();
        self.settle(*loaded, &Facts::default(), &Input::Settled { message, how })?;
        Ok(())
    }

    fn tell_contact(
        &self,
        mut loaded: Loaded,
        event: &DeliveryEvent,
        stored: &Stored,
        (actor, news): (Actor, News),
    ) -> Result<(), Error> {
        loaded = self.hear_health(loaded, event, actor)?;
        if event.kind == DeliveryKind::Unsubscribed {
            return match &event.recipient {
                Some(_) => self.hear_of_address(loaded, event).map(|_| ()),
                None => self.withdraw_all(loaded, &stored.message.id, &By::default()),
            };
        }
        let Some(event) = self.news_of(event, stored, news) else {
            return Ok(());
        };
        let mut facts = store::load_facts(self.sql, &loaded.contact.id, Some(&event), false)?;
        // The message's row keeps it.
        facts.in_ledger = true;
        self.settle(loaded, &facts, &Input::Event(Arc::new(event)))?;
        Ok(())
    }

    /// The contact was merged into one of another shard: what concerns it goes there.
    fn tell_elsewhere(
        &self,
        contact: ContactId,
        event: &DeliveryEvent,
        stored: &Stored,
        news: News,
    ) -> Result<(), Error> {
        let message = &stored.message.id;
        if event.kind == DeliveryKind::Unsubscribed && event.recipient.is_none() {
            return self.pass_on(
                contact,
                (message, &stored.contact),
                &Choice::Unsubscribe,
                &By::default(),
            );
        }
        let Some(news) = self.news_of(event, stored, news) else {
            return match event.recipient {
                Some(_) => self.pass_on_event(event, contact).map(|_| ()),
                None => Ok(()),
            };
        };
        let ingest = Ingest {
            identifiers: Vec::new(),
            event: Arc::new(news),
            known: Vec::new(),
            bought: false,
            objections: Vec::new(),
            erased_at: None,
            contact: Some(contact.clone()),
            released: false,
            named_at: None,
        };
        self.forward(&Forward {
            id: format!("delivery:{}", event.id),
            to: IdentifierHash::from(contact),
            body: ForwardBody::Event(Box::new(ingest)),
        })
    }

    /// What an event says of an address whose message nobody can name.
    fn hear_of_address(&self, loaded: Loaded, event: &DeliveryEvent) -> Result<Fate, Error> {
        let before = loaded.contact.addresses.clone();
        let after = self.hear_health(loaded, event, Actor::Machine)?;
        if event.kind != DeliveryKind::Unsubscribed {
            let is_known = before == after.contact.addresses;
            return Ok(if is_known { Fate::Repeated } else { Fate::New });
        }
        let said = (ConsentState::Unsubscribed, "provider");
        let withdrawn = self.about_address(event, EventKind::Unsubscribed, event.recipient.clone(), said);
        let facts = store::load_facts(self.sql, &after.contact.id, Some(&withdrawn), false)?;
        if facts.seen {
            return Ok(Fate::Repeated);
        }
        self.settle(after, &facts, &Input::Event(Arc::new(withdrawn)))?;
        Ok(Fate::New)
    }

    /// Keeps what bounces and deliveries say of the address, and suppresses it when that is too much.
    fn hear_health(&self, mut loaded: Loaded, event: &DeliveryEvent, actor: Actor) -> Result<Loaded, Error> {
        let email = match &event.recipient {
            Some(email) => Some(email.clone()),
            None => loaded.contact.address().map(|address| address.email.clone()),
        };
        // Mail to the store's own people goes to none of the contact's addresses.
        let Some(email) = email else { return Ok(loaded) };
        let mut contact = loaded.contact.clone();
        let Some(address) = contact.address_mut(&email) else {
            return Ok(loaded);
        };
        match address.health.hear(event.kind, event.occurred_at, actor) {
            Change::Nothing => Ok(loaded),
            Change::Noted => self.write(
                loaded,
                Decision {
                    contact,
                    changes: Vec::new(),
                    effects: Vec::new(),
                    remarks: Vec::new(),
                },
            ),
            Change::Suppress(_) if planted!(BounceForgotten) => Ok(loaded),
            Change::Suppress(cause) => {
                loaded.contact = contact;
                let said = (ConsentState::Suppressed, cause.ground().as_str());
                let news = self.about_address(event, ended_by(cause), Some(email.clone()), said);
                let facts = store::load_facts(self.sql, &loaded.contact.id, Some(&news), false)?;
                let (loaded, _) = self.settle(loaded, &facts, &Input::Event(Arc::new(news)))?;
                let objection = Objection {
                    ground: cause.ground(),
                    at: self.now,
                };
                self.object(&self.hash(&Identifier::email(&email)), objection)?;
                Ok(loaded)
            }
        }
    }

    /// What an event is to the journeys; none when it is nothing new to them.
    fn news_of(&self, event: &DeliveryEvent, stored: &Stored, news: News) -> Option<Event> {
        let kind = match event.kind {
            DeliveryKind::Opened if news.first_open => EventKind::EmailOpened,
            DeliveryKind::Clicked if news.first_click => EventKind::EmailClicked,
            DeliveryKind::Opened
            | DeliveryKind::Clicked
            | DeliveryKind::Delivered
            | DeliveryKind::Deferred
            | DeliveryKind::SoftBounce
            | DeliveryKind::HardBounce
            | DeliveryKind::Complaint
            | DeliveryKind::Unsubscribed
            | DeliveryKind::ProviderSuppressed
            | DeliveryKind::Failed => return None,
        };
        let mut read = own_event(event.id.clone(), kind, self.now);
        read.occurred_at = event.occurred_at;
        read.data.message_id = Some(stored.message.id.to_string());
        read.data.url = event.url.as_ref().map(|url| url.as_str().to_owned());
        read.data.enrollment_id = Some(stored.message.enrollment.clone());
        Some(read)
    }

    fn about_address(
        &self,
        event: &DeliveryEvent,
        kind: EventKind,
        email: Option<EmailAddress>,
        (state, method): (ConsentState, &str),
    ) -> Event {
        let signal = ConsentSignal {
            state,
            grade: ConsentGrade::Explicit,
            at: event.occurred_at,
            method: Some(method.to_owned()),
            text: None,
            ip: None,
            agent: None,
            actor: Some("provider".to_owned()),
        };
        let mut told = own_event(event.id.clone(), kind, self.now);
        told.occurred_at = event.occurred_at;
        told.email = email;
        told.consent = Some(signal);
        told
    }

    fn set_event_aside(&self, event: &DeliveryEvent, error: &Error) -> Result<(), Error> {
        let letter = DeadLetter {
            id: format!("delivery:{}", event.id),
            at: self.now,
            what: "delivery".to_owned(),
            reason: error.to_string(),
            body: serde_json::to_string(event)?,
        };
        Ok(store::dead_letter::put(self.sql, &letter)?)
    }
}

/// Whether this is the first time that a person did it.
#[derive(Clone, Copy)]
struct News {
    first_open: bool,
    first_click: bool,
}

pub(super) type Click<'a> = (Timestamp, &'a str);

/// Other clicks on the same message that came with this event.
fn clicks_beside<'a>(event: &DeliveryEvent, all: &'a [DeliveryEvent]) -> Vec<Click<'a>> {
    if event.kind != DeliveryKind::Clicked {
        return Vec::new();
    }
    let same = all.iter().filter(|other| {
        other.kind == DeliveryKind::Clicked
            && other.id != event.id
            && other.message == event.message
            && other.provider_message == event.provider_message
    });
    let links = same.filter_map(|other| Some((other.occurred_at, other.url.as_ref()?.as_str())));
    links.collect()
}

fn actor(event: &DeliveryEvent, stored: &Stored, clicks: &[Click<'_>]) -> Actor {
    let is_taken = stored.message.state == MessageState::Accepted;
    let taken_at = stored.message.settled_at.filter(|_| is_taken);
    let known = Known {
        delivered_at: stored.delivery.delivered_at.or(taken_at),
        clicks,
    };
    Sighting::of(event).map_or(Actor::Person, |seen| machine::judge(&seen, &known).actor())
}

fn ended_by(cause: Cause) -> EventKind {
    match cause {
        Cause::Complaint => EventKind::EmailComplained,
        Cause::Provider | Cause::SoftBounces | Cause::HardBounce => EventKind::EmailBounced,
    }
}
