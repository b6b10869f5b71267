//! What holds for every journey and every history, asked of the core alone: random journeys through the same checks as
//! a store's own, random histories, a virtual clock and the gate, without any storage.
//!
//! How much each looks at; `PROPTEST_CASES=5000 cargo test --test it core_properties` looks at more:
//!
//! | property | cases |
//! |---|---|
//! | the four below | 256 stores with a deploy each, one to three histories of up to 15 acts in each store |
//! | `documents_fit_and_are_read_as_they_were_written` | 32 contacts of up to 59 large events |
//! | `journeys_that_start_each_other_come_to_an_end` | 256 stores |
//! | `splits_share_out_by_their_weights` | 10,000 contacts, whatever the environment says |
//!
//! That conditions of a simple form say what the interpreter says is asked next to them, in `engine/condition/tests.rs`:
//! 2,048 conditions with ten contacts each. What was broken once stands in `mended.rs`.

mod bounds;
mod history;
mod machine;
mod mended;
mod plan;

use history::{Act, Fate, histories};
use machine::Machine;
use plan::{Edit, Plan, edits, plans};
use proptest::prelude::*;
use std::fmt;
use wend::domain::time::Delay;
use wend::journey::catalog::Catalog;

fn config() -> ProptestConfig {
    // 256 cases, or as the environment says.
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    }
}

/// A store before and after a deploy.
#[derive(Clone)]
struct Stores {
    plan: Plan,
    edit: Edit,
    catalogs: [Catalog; 2],
}

impl fmt::Debug for Stores {
    /// The files, which say more than the catalogs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (edit, when) in [(&Edit::default(), "before"), (&self.edit, "after")] {
            for (path, text) in self.plan.files(edit) {
                write!(f, "\n--- {path} {when} the deploy\n{text}")?;
            }
        }
        write!(f, "\n--- store.yaml\n{}", self.plan.store)
    }
}

fn stores() -> impl Strategy<Value = Stores> {
    (plans(), edits()).prop_map(|(plan, edit)| {
        let catalogs = [plan.catalog(&Edit::default()), plan.catalog(&edit)];
        Stores { plan, edit, catalogs }
    })
}

/// What happens, and what becomes of each request.
type History = (Vec<Act>, Vec<Fate>);

/// Reading a store's files takes longest, so each is good for three histories.
fn stories(length: usize) -> impl Strategy<Value = Vec<History>> {
    prop::collection::vec(histories(length), 1..4)
}

fn new<'a>([before, after]: &'a [Catalog; 2], (_, fates): &History) -> Machine<'a> {
    Machine::new([before, after], fates)
}

fn played<'a>(catalogs: &'a [Catalog; 2], history: &History, twice: bool) -> Machine<'a> {
    let mut machine = new(catalogs, history);
    machine.twice = twice;
    machine.play(&history.0);
    machine
}

fn is_sound(machine: &Machine<'_>) -> Result<(), TestCaseError> {
    prop_assert!(machine.broken.is_empty(), "{}", machine.broken.join("; "));
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    /// Consent, bought carts, caps, hours, holdouts: whatever the gate lets pass may go. And after every turn each run
    /// has something that will wake it, ends once, and intends each message once.
    #[test]
    fn what_leaves_may_leave(Stores { catalogs, .. } in stores(), stories in stories(16)) {
        for story in &stories {
            is_sound(&played(&catalogs, story, false))?;
        }
    }

    #[test]
    fn a_replay_decides_the_same(Stores { catalogs, .. } in stores(), stories in stories(12)) {
        for story in &stories {
            let [one, two] = [0, 1].map(|_| {
                let mut machine = new(&catalogs, story);
                machine.traced = true;
                machine.play(&story.0);
                machine.trace
            });
            prop_assert!(one == two, "another run decided otherwise");
        }
    }

    #[test]
    fn no_input_counts_twice(Stores { catalogs, .. } in stores(), stories in stories(12)) {
        for story in &stories {
            is_sound(&played(&catalogs, story, true))?;
        }
    }

    /// Once nobody comes in any more, everyone gets to an end.
    #[test]
    fn every_run_ends(Stores { plan, catalogs, .. } in stores(), stories in stories(10)) {
        const YEARS: i64 = 200;
        let draining = Edit { status: Some("draining"), ..Edit::default() };
        let last = [catalogs[0].clone(), plan.catalog(&draining)];
        for story in &stories {
            let mut machine = played(&last, story, false);
            machine.deploy(1);
            let end = machine.now.plus(Delay::from_days(366 * YEARS));
            machine.run_until(end);
            is_sound(&machine)?;
            prop_assert!(machine.contact.enrollments.is_empty(), "{:#?}", machine.contact.enrollments);
        }
    }
}
