//! Scenarios: a time line goes in, what the store's people would see comes out. `tests/scenarios/*.txt` hold both.
//!
//! Each runs on 1, 4 and 16 shards and must come out the same. Above the line of dashes stands the time line, below it
//! what came of it; `UPDATE_SCENARIOS=1 cargo test --test it scenarios` writes the lower half anew, and the diff is the
//! review. `SCENARIO=birthday` plays those with that in their name. The words of a time line:
//!
//! ```text
//! provider resend | postmark | outbox           before everything else; outbox unless said
//! store region=opt_out marketing=resend_once    the store's policy, where it is not that of store.yaml; also
//!                                               transactional=, quiet=21:00-08:00, referral=<link with {code}> or none
//! drafts nps-question winback                   drafts of journeys/ that take part, as if they were live
//! at +1h [what] [key=value | flag]…             runs all that is due until then, then does what is said:
//!   request welcome | viewed | added | signup | profile | checkout T | update T | order O | fulfilled O | delivered O | cancelled O | refunded O
//!   unsubscribe | custom Quiz_Finished          by=nadia (an address without its domain), customer=, checkout=, cart=,
//!                                               anonymous=, order= (of an own event), locale=, value=, items=, time=+5m (the source's own time), id=,
//!                                               source=, tags=vip,new, subscribed | implied | pending |
//!                                               unsubscribed, test, imported (a line of a list that was kept
//!                                               elsewhere), bulk=bytes, zone=Asia/Tokyo, birthday=1990-05-17, delivery=2026-03-20,
//!                                               score=, products=coffee,tea (what the items are), ref=nadia (an order by
//!                                               her referral code); meanwhile: it arrives while the next request
//!                                               to the provider is out
//!                                               `order 1..50` are fifty of them
//!   again                                       the last delivery once more
//!   click nadia                                 the unsubscribe link of the last mail to nadia
//!   arrived | opened | clicked | bounced | complained nadia
//!                                               the provider's report about the last mail to nadia; `mail=2` the one before;
//!                                               `opened nadia machine` is what it says of a machine, `bounced nadia soft`
//!                                               a full mailbox; each comes twice, and the second time must write nothing
//!   fault lost | silent | broken | busy | unauthorised [times=3]
//!   crash claimed | answered                    the process dies when the next request is written down, or answered
//!   outage                                      the clock gets here without anything being run on the way
//!   deploy welcome                              with the journey in the lines below, each after `| `; none removes it
//!                                               `deploy segments` is segments.yaml, `deploy store` is store.yaml
//!                                               `deploy welcome unswept`: before cron has looked at anybody
//!   stop | go                                   the stop switch
//!   pause welcome | resume welcome              a journey, or `marketing` as a whole
//!   protect                                     protection counts bounces and complaints, and stops what must be stopped
//!   offer coffee price=20 [out]                 what the shop tells of a product, and the news of it
//!   coupons comeback A1 A2                      codes for a pool
//!   hook {"ok":true} | down                     what the other system answers from now on
//!   show nadia                                  what is known of her
//! ```

use crate::world::world;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use wend::simulation::effects::Effects;
use wend::simulation::player::{Player, provider};
use wend::simulation::story::RULER;

const SHARDS: [u16; 3] = [1, 4, 16];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

#[test]
fn every_scenario_comes_out_as_written_at_every_number_of_shards() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 60, "scenarios are missing");
    if let Ok(named) = std::env::var("SCENARIO") {
        files.retain(|file| file.to_string_lossy().contains(&named));
    }
    let update = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut differing = Vec::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            differing.extend(differs(file, update));
        }
        differing
    };
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let mut differing: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    differing.sort();
    assert!(
        differing.is_empty(),
        "{}\nUPDATE_SCENARIOS=1 accepts this",
        differing.join("\n")
    );
}

/// Plays one scenario at every number of shards; says how it came out when that is not as written.
fn differs(file: &Path, update: bool) -> Option<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let (above, below) = text
        .split_once(&format!("\n{RULER}\n"))
        .unwrap_or((text.trim_end(), ""));
    let outcomes = SHARDS.map(|shards| play(&name, above, shards));
    for (shards, outcome) in SHARDS.iter().zip(&outcomes) {
        assert_eq!(
            &outcomes[0], outcome,
            "{name}: 1 shard and {shards} shards differ"
        );
    }
    if update {
        std::fs::write(file, format!("{}\n{RULER}\n{}", above.trim_end(), outcomes[0])).unwrap();
        return None;
    }
    (below != outcomes[0]).then(|| format!("{name} came out as\n{}", outcomes[0]))
}

fn play(name: &str, text: &str, shards: u16) -> String {
    let world = world(shards, provider(text));
    let mut player = Player::new(world, Effects::default());
    player
        .play(text)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    player.watcher.text()
}

/// Rows of the market study, sections A to D, that no time line can show, and who holds them.
const NO_TIME_LINE: [(u16, &str); 7] = [
    (
        2,
        "webhooks of storefronts: tests/it/sources, tests/e2e/webhooks.test.mjs",
    ),
    (12, "webhooks of any form, mapped: a source, not ours yet"),
    (
        16,
        "feeds of products: tests/it/feeds.rs, tests/e2e/catalogue.test.mjs",
    ),
    (
        18,
        "customer data platforms post to /hooks/events: tests/it/sources/events.rs",
    ),
    (36, "other channels than mail: not ours"),
    (
        46,
        "how many a segment has: `npm run simulate` with a population, tests/it/simulation.rs",
    ),
    (53, "the best hour of each contact: not ours yet"),
];
const ROWS: u16 = 61;
/// Complaints about other engines that no time line can show.
const NOT_DECIDED: [(u16, &str); 1] = [(
    23,
    "trying a journey before it runs: docs/simulate.md, tests/it/simulate.rs",
)];
const COMPLAINTS: u16 = 25;

/// The numbers that the scenarios' first lines name after a word.
fn named(word: &str) -> std::collections::BTreeSet<u16> {
    let files = std::fs::read_dir(folder()).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts
        .flat_map(|text| {
            let first = text.lines().next().unwrap_or_default().to_lowercase();
            let said = first.split_once(':').map_or("", |(said, _)| said);
            let after = said.split_once(word).map_or("", |(_, after)| after);
            let until = after.find(|c: char| c.is_alphabetic() && c != 's');
            let numbers = after[..until.unwrap_or(after.len())].to_owned();
            let numbers: Vec<u16> = numbers
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            numbers
        })
        .collect()
}

#[test]
fn every_row_and_every_complaint_has_its_scenario() {
    for (word, last, elsewhere) in [
        ("row", ROWS, NO_TIME_LINE.to_vec()),
        ("complaint", COMPLAINTS, NOT_DECIDED.to_vec()),
    ] {
        let named = named(word);
        let missing: Vec<u16> = (1..=last)
            .filter(|number| !named.contains(number))
            .filter(|number| !elsewhere.iter().any(|(other, _)| other == number))
            .collect();
        assert!(missing.is_empty(), "{word}s without a scenario: {missing:?}");
        let stale: Vec<u16> = elsewhere
            .iter()
            .map(|(number, _)| *number)
            .filter(|number| named.contains(number))
            .collect();
        assert!(
            stale.is_empty(),
            "{word}s that have a scenario after all: {stale:?}"
        );
    }
}
