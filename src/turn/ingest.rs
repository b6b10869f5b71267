//! An event arrives: find whom it concerns, decide, write, and remember what else must happen elsewhere.

use super::call::{Forward, ForwardBody, Ingest, Ingested, Touch};
use super::{Error, Home, Loaded, Turn};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::objection::{Ground, Objection};
use crate::domain::time::Timestamp;
use crate::engine::decision::{CheckoutTaken, Input};
use crate::engine::identity::{Hashed, Resolution, others_of_checkout, resolve, route};
use crate::engine::keys::checkout_keys;
use crate::engine::state::{Contact, Facts};
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
    /// What is held against its address.
    objection: Option<Objection>,
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
        let claims = touch.identifiers.iter().filter_map(|(hash, kind)| {
            let owner = known.get(hash).or(touch.founder.as_ref());
            claim_of(hash, *kind, owner, known.contains_key(hash), touch.bought_at)
        });
        self.claim_as_of(&claims.collect::<Vec<_>>(), touch.named_at)?;
        Ok((known, bought))
    }

    /// # Errors
    /// When storage fails, or the contact's document cannot be read or has grown too large.
    pub fn ingest(&self, ingest: &Ingest) -> Result<Ingested, Error> {
        if self.is_from_before(ingest)? {
            return Ok(Ingested::Ignored);
        }
        let Leads {
            stored,
            mut known,
            bought,
            objection,
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
            Home::Here(loaded) if is_of_erased(&loaded, ingest, objection) => Ok(Ingested::Ignored),
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
                    objection,
                };
                self.apply(*loaded, ingest, &leads)
            }
        }
    }

    /// When somebody was erased last who had one of these: the founding id of each is a tombstone, in the shard of its hash.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) fn erased_at(
        &self,
        identifiers: &[(IdentifierHash, IdentifierKind)],
    ) -> Result<Option<Timestamp>, Error> {
        let strong = identifiers.iter().filter(|(_, kind)| kind.is_strong());
        let ids: Vec<ContactId> = strong.map(|(hash, _)| ContactId::from(hash.clone())).collect();
        Ok(store::contact::erased_at(self.sql, &ids)?)
    }

    /// Whether an event tells of before the erasure of somebody whom one of its identifiers named: whatever else it names,
    /// it would bring back what was erased. A list that was kept elsewhere is from before, whenever it is imported.
    fn is_from_before(&self, ingest: &Ingest) -> Result<bool, Error> {
        let own = ingest
            .identifiers
            .iter()
            .filter(|hashed| self.holds(&hashed.hash));
        let own: Vec<_> = own
            .map(|hashed| (hashed.hash.clone(), hashed.identifier.kind))
            .collect();
        let erased = self.erased_at(&own)?.max(ingest.erased_at);
        Ok(erased.is_some_and(|at| is_before(&ingest.event, at)))
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
        let held = loaded
            .contact
            .erased_at
            .map(|_| loaded.contact.identifiers.clone());
        let mut facts = match &loaded.row {
            Some(_) => store::load_facts(self.sql, &own, Some(event), leads.bought)?,
            // Nothing is stored of somebody without a row.
            None => Facts {
                checkout_closed: leads.bought,
                ..Facts::default()
            },
        };
        if (facts.seen || self.is_known_checkout(&own, event)?) && !planted!(DuplicateCounts) {
            self.claim_unknown(&ingest.identifiers, known, &own)?;
            return Ok(Ingested::Duplicate);
        }
        // The contact's own word on an address that it has is newer.
        let has = |email| loaded.contact.address_of(email).is_some();
        facts.objection = leads.objection.filter(|_| !event.email.as_ref().is_some_and(has));
        let (_, effects) = self.settle(loaded, &facts, &Input::Event(Arc::clone(event)))?;
        self.refer(&effects)?;
        self.claim_all(ingest, leads, &own)?;
        if let Some(held) = held {
            self.claim_anew(ingest, leads, &own, &held)?;
        }
        if !event.test {
            self.tell_others(ingest, known, &own)?;
        }
        Ok(Ingested::Applied)
    }

    /// Whether a checkout that a poll found was told of by the shop itself, as it is or newer.
    fn is_known_checkout(&self, own: &ContactId, event: &Event) -> Result<bool, Error> {
        match &event.data.checkout_id {
            Some(checkout) if event.polled && event.kind.order_status().is_none() => {
                let kinds = [EventKind::CheckoutStarted, EventKind::CheckoutUpdated];
                let at = event.occurred_at;
                Ok(store::event::knows_checkout(self.sql, own, &kinds, checkout, at)?)
            }
            Some(_) | None => Ok(false),
        }
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
            objection: self.objection(ingest)?,
        })
    }

    /// Another topic may report the same event with an identifier that the first report lacked. Nothing else of a
    /// duplicate counts, and an exact one brings nothing unknown.
    fn claim_unknown(&self, identifiers: &[Hashed], known: &Known, own: &ContactId) -> Result<(), Error> {
        let own_rows = identifiers.iter().filter(|hashed| self.holds(&hashed.hash));
        let claims = own_rows.filter_map(|Hashed { identifier, hash }| {
            claim_of(hash, identifier.kind, Some(own), known.contains_key(hash), None)
        });
        self.claim(&claims.collect::<Vec<_>>())
    }

    fn claim_all(&self, ingest: &Ingest, leads: &Leads, own: &ContactId) -> Result<(), Error> {
        let bought_at = ingest.event.closes_at();
        let mut claims = Vec::new();
        for Hashed { identifier, hash } in &ingest.identifiers {
            let known = leads.known.get(hash);
            if self.holds(hash) {
                claims.extend(claim_of(
                    hash,
                    identifier.kind,
                    Some(own),
                    known.is_some(),
                    bought_at,
                ));
            }
            match known {
                Some(contact) if contact == own => {}
                None if self.holds(hash) => {}
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
        self.claim(&claims)
    }

    /// Somebody came back after an erasure of which another shard may not have heard: the rows that it still has for them
    /// are known anew, and not the erasure's to take. `held` is what the contact was known by before this event.
    fn claim_anew(
        &self,
        ingest: &Ingest,
        leads: &Leads,
        own: &ContactId,
        held: &[Identifier],
    ) -> Result<(), Error> {
        for Hashed { identifier, hash } in &ingest.identifiers {
            let leads_here = leads.known.get(hash) == Some(own);
            if leads_here && !held.contains(identifier) && !self.holds(hash) {
                self.link(hash, identifier.kind, None, own)?;
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

    /// Claims identifiers, and sends on the events that waited for somebody under them.
    pub(super) fn claim(&self, claims: &[Claim]) -> Result<(), Error> {
        self.claim_as_of(claims, None)
    }

    fn claim_as_of(&self, claims: &[Claim], named_at: Option<Timestamp>) -> Result<(), Error> {
        directory::claim(self.sql, claims, self.now)?;
        let owned = claims.iter().filter(|claim| !claim.stands_in());
        let mut owners = BTreeMap::new();
        let mut hashes = Vec::new();
        for claim in owned {
            owners.insert(&claim.hash, &claim.contact);
            hashes.push(claim.hash.clone());
        }
        for (hash, event) in parked::release(self.sql, &hashes, self.now)? {
            if planted!(ParkedForgotten) {
                continue;
            }
            if let Some(contact) = owners.get(&hash) {
                self.release(&hash, event, contact, named_at)?;
            }
        }
        Ok(())
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
        let mut closed = Vec::new();
        for Hashed { identifier, hash } in own {
            if new && Some(hash) != deciding {
                self.park_under(hash, event)?;
            }
            closed.extend(claim_of(hash, identifier.kind, None, false, event.closes_at()));
        }
        self.claim(&closed)?;
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
            // A look at a product is no loss, and a visitor who is nobody yet may take many.
            Parking::Full if event.kind.is_browsing() => return Ok(false),
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
/// person is nobody now.
///
/// Whoever is known by an erased address now may be somebody else, a contact that was never erased: what is held against
/// the address still says when.
fn is_of_erased(loaded: &Loaded, ingest: &Ingest, objection: Option<Objection>) -> bool {
    let (event, contact) = (&ingest.event, &loaded.contact);
    let names_somebody = || {
        let mut named = ingest.identifiers.iter();
        named.any(|hashed| hashed.identifier.kind.is_strong())
    };
    // What waited for them comes before the event that names them, when both are on their way from different shards.
    let is_back = |at: Timestamp| ingest.named_at.is_some_and(|named| named > at);
    let of_the_contact = contact
        .erased_at
        .is_some_and(|at| is_before(event, at) || (loaded.is_erased() && !names_somebody() && !is_back(at)));
    let erased = objection.filter(|objection| objection.ground == Ground::Erased);
    of_the_contact || erased.is_some_and(|objection| is_before(event, objection.at))
}

fn is_before(event: &Event, erased_at: Timestamp) -> bool {
    if planted!(PastOfTheErasedCounts) {
        return false;
    }
    event.told_at().is_none_or(|told| told <= erased_at)
}

/// Whom identifiers lead to; those that were only closed lead to nobody.
fn owners(rows: Vec<Entry>) -> impl Iterator<Item = (IdentifierHash, ContactId)> {
    rows.into_iter().filter_map(|row| {
        let owner = row.owner().cloned()?;
        Some((row.hash, owner))
    })
}

/// What is to be written for an identifier that leads to `owner`: a claim while it is not `known`, and the closing of a
/// checkout or cart that was bought. Nobody known for one that is bought: its founding id stands in for the contact.
fn claim_of(
    hash: &IdentifierHash,
    kind: IdentifierKind,
    owner: Option<&ContactId>,
    known: bool,
    bought_at: Option<Timestamp>,
) -> Option<Claim> {
    let closed_at = bought_at.filter(|_| is_checkout(kind) && !planted!(CheckoutStaysOpen));
    let is_news = closed_at.is_some() || (owner.is_some() && !known);
    is_news.then(|| Claim {
        hash: hash.clone(),
        kind,
        contact: owner.cloned().unwrap_or_else(|| ContactId::from(hash.clone())),
        closed_at,
    })
}

const fn is_checkout(kind: IdentifierKind) -> bool {
    matches!(kind, IdentifierKind::Checkout | IdentifierKind::Cart)
}
