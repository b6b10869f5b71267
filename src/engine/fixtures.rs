//! What the tests of the core stand on: the repository's own journeys, and one contact.

use super::address_health::AddressHealth;
use super::state::{Address, Contact, Enrollment, Position, Sending};
use crate::domain::consent::{Consent, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, JourneyId, MessageId, StepId};
use crate::domain::message::{Lane, Stream};
use crate::domain::time::Timestamp;
use crate::journey::catalog::Catalog;
use crate::journey::check::check;
use crate::journey::lock::Mode;
use crate::journey::project::Project;
use std::path::Path;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

pub fn catalog() -> Catalog {
    let project = Project::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    check(&project, Mode::Append).catalog.unwrap()
}

pub fn contact_id(digits: &str) -> ContactId {
    ContactId::parse(&digits.repeat(8)).unwrap()
}

/// Somebody with one address in this state of consent.
pub fn contact(state: ConsentState) -> Contact {
    let mut contact = Contact::new(contact_id("8c7f"), at(0));
    contact.addresses.push(Address {
        email: EmailAddress::parse("nadia@example.com").unwrap(),
        seen_at: at(0),
        consent: Consent {
            refused_at: None,
            declined: None,
            state,
            evidence: None,
        },
        health: AddressHealth::default(),
    });
    contact
}

pub fn enrollment(journey: &str, key: &str, step: &str, position: Position) -> Enrollment {
    Enrollment {
        position,
        ..Enrollment::new(
            EnrollmentId::from_digest(&hex::encode(format!("{journey}{key}"))),
            JourneyId::parse(journey).unwrap(),
            EnrollmentKey::parse(key).unwrap(),
            StepId::parse(step).unwrap(),
            at(0),
        )
    }
}

pub fn sending(lane: Lane, stream: Stream, due: Timestamp) -> Sending {
    Sending {
        message: MessageId::from_digest("8c7f8c7f8c7f8c7f01"),
        lane,
        stream,
        due,
        first_due: due,
        held_until: None,
        capped_since: None,
        bound_to: None,
        generation: 1,
        dispatched: false,
    }
}
