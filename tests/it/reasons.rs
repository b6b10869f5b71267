//! The last lines of a mail say why it came, and say what is so: through the gate, the turn and the templates.

use crate::world::{pass, tell};
use std::path::Path;
use wend::domain::time::Delay;
use wend::journey::region::Region;
use wend::providers::ProviderKind;
use wend::simulation::setup::edited;
use wend::simulation::telling::Story;
use wend::simulation::world::World;

/// The reason under each mail about a cart, by who got it, where the law lets a shop write to whoever did not say no.
fn reasons(lines: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut catalog = edited(root, &std::collections::BTreeMap::new()).unwrap();
    catalog.store.region = Region::OptOut;
    let mut world = World::new(root, catalog, 1, ProviderKind::Outbox).unwrap();
    for line in lines {
        tell(&world, &mut Story::default(), line);
        pass(&mut world, Delay::from_hours(2));
    }
    let mails = world.outbox().unwrap().into_iter();
    let nudges = mails.filter(|mail| mail.step.as_str() == "checkout-nudge");
    let mut reasons: Vec<String> = nudges
        .map(|mail| {
            let says = |line: &&str| line.contains(mail.to.as_str());
            let reason = mail.text.lines().find(says).unwrap().to_owned();
            // In Russian HTML short words stay with what follows them.
            let html = mail.html.replace("&#160;", " ");
            assert!(html.contains(&reason), "{html}");
            reason
        })
        .collect();
    reasons.sort();
    reasons
}

#[test]
fn a_mail_says_why_it_came_and_never_that_somebody_subscribed_who_did_not() {
    let said = reasons(&[
        "checkout T1 by=nadia subscribed items=2 value=57",
        "order O1 by=oleg items=1 value=20",
        "checkout T2 by=oleg items=2 value=57",
        "checkout T3 by=priya items=2 value=57",
        "checkout T4 by=rosa locale=ru items=2 value=57",
    ]);
    assert_eq!(
        said,
        [
            "Sent to nadia@example.com because you subscribed at Northfold.",
            "Sent to oleg@example.com because you bought from Northfold.",
            "Sent to priya@example.com because you began an order at Northfold.",
            "Письмо пришло на rosa@example.com, потому что вы начали оформлять заказ в Northfold.",
        ]
    );
}
