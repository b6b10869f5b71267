//! Whom an event concerns: a pure reading of what the directory knows of its identifiers.

use crate::domain::event::Event;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{ContactId, IdentifierHash};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An identifier with its keyed hash, which is its key in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    pub identifier: Identifier,
    pub hash: IdentifierHash,
}

/// What the directory's answers mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// One contact, known or to be founded under the hash of its first strong identifier.
    Contact(ContactId),
    /// The event ties several contacts together: they are one person. All but the first are absorbed by it.
    Same {
        winner: ContactId,
        losers: Vec<ContactId>,
    },
    /// Nobody is known yet and nothing in the event can found a contact: it waits for its person.
    Park,
    /// The event carries no identifier at all.
    Nobody,
}

/// Reads the directory's answers, `known`: hash → contact, for whichever of the identifiers it knew.
///
/// Strong identifiers decide. Only without one do order, checkout, cart and browser ids lead to a contact, the
/// strongest first: they join an event to a person but never join two persons.
pub fn resolve(identifiers: &[Hashed], known: &BTreeMap<IdentifierHash, ContactId>) -> Resolution {
    let strong = || {
        identifiers
            .iter()
            .filter(|hashed| hashed.identifier.kind.is_strong())
    };
    let mut people: Vec<ContactId> = strong()
        .filter_map(|hashed| known.get(&hashed.hash).cloned())
        .collect();
    people.sort();
    people.dedup();
    match people.split_first() {
        // The smallest id wins, so that two shards can never absorb each other.
        Some((winner, [])) => Resolution::Contact(winner.clone()),
        Some((winner, losers)) => Resolution::Same {
            winner: winner.clone(),
            losers: losers.to_vec(),
        },
        None => match strong().next() {
            Some(first) => Resolution::Contact(ContactId::from(first.hash.clone())),
            None => weakly(identifiers, known),
        },
    }
}

fn weakly(identifiers: &[Hashed], known: &BTreeMap<IdentifierHash, ContactId>) -> Resolution {
    match identifiers.iter().find_map(|hashed| known.get(&hashed.hash)) {
        Some(contact) => Resolution::Contact(contact.clone()),
        None if identifiers.is_empty() => Resolution::Nobody,
        None => Resolution::Park,
    }
}

/// The hash that says which shard an event goes to first: that of the identifier which may found its contact.
pub fn route<'a>(event: &Event, identifiers: &'a [Hashed]) -> Option<&'a IdentifierHash> {
    let founding = event.strongest();
    let found = identifiers
        .iter()
        .find(|hashed| Some(&hashed.identifier) == founding);
    found.or_else(|| identifiers.first()).map(|hashed| &hashed.hash)
}

/// The contacts of the event's checkout and cart, where these are not the contact the event belongs to: their
/// enrollments for this checkout must end, because it goes on elsewhere.
pub fn others_of_checkout(
    identifiers: &[Hashed],
    known: &BTreeMap<IdentifierHash, ContactId>,
    own: &ContactId,
) -> Vec<ContactId> {
    let mut others: Vec<ContactId> = identifiers
        .iter()
        .filter(|hashed| {
            matches!(
                hashed.identifier.kind,
                IdentifierKind::Checkout | IdentifierKind::Cart
            )
        })
        .filter_map(|hashed| known.get(&hashed.hash).filter(|contact| *contact != own).cloned())
        .collect();
    others.sort();
    others.dedup();
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(kind: IdentifierKind, digit: &str) -> Hashed {
        let source = if kind == IdentifierKind::Email {
            ""
        } else {
            "shopify"
        };
        Hashed {
            identifier: Identifier {
                kind,
                source: source.to_owned(),
                value: digit.to_owned(),
            },
            hash: hash(digit),
        }
    }

    fn hash(digit: &str) -> IdentifierHash {
        IdentifierHash::parse(&digit.repeat(32)).unwrap()
    }

    fn contact(digit: &str) -> ContactId {
        ContactId::from(hash(digit))
    }

    #[test]
    fn whom_an_event_concerns() {
        use IdentifierKind::{Anonymous, Checkout, Customer, Email};
        let known = |rows: &[(&str, &str)]| -> BTreeMap<IdentifierHash, ContactId> {
            rows.iter().map(|(from, to)| (hash(from), contact(to))).collect()
        };
        let (email, customer) = (hashed(Email, "a"), hashed(Customer, "b"));
        let (checkout, browser) = (hashed(Checkout, "c"), hashed(Anonymous, "d"));
        let strong = [email.clone(), customer.clone(), checkout.clone()];
        let weak = [checkout, browser];
        let same = Resolution::Same {
            winner: contact("1"),
            losers: vec![contact("2")],
        };
        // Nobody is known: the strongest identifier founds the contact.
        assert_eq!(resolve(&strong, &known(&[])), Resolution::Contact(contact("a")));
        assert_eq!(
            resolve(&strong, &known(&[("b", "2")])),
            Resolution::Contact(contact("2"))
        );
        // Two strong ones that lead to two people make them one, the smaller id stays.
        assert_eq!(resolve(&strong, &known(&[("a", "2"), ("b", "1")])), same);
        // A checkout never joins two people.
        assert_eq!(
            resolve(&strong, &known(&[("a", "2"), ("c", "1")])),
            Resolution::Contact(contact("2"))
        );
        assert_eq!(
            resolve(&strong, &known(&[("c", "1")])),
            Resolution::Contact(contact("a"))
        );
        assert_eq!(
            resolve(&weak, &known(&[("d", "1")])),
            Resolution::Contact(contact("1"))
        );
        assert_eq!(resolve(&weak, &known(&[])), Resolution::Park);
        assert_eq!(resolve(&[], &known(&[])), Resolution::Nobody);
        let others = others_of_checkout(&strong, &known(&[("a", "1"), ("c", "2")]), &contact("1"));
        assert_eq!(others, [contact("2")]);
    }
}
