//! An event arrives: find whom it concerns, decide, write, and remember what else must happen elsewhere.

use super::call::{Forward, ForwardBody, Ingest, Ingested, Touch};
use super::{Error, Home, Loaded, Turn};
use crate::domain::event::Event;
use crate::domain::identity::IdentifierKind;
use crate::domain::ids::{ContactId, EventId, IdentifierHash};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::{CheckoutTaken, Input};
use crate::engine::identity::{Hashed, Resolution, others_of_checkout, resolve, route};
use crate::engine::keys::checkout_keys;
use crate::engine::state::Contact;
use crate::store;
use crate::store::dead_letter::{self, DeadLetter};
use crate::store::directory::{self, Claim, Entry};
use crate::store::parked::{self, Parking};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Known = BTreeMap<IdentifierHash, ContactId>;

/// Where an event's identifiers lead.
struct Leads {
    /// As their rows say.
    stored: Known,
    /// Followed to the contact that is left, as far as this shard can tell.
    known: Known,
    /// One of its checkouts was bought.
    bought: bool,
}

impl Turn<'_> {
    /// Another shard's identifiers of an event: tells what is known, claims what is not, closes what was bought.
    ///
    /// # Errors
    /// When storage fails.
    pub fn touch(&self, touch: &Touch) -> Result<(Known, bool), Error> {
        let hashes: Vec<IdentifierHash> = touch.identifiers.iter().map(|(hash, _)| hash.clone()).collect();
        let rows = directory::lookup(self.sql, &hashes)?;
        let bought = rows.iter().any(|row| row.closed_at.is_some());
        let known: Known = owners(rows).collect();
        for (hash, kind) in &touch.identifiers {
            // Closed first: a new row is then written once, as it stays.
            if let (Some(at), true) = (touch.bought_at, is_checkout(*kind)) {
                self.close(hash, *kind, known.get(hash).or(touch.founder.as_ref()), at)?;
            }
            if let (None, Some(founder)) = (known.get(hash), &touch.founder) {
                self.claim(hash, *kind, founder)?;
            }
        }
        Ok((known, bought))
    }

    /// # Errors
    /// When storage fails, or the contact's document cannot be read or has grown too large.
    pub fn ingest(&self, ingest: &Ingest) -> Result<Ingested, Error> {
        let Leads {
            stored,
            mut known,
            bought,
        } = self.leads(ingest)?;
        let contact = match &ingest.contact {
            Some(contact) => contact.clone(),
            None => match resolve(&ingest.identifiers, &known) {
                Resolution::Contact(contact) => contact,
                Resolution::Same { winner, losers } => return Ok(Ingested::Same { winner, losers }),
                Resolution::Park => return self.park(ingest),
                Resolution::Nobody => return Ok(Ingested::Ignored),
            },
        };
        match self.find(&contact)? {
            Home::Elsewhere(contact) => Ok(Ingested::Elsewhere(contact)),
            Home::Here(loaded) if is_of_erased(&loaded, ingest) => Ok(Ingested::Ignored),
            Home::Here(loaded) => {
                let own = loaded.contact.id.clone();
                let aliases = self.aliases(&loaded.contact, ingest);
                known
                    .values_mut()
                    .filter(|id| **id == contact || aliases.contains(*id))
                    .for_each(|id| *id = own.clone());
                let leads = Leads {
                    stored,
                    known,
                    bought,
                };
                self.apply(*loaded, ingest, &leads)
            }
        }
    }

    /// Ids that lead to this contact: the founding ids of its identifiers, which other shards claimed rows for before
    /// it was known whose they are.
    fn aliases(&self, contact: &Contact, ingest: &Ingest) -> BTreeSet<ContactId> {
        let held = contact.identifiers.iter().filter(|held| held.kind.is_strong());
        let strong = ingest
            .identifiers
            .iter()
            .filter(|hashed| hashed.identifier.kind.is_strong());
        held.map(|identifier| self.hash(identifier))
            .chain(strong.map(|hashed| hashed.hash.clone()))
            .map(ContactId::from)
            .collect()
    }

    fn apply(&self, loaded: Loaded, ingest: &Ingest, leads: &Leads) -> Result<Ingested, Error> {
        let (event, known) = (&ingest.event, &leads.known);
        let own = loaded.contact.id.clone();
        let mut facts = store::load_facts(self.sql, &own, Some(event), leads.bought)?;
        if facts.seen {
            self.claim_unknown(&ingest.identifiers, known, &own)?;
            return Ok(Ingested::Duplicate);
        }
        facts.objection = self.objection(&loaded.contact, ingest)?;
        let (_, effects) = self.settle(loaded, &facts, &Input::Event(Arc::clone(event)))?;
        self.refer(&effects)?;
        self.claim_all(ingest, leads, &own)?;
        if !event.test {
            self.tell_others(ingest, known, &own)?;
        }
        Ok(Ingested::Applied)
    }

    /// What is known of the event's identifiers, here and by other shards' word.
    fn leads(&self, ingest: &Ingest) -> Result<Leads, Error> {
        let own: Vec<IdentifierHash> = ingest
            .identifiers
            .iter()
            .map(|hashed| hashed.hash.clone())
            .filter(|hash| self.holds(hash))
            .collect();
        let rows = directory::lookup(self.sql, &own)?;
        let bought = ingest.bought || rows.iter().any(|row| row.closed_at.is_some());
        let told = ingest.known.iter().cloned();
        let stored: Known = told.chain(owners(rows)).collect();
        let mut known = stored.clone();
        for contact in known.values_mut() {
            *contact = match self.find(contact)? {
                Home::Here(loaded) => loaded.contact.id.clone(),
                Home::Elsewhere(contact) => contact,
            };
        }
        Ok(Leads {
            stored,
            known,
            bought,
        })
    }

    /// Another topic may report the same event with an identifier that the first report lacked. Nothing else of a
    /// duplicate counts, and an exact one brings nothing unknown.
    fn claim_unknown(&self, identifiers: &[Hashed], known: &Known, own: &ContactId) -> Result<(), Error> {
        for Hashed { identifier, hash } in identifiers {
            if self.holds(hash) && !known.contains_key(hash) {
                self.claim(hash, identifier.kind, own)?;
            }
        }
        Ok(())
    }

    fn claim_all(&self, ingest: &Ingest, leads: &Leads, own: &ContactId) -> Result<(), Error> {
        let bought_at = ingest.event.closes_at();
        for Hashed { identifier, hash } in &ingest.identifiers {
            if let (Some(at), true, true) = (bought_at, is_checkout(identifier.kind), self.holds(hash)) {
                self.close(hash, identifier.kind, Some(own), at)?;
            }
            match leads.known.get(hash) {
                Some(contact) if contact == own => {}
                None if self.holds(hash) => self.claim(hash, identifier.kind, own)?,
                None if ingest.released => self.link(hash, identifier.kind, None, own)?,
                // Claimed for the founder by `touch`, in the same request.
                None => {}
                // A checkout goes on under the contact whose event it was last.
                Some(_) if is_checkout(identifier.kind) => {
                    self.link(hash, identifier.kind, leads.stored.get(hash), own)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Ends the enrollments that other contacts have for this event's checkout.
    fn tell_others(&self, ingest: &Ingest, known: &Known, own: &ContactId) -> Result<(), Error> {
        let event = &ingest.event;
        for other in others_of_checkout(&ingest.identifiers, known, own) {
            let taken = CheckoutTaken {
                keys: checkout_keys(event),
                event: event.id.clone(),
                at: event.occurred_at,
                bought: event.closes_at().is_some(),
                by: Some(own.clone()),
            };
            self.forward(&Forward {
                id: format!("taken:{other}:{}", event.id),
                to: IdentifierHash::from(other),
                body: ForwardBody::CheckoutTaken(taken),
            })?;
        }
        Ok(())
    }

    /// Claims an unknown identifier, and sends on the events that waited for it.
    pub(super) fn claim(
        &self,
        hash: &IdentifierHash,
        kind: IdentifierKind,
        contact: &ContactId,
    ) -> Result<(), Error> {
        let claim = Claim {
            hash: hash.clone(),
            kind,
            contact: contact.clone(),
        };
        let held = directory::claim(self.sql, &[claim], self.now)?;
        if held.iter().any(|entry| entry.owner().is_none()) {
            let stand_in = ContactId::from(hash.clone());
            directory::repoint(self.sql, std::slice::from_ref(hash), &stand_in, contact)?;
        }
        for event in parked::release(self.sql, hash, self.now)? {
            self.release(hash, event, contact)?;
        }
        Ok(())
    }

    /// Sends an event that waited under `hash` to the person of that identifier. Other identifiers of it may turn out to
    /// be somebody else's, perhaps at the same time in other shards: the row of the one it goes by decides, and is taken
    /// once.
    pub(super) fn release(
        &self,
        hash: &IdentifierHash,
        event: Event,
        contact: &ContactId,
    ) -> Result<(), Error> {
        let identifiers = self.hashed(&event);
        match route(&event, &identifiers).filter(|deciding| *deciding != hash) {
            None => self.send_released(event, identifiers, contact),
            Some(deciding) if self.holds(deciding) => self.release_parked(deciding, &event.id, contact),
            Some(deciding) => self.forward(&Forward {
                id: format!("release:{contact}:{}", event.id),
                to: deciding.clone(),
                body: ForwardBody::Release {
                    event: event.id.clone(),
                    contact: contact.clone(),
                },
            }),
        }
    }

    /// Sends a parked event to `contact`, unless it has gone to somebody.
    pub(super) fn release_parked(
        &self,
        deciding: &IdentifierHash,
        event: &EventId,
        contact: &ContactId,
    ) -> Result<(), Error> {
        match parked::take(self.sql, deciding, event, self.now)? {
            Some(event) => {
                let identifiers = self.hashed(&event);
                self.send_released(event, identifiers, contact)
            }
            None => Ok(()),
        }
    }

    fn send_released(
        &self,
        event: Event,
        identifiers: Vec<Hashed>,
        contact: &ContactId,
    ) -> Result<(), Error> {
        let ingest = Ingest {
            identifiers,
            event: event.into(),
            known: Vec::new(),
            bought: false,
            objections: Vec::new(),
            contact: Some(contact.clone()),
            released: true,
        };
        self.forward(&Forward {
            id: format!("parked:{contact}:{}", ingest.event.id),
            to: IdentifierHash::from(contact.clone()),
            body: ForwardBody::Event(Box::new(ingest)),
        })
    }

    fn close(
        &self,
        hash: &IdentifierHash,
        kind: IdentifierKind,
        contact: Option<&ContactId>,
        at: Timestamp,
    ) -> Result<(), Error> {
        // A checkout that nobody is known for yet still closes: its founding id stands in for the contact.
        let contact = contact.cloned().unwrap_or_else(|| ContactId::from(hash.clone()));
        Ok(directory::close(
            self.sql,
            &[Claim {
                hash: hash.clone(),
                kind,
                contact,
            }],
            at,
        )?)
    }

    /// Leads an identifier here: an unknown one, or one that led to `from`.
    fn link(
        &self,
        hash: &IdentifierHash,
        kind: IdentifierKind,
        from: Option<&ContactId>,
        to: &ContactId,
    ) -> Result<(), Error> {
        if let (true, Some(from)) = (self.holds(hash), from) {
            let hashes = std::slice::from_ref(hash);
            return Ok(directory::repoint(self.sql, hashes, from, to)?);
        }
        self.forward(&Forward {
            id: format!("link:{hash}:{to}"),
            to: hash.clone(),
            body: ForwardBody::Link {
                kind,
                from: from.cloned(),
                contact: to.clone(),
            },
        })
    }

    /// Keeps an event until one of its identifiers leads to somebody. What it bought is closed all the same: whoever
    /// left that cart must not be reminded of it.
    fn park(&self, ingest: &Ingest) -> Result<Ingested, Error> {
        let event = &ingest.event;
        let (own, foreign): (Vec<&Hashed>, Vec<&Hashed>) = ingest
            .identifiers
            .iter()
            .partition(|hashed| self.holds(&hashed.hash));
        // The row of the identifier it goes by decides to whom it is released, once: without it the others are not made.
        let deciding = route(event, &ingest.identifiers);
        let new = match deciding {
            Some(deciding) => self.park_under(deciding, event)?,
            None => false,
        };
        for Hashed { identifier, hash } in own {
            if new && Some(hash) != deciding {
                self.park_under(hash, event)?;
            }
            if let (Some(at), true) = (event.closes_at(), is_checkout(identifier.kind)) {
                self.close(hash, identifier.kind, None, at)?;
            }
        }
        // A repeated delivery was forwarded the first time.
        for Hashed { hash, .. } in foreign.into_iter().filter(|_| new) {
            self.forward(&Forward {
                id: format!("park:{hash}:{}", event.id),
                to: hash.clone(),
                body: ForwardBody::Park(Box::new(Event::clone(event))),
            })?;
        }
        Ok(Ingested::Parked)
    }

    /// Parks an event under one identifier; false when it is there already or does not fit.
    pub(super) fn park_under(&self, hash: &IdentifierHash, event: &Event) -> Result<bool, Error> {
        let reason = match parked::park(self.sql, hash, event, self.now)? {
            Parking::Kept => return Ok(true),
            Parking::Repeated => return Ok(false),
            Parking::Full => "too many events wait for the person of this identifier",
            Parking::TooLarge => "the event is too large to wait for its person",
        };
        let id = format!("parked:{hash}:{}", event.id);
        let letter = DeadLetter::of_event(id, event, reason, self.now)?;
        dead_letter::put(self.sql, &letter)?;
        Ok(false)
    }
}

/// Whether an event is about somebody who was erased: it happened before that, or it comes by a cart or an order whose
/// person is nobody now. A source writes its times by the second.
fn is_of_erased(loaded: &Loaded, ingest: &Ingest) -> bool {
    let (event, contact) = (&ingest.event, &loaded.contact);
    let names_somebody = || {
        let mut named = ingest.identifiers.iter();
        named.any(|hashed| hashed.identifier.kind.is_strong())
    };
    contact.erased_at.is_some_and(|at| {
        let is_old = event.received_at <= at || event.occurred_at.plus(Delay::from_seconds(1)) <= at;
        is_old || (loaded.is_erased() && !names_somebody())
    })
}

/// Whom identifiers lead to; those that were only closed lead to nobody.
fn owners(rows: Vec<Entry>) -> impl Iterator<Item = (IdentifierHash, ContactId)> {
    rows.into_iter().filter_map(|row| {
        let owner = row.owner().cloned()?;
        Some((row.hash, owner))
    })
}

const fn is_checkout(kind: IdentifierKind) -> bool {
    matches!(kind, IdentifierKind::Checkout | IdentifierKind::Cart)
}
