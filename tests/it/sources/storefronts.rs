//! What each sample of a storefront says in our words, in full: a snapshot a source, for review.

use super::*;

const SHOWN: [SourceKind; 9] = [
    SourceKind::Bigcommerce,
    SourceKind::Ecwid,
    SourceKind::Stripe,
    SourceKind::Squarespace,
    SourceKind::Wix,
    SourceKind::Saleor,
    SourceKind::Medusa,
    SourceKind::Insales,
    SourceKind::Tilda,
];

#[test]
fn every_sample() {
    for source in SHOWN {
        let of_source = samples::all()
            .into_iter()
            .filter(|sample| sample.delivery.source == source);
        let told: Vec<String> = of_source
            .map(|sample| {
                format!(
                    "== {} {}\n{}\n",
                    sample.topic,
                    sample.when,
                    shown(&sample.events())
                )
            })
            .collect();
        insta::assert_snapshot!(format!("storefront_{source}"), told.join("\n"));
    }
}

#[test]
fn a_repeat_has_the_same_ids_and_every_event_names_somebody() {
    for (one, again) in samples::all().into_iter().zip(samples::all()) {
        let ids = |sample: &samples::Sample| -> Vec<String> {
            sample.events().iter().map(|event| event.id.to_string()).collect()
        };
        assert_eq!(ids(&one), ids(&again), "{}", one.topic);
        for event in one.events() {
            assert!(!event.identifiers.is_empty(), "{}", one.topic);
            assert_eq!(event.source.as_str(), one.delivery.source.as_str());
        }
    }
}

/// Topics that tell of one transition, and the order's later states, are one event each.
#[test]
fn an_order_is_completed_once_whatever_tells_of_it() {
    for source in SourceKind::ALL {
        let mut ids: Vec<String> = samples::all()
            .iter()
            .filter(|sample| sample.delivery.source == source && !sample.topic.starts_with("invoice"))
            .flat_map(samples::Sample::events)
            .filter(|event| event.kind.as_str() == "Order Completed")
            .map(|event| event.id.to_string())
            .collect();
        ids.dedup();
        assert!(
            ids.len() == 1 || source == SourceKind::Events,
            "{source}: {ids:?}"
        );
    }
}

/// The checkout's sample and the order's are of one shopper: the order repeats what the checkout goes by.
#[test]
fn an_order_names_its_checkout() {
    for source in SourceKind::ALL {
        let of_kind = |kind: &str| {
            let all = samples::all();
            let events = all.iter().filter(|sample| sample.delivery.source == source);
            let mut events = events.flat_map(samples::Sample::events);
            events.find(|event| event.kind.as_str() == kind)
        };
        let ids = |event: &Event| -> Vec<String> {
            let all = identifiers(event).into_iter();
            all.filter(|id| id.starts_with("checkout") || id.starts_with("email"))
                .collect()
        };
        let (Some(started), Some(bought)) = (of_kind("Checkout Started"), of_kind("Order Completed")) else {
            continue;
        };
        // Medusa's fixture has no cart, Stripe's are two sessions: there the address leads to it.
        let shared = ids(&bought).iter().any(|id| ids(&started).contains(id));
        assert!(
            shared || source == SourceKind::Shopify,
            "{source}: {started:?} {bought:?}"
        );
    }
}
