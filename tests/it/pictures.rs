//! Lines of carts that came without a picture or a page get them of the catalogue when their mail is claimed.

use crate::world::{pass, tell, world};
use wend::domain::offer::Offer;
use wend::domain::time::Delay;
use wend::journey::feeds::Catalogue;
use wend::providers::ProviderKind;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store::offer;
use wend::turn::call::{Answer, Call};

const IMAGE: &str = "https://cdn.example/mug.jpg";
const PAGE: &str = "https://northfold.example/products/mug";

/// The reminder of a cart with this product, of a store that keeps a catalogue or does not.
fn reminder(keeps: bool, spaces: &[&str]) -> String {
    let mut world: World = world(1, ProviderKind::Outbox);
    world.catalog.store.catalogue = keeps.then(|| Catalogue {
        feeds: Vec::new(),
        price_drop: 5,
    });
    for space in spaces {
        let known = Offer {
            id: "mug".to_owned(),
            image: Some(IMAGE.to_owned()),
            url: Some(PAGE.to_owned()),
            available: true,
            ..Offer::default()
        };
        offer::put(&world.store, space, None, &[known], 5).unwrap();
    }
    let mut story = Story::default();
    tell(&world, &mut story, "checkout T1 by=nadia subscribed products=mug");
    pass(&mut world, Delay::from_hours(2));
    let Answer::Mails(mails) = world.call(world.indices()[0], Call::Mails).unwrap() else {
        panic!("no mails");
    };
    mails.into_iter().next().unwrap().html
}

#[test]
fn a_cart_s_mail_shows_what_the_catalogue_knows() {
    let mail = reminder(true, &[""]);
    assert!(mail.contains(IMAGE), "{mail}");
}

#[test]
fn a_store_without_a_catalogue_asks_nobody() {
    assert!(!reminder(false, &[""]).contains(IMAGE));
}

#[test]
fn what_two_shops_could_mean_is_shown_by_neither() {
    assert!(!reminder(true, &["", "shopify"]).contains(IMAGE));
    assert!(reminder(true, &["shopify"]).contains(IMAGE));
}
