//! What somebody chooses by a link in a mail: no more marketing, other marketing, or yes after all.
//!
//! The edge proves the token and calls; here the mail leads to its contact, wherever merges brought them, and the choice
//! is an event like any other, in one turn. Choosing the same again writes nothing.

use super::answer::{Given, Revealed};
use super::call::{Answer, Forward, ForwardBody};
use super::forward::Received;
use super::unsubscribe::own_event;
use super::{Error, Home, Loaded, Turn, merge};
use crate::domain::consent::{CONFIRM_WITHIN, ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{ContactId, EventId, IdentifierHash, MessageId};
use crate::domain::preferences::{PreferenceChange, Preferences};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::Input;
use crate::engine::ids;
use crate::engine::state::Address;
use crate::render::links::Mark;
use crate::store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a click waits for what a merge brings, where somebody was erased who may have had it.
const LOST_AFTER: Delay = Delay::from_days(1);

/// What a link in a mail can be used for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// No marketing to any address: which of them the mail reached does not matter.
    #[default]
    Unsubscribe,
    Prefer {
        change: PreferenceChange,
        /// The language to write in from now on.
        locale: Option<String>,
    },
    /// Marketing after all, to the address that the mail went to.
    Subscribe(Mark),
    /// It was me who asked for marketing to the address that the mail went to.
    Confirm(Mark),
    /// The answer to a question of the mail.
    Answer(Given),
    /// A gift of the mail, opened.
    Reveal(Revealed),
}

/// Who acted, as far as the request tells: proof for the ledger of consent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct By {
    pub ip: Option<String>,
    pub agent: Option<String>,
    /// A mail client's own button (RFC 8058), and not one of our pages.
    pub one_click: bool,
    /// When, if not now: a click that was passed on to another shard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What became of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    Done,
    /// Its contact was merged and is asked in another turn: what will come of it nobody knows yet.
    Passed,
    /// Nobody is known by the mail, or not by the address it went to.
    NotFound,
    /// It is too late to confirm, or was taken back meanwhile.
    Expired,
}

/// What holds for a contact, for their own eyes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Who it is, after merges.
    pub contact: Option<ContactId>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    pub preferences: Preferences,
    /// What holds for the address that is written to: its own consent, or the no of its person.
    pub consent: ConsentState,
    /// The codes of the gifts that were opened, by any of those who are this person now.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gifts: BTreeMap<String, String>,
}

impl Turn<'_> {
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn choose(&self, message: &MessageId, choice: &Choice, by: &By) -> Result<Chosen, Error> {
        let Some(stored) = store::message::get(self.sql, message)? else {
            return Ok(Chosen::NotFound);
        };
        let to = match self.find(&stored.contact)? {
            Home::Here(loaded) if loaded.is_new() || loaded.is_erased() => return Ok(Chosen::NotFound),
            Home::Here(loaded) if self.has_taken(&loaded, &stored.contact)? => {
                return self.apply_choice(*loaded, message, choice, by);
            }
            Home::Here(loaded) => loaded.contact.id,
            Home::Elsewhere(contact) => contact,
        };
        self.pass_on(to, (message, &stored.contact), choice, by)?;
        Ok(Chosen::Passed)
    }

    /// Whether the contact is the one that the mail went to, or has taken it over with all of its addresses.
    fn has_taken(&self, loaded: &Loaded, of: &ContactId) -> Result<bool, Error> {
        let own = &loaded.contact.id;
        Ok(own == of || store::event::seen(self.sql, own, &merge::marker_id(of)?)?)
    }

    /// The contact was merged: its addresses may still be on their way to the one that is left, and the click waits for
    /// them.
    pub(super) fn pass_on(
        &self,
        to: ContactId,
        (message, loser): (&MessageId, &ContactId),
        choice: &Choice,
        by: &By,
    ) -> Result<(), Error> {
        let what = ids::digest(&serde_json::to_string(choice)?);
        self.forward(&Forward {
            // A no after a yes is not the no before it.
            id: format!("choice:{message}:{}:{what}", self.now.as_millis()),
            to: to.into(),
            body: ForwardBody::Choose {
                message: message.clone(),
                loser: loser.clone(),
                choice: choice.clone(),
                by: By {
                    at: Some(by.at.unwrap_or(self.now)),
                    ..by.clone()
                },
            },
        })
    }

    /// A click on a link whose contact was merged into one of this shard's.
    pub(super) fn choose_merged(
        &self,
        to: &IdentifierHash,
        (message, loser): (&MessageId, &ContactId),
        choice: &Choice,
        by: &By,
    ) -> Result<Received, Error> {
        let loaded = match self.find(&to.clone().into())? {
            Home::Elsewhere(contact) => return Ok(Received::Elsewhere(contact.into())),
            Home::Here(loaded) => *loaded,
        };
        if loaded.is_erased() {
            return Ok(Received::Done);
        }
        if !self.has_taken(&loaded, loser)? {
            let said = by.at.unwrap_or(self.now);
            match (loaded.contact.erased_at, choice) {
                (None, _) => return Ok(Received::NotYet),
                // What an erasure took does not arrive any more.
                (Some(at), _) if said <= at => return Ok(Received::Done),
                (Some(_), _) if self.now.since(said) <= LOST_AFTER => return Ok(Received::NotYet),
                // It holds for whoever they are by now; the others ask for an address, or a taste, that never came.
                (Some(_), Choice::Unsubscribe) => {}
                (
                    Some(_),
                    Choice::Prefer { .. }
                    | Choice::Subscribe(_)
                    | Choice::Confirm(_)
                    | Choice::Answer(_)
                    | Choice::Reveal(_),
                ) => {
                    return Ok(Received::Done);
                }
            }
        }
        self.apply_choice(loaded, message, choice, by)?;
        Ok(Received::Done)
    }

    /// What holds for whom a mail went to. Writes nothing.
    pub(super) fn standing(&self, message: &MessageId, of: Option<ContactId>) -> Result<Answer, Error> {
        let of = match of {
            Some(contact) => Some(contact),
            None => store::message::get(self.sql, message)?.map(|stored| stored.contact),
        };
        let Some(of) = of else {
            return Ok(Answer::Standing(None));
        };
        Ok(match self.find(&of)? {
            Home::Elsewhere(contact) => Answer::Found(contact),
            Home::Here(loaded) if loaded.is_new() || loaded.is_erased() => Answer::Standing(None),
            Home::Here(loaded) => {
                let contact = loaded.contact;
                let consent = contact.address().map(|address| match address.consent.state {
                    ConsentState::Unknown | ConsentState::Subscribed if contact.objects_to(address) => {
                        ConsentState::Unsubscribed
                    }
                    held @ (ConsentState::Unknown
                    | ConsentState::Pending
                    | ConsentState::Subscribed
                    | ConsentState::Unsubscribed
                    | ConsentState::Suppressed) => held,
                });
                Answer::Standing(Some(Box::new(Standing {
                    gifts: self.gifts_of(&contact.id)?,
                    contact: Some(contact.id),
                    locale: contact.profile.locale.clone(),
                    timezone: contact.profile.timezone.clone(),
                    consent: consent.unwrap_or_default(),
                    preferences: contact.preferences,
                })))
            }
        })
    }

    fn apply_choice(
        &self,
        loaded: Loaded,
        message: &MessageId,
        choice: &Choice,
        by: &By,
    ) -> Result<Chosen, Error> {
        match choice {
            Choice::Unsubscribe => self.withdraw_all(loaded, message, by).map(|()| Chosen::Done),
            Choice::Prefer { change, locale } => self.prefer(loaded, message, (change, locale.as_deref())),
            Choice::Subscribe(mark) => self.say_yes(loaded, message, mark, by, Yes::Again),
            Choice::Confirm(mark) => self.say_yes(loaded, message, mark, by, Yes::Confirmed),
            Choice::Answer(given) => self.answer(loaded, message, given, by),
            Choice::Reveal(revealed) => self.reveal(loaded, message, revealed, by),
        }
    }

    fn prefer(
        &self,
        loaded: Loaded,
        message: &MessageId,
        (change, locale): (&PreferenceChange, Option<&str>),
    ) -> Result<Chosen, Error> {
        let contact = &loaded.contact;
        let mut after = contact.preferences.clone();
        after.apply(change);
        let locale = locale.filter(|locale| contact.profile.locale.as_deref() != Some(*locale));
        if after == contact.preferences && locale.is_none() {
            return Ok(Chosen::Done);
        }
        let what = ids::digest(&serde_json::to_string(&(change, locale))?);
        let id = format!("preferences:{message}:{}:{what}", self.now.as_millis());
        let mut event = own_event(EventId::parse(&id)?, EventKind::PreferencesUpdated, self.now);
        event.preferences = Some(change.clone());
        event.profile.locale = locale.map(str::to_owned);
        self.tell(loaded, event)?;
        Ok(Chosen::Done)
    }

    fn say_yes(
        &self,
        loaded: Loaded,
        message: &MessageId,
        mark: &Mark,
        by: &By,
        yes: Yes,
    ) -> Result<Chosen, Error> {
        let keys = self.settings.link_keys.as_ref();
        let mut addresses = loaded.contact.addresses.iter();
        let address =
            addresses.find(|address| keys.is_some_and(|keys| keys.is_mark_of(mark, &address.email)));
        let Some(address) = address else {
            return Ok(Chosen::NotFound);
        };
        match (address.consent.state, yes) {
            (ConsentState::Subscribed, _) if address.consent.is_explicit_yes() => return Ok(Chosen::Done),
            (ConsentState::Suppressed, _) | (ConsentState::Unsubscribed, Yes::Confirmed) => {
                return Ok(Chosen::Expired);
            }
            (ConsentState::Pending, Yes::Confirmed) if self.is_stale(address) => return Ok(Chosen::Expired),
            // A yes that was only implied does not lift the no of another address; this one does.
            (
                ConsentState::Subscribed
                | ConsentState::Unsubscribed
                | ConsentState::Pending
                | ConsentState::Unknown,
                _,
            ) => {}
        }
        let asked = address.consent.evidence.as_ref();
        let signal = ConsentSignal {
            state: ConsentState::Subscribed,
            grade: ConsentGrade::Explicit,
            at: by.at.unwrap_or_else(|| after_no(self.now, address)),
            method: Some(yes.method().to_owned()),
            // What was agreed to is what the request said.
            text: asked.and_then(|(signal, _)| signal.text.clone()),
            ip: by.ip.clone(),
            agent: by.agent.clone(),
            actor: Some("contact".to_owned()),
        };
        let id = format!("{}:{message}:{}", yes.method(), self.now.as_millis());
        let mut event = own_event(EventId::parse(&id)?, yes.kind(), self.now);
        event.email = Some(address.email.clone());
        let to = address.email.clone();
        event.consent = Some(signal);
        let told = self.tell(loaded, event)?;
        let held = told.contact.address_of(&to);
        let holds = held.is_some_and(|held| held.consent.is_explicit_yes());
        // A click that was passed on may have been overtaken by a no.
        Ok(if holds { Chosen::Done } else { Chosen::Expired })
    }

    fn is_stale(&self, address: &Address) -> bool {
        let asked = address.consent.evidence.as_ref().map(|(signal, _)| signal.at);
        asked.is_some_and(|at| self.now.since(at) > CONFIRM_WITHIN)
    }

    pub(super) fn tell(&self, loaded: Loaded, event: Event) -> Result<Loaded, Error> {
        let facts = store::load_facts(self.sql, &loaded.contact.id, Some(&event), false)?;
        let (loaded, _) = self.settle(loaded, &facts, &Input::Event(Arc::new(event)))?;
        Ok(loaded)
    }
}

/// When a yes by a link is said that comes now: after the no that it finds, whichever clock dated that.
fn after_no(now: Timestamp, address: &Address) -> Timestamp {
    let no = address.consent.no_at();
    no.map_or(now, |at| now.max(at.plus(Delay::from_millis(1))))
}

/// In which of the ways somebody says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Yes {
    /// On the page of preferences, after a no.
    Again,
    /// By the link of double opt-in.
    Confirmed,
}

impl Yes {
    const fn method(self) -> &'static str {
        match self {
            Self::Again => "preference_centre",
            Self::Confirmed => "double_opt_in",
        }
    }

    const fn kind(self) -> EventKind {
        match self {
            Self::Again => EventKind::ContactUpdated,
            Self::Confirmed => EventKind::ConsentConfirmed,
        }
    }
}
