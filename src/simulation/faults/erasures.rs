//! Somebody asks to have all erased, at any moment: what may then be gone, and what must never come back.

use super::broken::{Broken, Promise, keep};
use super::draw::shopper_of;
use super::play::{Coming, Play};
use super::replies::said;
use crate::domain::email::EmailAddress;
use crate::domain::event::Event;
use crate::domain::identity::Identifier;
use crate::domain::ids::{EventId, MessageId};
use crate::domain::privacy::Subject;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::state::Contact;
use std::collections::{BTreeMap, BTreeSet};

/// Whoever asked and was not told that it is done asks again.
const AGAIN_AFTER: Delay = Delay::from_minutes(10);
/// Sources write the times of their events by the second.
const GRAIN: Delay = Delay::from_seconds(1);

/// Who was erased, and what went with them.
#[derive(Default)]
pub(super) struct Erasures {
    /// Addresses, each with when it was erased, and whether its person came back since, by an event from after that.
    addresses: BTreeMap<String, (Timestamp, bool)>,
    shoppers: BTreeMap<usize, Timestamp>,
    /// Addresses of whom an erasure was begun, and nobody was told that it is done.
    begun: BTreeMap<String, Timestamp>,
    /// Events that may be gone.
    gone: BTreeSet<EventId>,
    /// Mails whose rows may be gone: whoever comes back by the same order is decided on anew, under the same ids.
    mails: BTreeSet<MessageId>,
}

impl Erasures {
    /// An event arrives: one from after an erasure brings its person back.
    pub fn attempt(&mut self, event: &Event) {
        let address = event.email.as_ref().map(EmailAddress::canonical);
        if let Some((at, returned)) = address.and_then(|address| self.addresses.get_mut(&address)) {
            *returned |= event.occurred_at.plus(GRAIN) > *at;
        }
    }

    /// An event came to nothing. What a browser did without a name while its person is gone is kept by nobody, and is theirs if it
    /// comes again after they came back.
    pub fn came_to_nothing(&mut self, event: &Event) {
        let was_erased = shopper(event).is_some_and(|shopper| self.shoppers.contains_key(&shopper));
        if event.email.is_none() && was_erased {
            self.gone.insert(event.id.clone());
        }
    }

    /// Whether a row of this mail may be another than that of the mail which the provider took.
    pub fn may_be_another(&self, mail: &MessageId) -> bool {
        self.mails.contains(mail)
    }

    /// Whether nobody may have the event any more, or ever.
    pub fn may_lack(&self, event: &Event) -> bool {
        let late = || {
            let erased = shopper(event).and_then(|shopper| self.shoppers.get(&shopper));
            erased.is_some_and(|at| event.occurred_at <= *at)
        };
        self.gone.contains(&event.id) || late()
    }

    /// Whether the event may write something when it comes again: it is gone, or it names a checkout that led to somebody who
    /// is, and now leads to whoever else had it in hand.
    pub fn may_matter_again(&self, event: &Event) -> bool {
        let handed_round = !self.shoppers.is_empty() && event.data.checkout_id.is_some();
        handed_round || self.may_lack(event)
    }

    /// Whether the event must come to nothing: it tells of an erased address, and happened before.
    pub fn forbid(&self, event: &Event) -> bool {
        let address = event.email.as_ref().map(EmailAddress::canonical);
        let erased = address.and_then(|address| self.addresses.get(&address));
        erased.is_some_and(|(at, _)| event.occurred_at.plus(GRAIN) <= *at)
    }

    /// Whether the address belongs to nobody.
    pub fn is_gone(&self, address: &str) -> bool {
        self.addresses.get(address).is_some_and(|(_, returned)| !returned)
    }

    /// Whether the address was erased, or that was begun.
    pub fn concern(&self, address: &str) -> bool {
        self.addresses.contains_key(address) || self.begun.contains_key(address)
    }

    fn all_gone(&self) -> impl Iterator<Item = &String> {
        let gone = self.addresses.iter().filter(|(_, (_, returned))| !returned);
        gone.map(|(address, _)| address)
    }
}

/// Who of the plan an event tells of.
pub(super) fn shopper(event: &Event) -> Option<usize> {
    let address = event.email.as_ref().map(EmailAddress::canonical);
    address
        .and_then(|address| shopper_of(&address))
        .or_else(|| numbers(&event.identifiers).next())
}

/// Who of the plan a contact is.
pub(super) fn shoppers_of(contact: &Contact) -> BTreeSet<usize> {
    let addresses = contact.addresses.iter();
    let by_address = addresses.filter_map(|address| shopper_of(&address.email.canonical()));
    by_address.chain(numbers(&contact.identifiers)).collect()
}

/// Shoppers by the numbers of their browsers and customer ids.
fn numbers(identifiers: &[Identifier]) -> impl Iterator<Item = usize> {
    identifiers.iter().filter_map(|identifier| {
        let number = identifier.value.strip_prefix(['b', 'c'])?;
        number.parse().ok()
    })
}

impl Play<'_> {
    /// Has whoever is known by an address erased, and asks again until that is done.
    pub(super) fn erase(&mut self, address: &str) -> Result<(), Broken> {
        let email = EmailAddress::parse(address).map_err(said)?;
        let mut people = self.world.live()?;
        people.retain(|person| person.address_of(&email).is_some());
        let at = self.world.now;
        let erasures = &mut self.truth.erasures;
        let held = people.iter().flat_map(|person| &person.addresses);
        erasures
            .begun
            .extend(held.map(|held| (held.email.canonical(), at)));
        // Some of it is gone even if the process dies on the way.
        for person in &people {
            erasures.gone.extend(self.world.events_of(&person.id)?);
        }
        let mut mails = self.world.messages()?;
        mails.retain(|mail| people.iter().any(|person| person.id == mail.contact));
        erasures
            .mails
            .extend(mails.into_iter().map(|mail| mail.message.id));
        let number = shopper_of(address);
        let theirs = self
            .truth
            .accepted
            .values()
            .filter(|event| shopper(event) == number);
        erasures.gone.extend(theirs.map(|event| event.id.clone()));
        let done = self.world.erase(&Subject::of_email(&email));
        if self.survive(done)?.is_none() {
            self.add(self.now.plus(AGAIN_AFTER), Coming::Erase(address.to_owned()));
            return Ok(());
        }
        self.note(&format!("{address} is erased"));
        self.truth
            .erasures
            .shoppers
            .extend(number.map(|number| (number, at)));
        // Of an address that nobody was known by nothing stays.
        for (address, at) in std::mem::take(&mut self.truth.erasures.begun) {
            self.truth.erasures.addresses.insert(address.clone(), (at, false));
            self.truth.refuse(address, at);
        }
        Ok(())
    }

    /// Whoever was erased and did not come back is nowhere: not in any row of any table.
    pub(super) fn nothing_came_back(&self) -> Result<(), Broken> {
        let gone = self.truth.erasures.all_gone();
        for address in gone.filter(|address| !self.truth.is_dead(address)) {
            for shard in self.world.indices() {
                let row = self.world.find_text(shard, address)?;
                keep(Promise::Erased, row.is_none(), || {
                    format!("shard {shard} holds {address}: {}", row.unwrap_or_default())
                })?;
            }
        }
        Ok(())
    }
}
