//! The whole programme over a year of a small and lively shop: what must hold, whoever reads the figures.

use std::path::Path;
use wend::simulation::cast::{Cast, Others};
use wend::simulation::population::rates::Rates;
use wend::simulation::population::{self, Figures, Plan};

/// What nobody of this shop can enter, and why.
const UNREACHABLE: [(&str, &str); 3] = [
    (
        "double-opt-in",
        "`region: strict` takes the yes of a sign-up form; regions that ask to confirm it are in docs/compliance.md",
    ),
    (
        "sunset-undone",
        "it takes away the tag of a sunset; scenarios play it",
    ),
    (
        "sunset",
        "who opens nothing here still looks around the shop within half a year, and that is life; scenarios play it",
    ),
];

/// `order-confirmation` and `reviews` say what `post-purchase` says: docs/lifecycle.md has it switched off for them.
fn a_year(contacts: u32) -> Figures {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = Cast::read(root, &[], Others::AndDrafts).unwrap();
    let cast = whole.without(&["post-purchase".to_owned()]).unwrap();
    let plan = Plan {
        contacts,
        seed: 1,
        days: 365,
        rates: Rates::read(&root.join("tests/fixtures/simulate/lively.yaml")).unwrap(),
    };
    population::run(&cast, &plan).unwrap()
}

#[test]
fn a_year_of_the_whole_programme_reaches_every_journey_and_bothers_nobody() {
    let figures = a_year(80);
    assert_eq!(figures.mailed_after_unsubscribe, 0, "mails after an unsubscribe");
    assert_eq!(figures.over_caps, 0, "mails beyond a cap");
    assert_eq!(figures.dead_letters, 0);
    assert!(figures.unsubscribed > 0, "nobody left, so nothing was proved");
    assert!(figures.cap_hits > 0, "no cap was met, so nothing was proved");
    let unreachable: Vec<&str> = UNREACHABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(figures.never_entered, unreachable, "journeys that nobody entered");
}
