//! What the last lines of a mail may say, as a table.

use super::*;
use crate::domain::consent::{ConsentGrade, ConsentSignal};
use crate::domain::ids::EventId;
use crate::domain::time::Delay;
use crate::engine::fixtures::{at, contact};
use ConsentState::{Pending, Subscribed, Suppressed, Unknown, Unsubscribed};
use Grounds::{BeganOrder, Bought, Unsaid};

/// Why somebody in this state gets a marketing mail: a stranger, one who left a checkout, a customer.
fn said(region: Region, contact: &Contact, stream: Stream) -> [Grounds; 3] {
    let nothing = EventData::default();
    let checkout = EventData {
        checkout_id: Some("8f2c".to_owned()),
        ..EventData::default()
    };
    let mut customer = contact.clone();
    customer.purchases.orders = 1;
    [(contact, &nothing), (contact, &checkout), (&customer, &checkout)]
        .map(|(contact, data)| grounds(region, (contact, contact.address()), (stream, data), at(0)))
}

#[test]
fn only_who_subscribed_is_told_that_they_did() {
    for (state, expected) in [
        (Subscribed, [Grounds::Subscribed; 3]),
        (Unknown, [Unsaid, BeganOrder, Bought]),
        (Pending, [Unsaid; 3]),
        (Unsubscribed, [Unsaid; 3]),
        (Suppressed, [Unsaid; 3]),
    ] {
        for region in Region::ALL {
            let contact = contact(state);
            assert_eq!(
                said(region, &contact, Stream::Marketing),
                expected,
                "{state:?} {region:?}"
            );
            assert_eq!(said(region, &contact, Stream::Transactional), [Unsaid; 3]);
        }
    }
    let stranger = contact(Unknown);
    let cart = EventData {
        cart_id: Some("c1".to_owned()),
        ..EventData::default()
    };
    let (whom, about) = ((&stranger, stranger.address()), (Stream::Marketing, &cart));
    let said = grounds(Region::Us, whom, about, at(0));
    assert_eq!(said, Unsaid, "a cart is no order begun");
    let nobody = contact(Subscribed);
    let data = EventData::default();
    let unknown = grounds(Region::Strict, (&nobody, None), (Stream::Marketing, &data), at(0));
    assert_eq!(unknown, Unsaid, "an address that is not theirs");
}

#[test]
fn a_lapsed_yes_is_none() {
    let mut contact = contact(Subscribed);
    let signal = ConsentSignal {
        state: Subscribed,
        grade: ConsentGrade::Implied,
        at: at(0).minus(Delay::from_days(200)),
        method: None,
        text: None,
        ip: None,
        agent: None,
        actor: None,
    };
    contact.addresses[0].consent.evidence = Some((signal, EventId::parse("shopify:1").unwrap()));
    let marketing = |region| said(region, &contact, Stream::Marketing);
    assert_eq!(marketing(Region::Canada), [Unsaid, BeganOrder, Bought]);
    assert_eq!(marketing(Region::Us), [Grounds::Subscribed; 3]);
}
