//! The largest documents that events can make, and what is left of them.

use super::*;
use crate::domain::event::LineItem;
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, JourneyId, SourceName, StepId};
use crate::engine::state::{MAX_DOCUMENT_BYTES, MAX_ENROLLMENTS, MAX_IDENTIFIERS};

fn line(text: &str) -> LineItem {
    LineItem {
        title: text.to_owned(),
        variant: Some(text.to_owned()),
        quantity: 1,
        price: None,
        sku: None,
        product_id: None,
        variant_id: None,
        image_url: Some(text.to_owned()),
        url: Some(text.to_owned()),
    }
}

fn enrollment(number: usize, items: usize, text: &str) -> Enrollment {
    let at = Timestamp::from_seconds(1_790_000_000 + number as i64);
    Enrollment {
        data: Arc::new(EventData {
            items: vec![line(text); items].into(),
            url: Some(text.to_owned()),
            properties: [("note".to_owned(), text.into())].into(),
            discount_codes: vec!["CODE".to_owned(); 20],
            ..EventData::default()
        }),
        ..Enrollment::new(
            EnrollmentId::from_digest(&format!("{number:x}")),
            JourneyId::parse("abandoned-checkout").unwrap(),
            EnrollmentKey::parse(&format!("shopify:{number}")).unwrap(),
            StepId::parse("before-checkout-nudge").unwrap(),
            at,
        )
    }
}

fn contact(enrollments: usize, items: usize, text: &str) -> Contact {
    let id = ContactId::parse(&"8c7f".repeat(8)).unwrap();
    let mut contact = Contact::new(id, Timestamp::default());
    contact.enrollments = (0..enrollments)
        .map(|number| enrollment(number, items, text))
        .collect();
    contact
}

#[test]
fn a_document_that_fits_is_left_alone() {
    let mut small = contact(3, 3, "a cart");
    let before = small.clone();
    assert!(fit(&mut small, MAX_DOCUMENT_BYTES));
    assert_eq!(small, before);
}

#[test]
fn the_oldest_runs_give_way_first() {
    let mut large = contact(4, 2, &"x".repeat(1_700));
    assert!(size_of(&large) > MAX_DOCUMENT_BYTES);
    assert!(fit(&mut large, MAX_DOCUMENT_BYTES));
    let left: Vec<bool> = large
        .enrollments
        .iter()
        .map(|held| held.data.properties.is_empty())
        .collect();
    assert!(left[0] && !left[3], "{left:?}");
}

#[test]
fn the_largest_document_fits_and_keeps_every_position() {
    let text = "x".repeat(600);
    let mut largest = contact(MAX_ENROLLMENTS, 20, &text);
    for number in 0..100 {
        largest
            .profile
            .attributes
            .insert(format!("attribute {number}"), text.clone().into());
    }
    largest.profile.tags = Some(vec!["x".repeat(500); 300]);
    largest.own_tags = (0..300).map(|number| format!("{number:0>500}")).collect();
    let source = SourceName::parse("shopify").unwrap();
    for number in 0..MAX_IDENTIFIERS {
        let value = format!("{number:0>250}");
        let kind = if number % 2 == 0 {
            IdentifierKind::Customer
        } else {
            IdentifierKind::Order
        };
        largest
            .identifiers
            .push(Identifier::of_source(kind, &source, &value).unwrap());
    }
    let places: Vec<_> = largest
        .enrollments
        .iter()
        .map(|held| (held.step.clone(), held.position.clone()))
        .collect();
    assert!(fit(&mut largest, MAX_DOCUMENT_BYTES));
    assert!(size_of(&largest) <= MAX_DOCUMENT_BYTES);
    let left: Vec<_> = largest
        .enrollments
        .iter()
        .map(|held| (held.step.clone(), held.position.clone()))
        .collect();
    assert_eq!(places, left);
}
