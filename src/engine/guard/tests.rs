//! The gate, as tables: who may get marketing, and what stops which mail.

use super::*;
use crate::domain::event::EventKind;
use crate::domain::message::Lane;
use crate::engine::fixtures::{at, catalog, contact, enrollment, sending};
use crate::engine::state::{Doubt, Position};
use ConsentState::{Pending, Subscribed, Suppressed, Unknown, Unsubscribed};
use Region::{OptOut, SoftOptIn, Strict};

#[test]
fn consent_by_region() {
    let no = Some(DropReason::NoConsent);
    let table = [
        // State, and the refusal in each region for somebody who bought nothing, then for a customer.
        (Subscribed, [None, None, None], [None, None, None]),
        (Unknown, [no, no, None], [no, None, None]),
        (Pending, [no, no, no], [no, no, no]),
        (
            Unsubscribed,
            [Some(DropReason::Unsubscribed); 3],
            [Some(DropReason::Unsubscribed); 3],
        ),
        (
            Suppressed,
            [Some(DropReason::Suppressed); 3],
            [Some(DropReason::Suppressed); 3],
        ),
    ];
    for (state, stranger, customer) in table {
        for (orders, expected) in [(0, stranger), (1, customer)] {
            let mut contact = contact(state);
            contact.purchases.orders = orders;
            let address = contact.address().unwrap();
            let refusals =
                [Strict, SoftOptIn, OptOut].map(|region| marketing_refusal(region, &contact, address, at(0)));
            assert_eq!(refusals, expected, "{state:?} with {orders} orders");
        }
    }
}

/// The verdict on the nudge of a cart, due at 0, asked `later` seconds after.
fn nudge(state: ConsentState, facts: &Facts, later: i64, doubt: Option<Doubt>) -> Verdict {
    let sending = sending(Lane::Cart, Stream::Marketing, at(0));
    let position = Position::Sending(sending.clone());
    let mut enrollment = enrollment("abandoned-checkout", "shopify:T1", "checkout-nudge", position);
    enrollment.doubt = doubt;
    check(
        &catalog(),
        &contact(state),
        &enrollment,
        &sending,
        facts,
        at(later),
    )
}

#[test]
fn what_stops_a_cart_mail() {
    const DAY: i64 = 24 * 3600;
    let closed = |checkout| Facts {
        checkout,
        ..Facts::default()
    };
    let only = |to: &str| Facts {
        only_to: vec![vec![to.to_owned()]],
        ..Facts::default()
    };
    let suppressed = Facts {
        suppressed: true,
        ..Facts::default()
    };
    let dropped = |reason| Verdict::Drop(reason);
    assert!(matches!(
        nudge(Subscribed, &Facts::default(), DAY, None),
        Verdict::Allow(_)
    ));
    assert_eq!(
        nudge(Subscribed, &Facts::default(), DAY + 1, None),
        dropped(DropReason::TooLate)
    );
    assert_eq!(
        nudge(Subscribed, &closed(CheckoutFact::Closed), 0, None),
        dropped(DropReason::CheckoutClosed)
    );
    assert_eq!(
        nudge(Subscribed, &suppressed, 0, None),
        dropped(DropReason::Suppressed)
    );
    assert_eq!(
        nudge(Subscribed, &only("example.org"), 0, None),
        dropped(DropReason::NotListed)
    );
    assert!(matches!(
        nudge(Subscribed, &only("@example.com"), 0, None),
        Verdict::Allow(_)
    ));
    assert!(matches!(
        nudge(Subscribed, &closed(CheckoutFact::Unreadable), 0, None),
        Verdict::Defer {
            reason: DeferReason::CheckoutUnreadable,
            ..
        }
    ));
}

#[test]
fn a_doubt_holds_a_mail_six_hours() {
    let doubt = || {
        Some(Doubt {
            on: EventKind::ProductViewed,
            at: at(-90),
        })
    };
    let held = nudge(Subscribed, &Facts::default(), 60, doubt());
    assert_eq!(
        held,
        Verdict::Defer {
            until: at(6 * 3600),
            reason: DeferReason::ExitUndecided
        }
    );
    let over = nudge(Subscribed, &Facts::default(), 6 * 3600, doubt());
    assert_eq!(over, Verdict::Drop(DropReason::Undecided));
}

#[test]
fn an_order_mail_goes_to_who_unsubscribed_but_never_to_who_is_suppressed() {
    let sending = sending(Lane::Transactional, Stream::Transactional, at(0));
    let position = Position::Sending(sending.clone());
    let enrollment = enrollment("post-purchase", "shopify:77", "order-thank-you", position);
    let ask = |state| {
        check(
            &catalog(),
            &contact(state),
            &enrollment,
            &sending,
            &Facts::default(),
            at(60),
        )
    };
    assert!(matches!(ask(Unsubscribed), Verdict::Allow(_)));
    assert_eq!(ask(Suppressed), Verdict::Drop(DropReason::Suppressed));
}
