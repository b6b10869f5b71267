//! Scenarios: a time line goes in, what the store's people would see comes out. `tests/scenarios/*.txt` hold both.
//!
//! Each runs on 1, 4 and 16 shards and must come out the same. Above the line of dashes stands the time line, below it
//! what came of it; `UPDATE_SCENARIOS=1 cargo test --test it scenarios` writes the lower half anew, and the diff is the
//! review. The words of a time line:
//!
//! ```text
//! provider resend | outbox                      before everything else; outbox unless said
//! store region=opt_out on_unknown=give_up       the store's policy, where it is not that of store.yaml
//! at +1h [what] [key=value | flag]…             runs all that is due until then, then does what is said:
//!   request welcome | viewed | added | signup | profile | checkout T | update T | order O | fulfilled O | delivered O | cancelled O | refunded O
//!   unsubscribe | event "Name"                  by=nadia (an address without its domain), customer=, checkout=, cart=,
//!                                               anonymous=, value=, items=, time=+5m (the source's own time), id=,
//!                                               source=, tags=vip,new, subscribed | implied | unsubscribed, test,
//!                                               bulk=bytes, zone=Asia/Tokyo, birthday=1990-05-17, delivery=2026-03-20,
//!                                               score=
//!                                               `order 1..50` are fifty of them
//!   again                                       the last delivery once more
//!   click nadia                                 the unsubscribe link of the last mail to nadia
//!   opened | clicked nadia                      the provider's report about the last mail to nadia; `mail=2` the one before
//!   fault lost | silent | broken | busy | unauthorised [times=3]
//!   crash claimed | answered                    the process dies when the next request is written down, or answered
//!   outage                                      the clock gets here without anything being run on the way
//!   deploy welcome                              with the journey in the lines below, each after `| `; none removes it
//!                                               `deploy segments` is segments.yaml
//!                                               `deploy welcome unswept`: before cron has looked at anybody
//!   stop | go                                   the stop switch
//!   coupons comeback A1 A2                      codes for a pool
//!   hook {"ok":true} | down                     what the other system answers from now on
//!   show nadia                                  what is known of her
//! ```

mod effects;
pub mod story;

use super::world::{Failure, World};
use effects::Effects;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use story::{Line, Story};
use wend::domain::ids::MessageId;
use wend::journey::store_file::{Region, UnknownPolicy};
use wend::providers::ProviderKind;
use wend::turn::call::{Call, Ingested};

const RULER: &str = "----";
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
    assert!(files.len() >= 20, "scenarios are missing");
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
    let lines = story::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let provider = match story::value(text, "provider") {
        Some("resend") => ProviderKind::Resend,
        Some(_) | None => ProviderKind::Outbox,
    };
    let mut stage = Stage {
        world: World::new(shards, provider),
        story: Story::default(),
        effects: Effects::default(),
    };
    if let Some(policy) = story::value(text, "store") {
        stage.store(policy);
    }
    for line in &lines {
        stage
            .play(line)
            .unwrap_or_else(|error| panic!("{name}: at {}: {error}", line.at));
    }
    stage.effects.text()
}

struct Stage {
    world: World,
    story: Story,
    effects: Effects,
}

impl Stage {
    fn store(&mut self, policy: &str) {
        let store = &mut self.world.catalog.store;
        for (key, value) in policy.split_whitespace().filter_map(|word| word.split_once('=')) {
            match (key, value) {
                ("quiet", hours) => store.quiet_hours = Some(hours.parse().unwrap()),
                ("region", "opt_out") => store.region = Region::OptOut,
                ("region", "soft_opt_in") => store.region = Region::SoftOptIn,
                ("marketing", "resend_once") => store.on_unknown.marketing = UnknownPolicy::ResendOnce,
                ("transactional", "give_up") => store.on_unknown.transactional = UnknownPolicy::GiveUp,
                other => panic!("store {other:?}"),
            }
        }
    }

    fn play(&mut self, line: &Line) -> Result<(), String> {
        let at = self.world.start.plus(line.at);
        if line.what() == "outage" {
            self.world.now = at;
            return Ok(());
        }
        self.run_until(at);
        match line.what() {
            "" => {}
            "again" => {
                let event = self.story.last.clone().ok_or("nothing came before")?;
                let before = self.world.rows_written();
                self.deliver(event);
                let written = self.world.rows_written() - before;
                if written > 0 {
                    self.effects.note(&self.world, &format!("{written} rows written"));
                }
            }
            "fault" => {
                let fault = story::fault(line.word(1))?;
                let times = line.number("times").unwrap_or(1);
                self.world
                    .provider
                    .borrow_mut()
                    .faults
                    .extend((0..times).map(|_| fault));
            }
            "crash" => self.world.crash_at(story::point(line.word(1))?),
            "deploy" => {
                let file = line.word(1).to_owned();
                self.world.deploy(&[(file, line.block.clone())]);
                if line.word(2) != "unswept" {
                    self.world.sweep();
                    self.effects.look(&self.world);
                }
            }
            "stop" | "go" => {
                let stopped = line.what() == "stop";
                for shard in self.world.indices() {
                    self.world
                        .call(shard, Call::Stop { stopped })
                        .map_err(|error| error.to_string())?;
                }
            }
            "click" => self.click(&story::address(line.word(1)))?,
            "opened" | "clicked" => self.read(line)?,
            "coupons" => {
                let codes: Vec<String> = line.words().skip(2).map(str::to_owned).collect();
                wend::store::coupon::import(&self.world.store, line.word(1), &codes)
                    .map_err(|error| error.to_string())?;
            }
            "hook" => {
                let answer = (line.word(1) != "down").then(|| serde_json::from_str(line.word(1)).unwrap());
                self.world.hook.replace(answer);
            }
            "show" => self.effects.show(&self.world, &story::address(line.word(1))),
            _ => {
                for line in line.each() {
                    let event = self.story.event(&line, self.world.start, self.world.now)?;
                    self.deliver(event);
                }
            }
        }
        self.run_until(at);
        Ok(())
    }

    fn run_until(&mut self, at: wend::domain::time::Timestamp) {
        let effects = &mut self.effects;
        match self.world.run_until(at, |world| effects.look(world)) {
            Ok(()) => {}
            Err(Failure::Crash) => {
                self.effects.look(&self.world);
                self.effects.note(&self.world, "the process died");
                self.world.restart();
                let effects = &mut self.effects;
                self.world.run_until(at, |world| effects.look(world)).unwrap();
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    fn deliver(&mut self, event: wend::domain::event::Event) {
        let what = match self.world.ingest(event) {
            Ok(Ingested::Applied) => None,
            Ok(Ingested::Duplicate) => Some("duplicate".to_owned()),
            Ok(Ingested::Parked) => Some("parked: nobody is known by it".to_owned()),
            Ok(Ingested::Ignored) => Some("ignored: it names nobody".to_owned()),
            Ok(other) => Some(format!("{other:?}")),
            Err(error) => Some(format!("refused: {error}")),
        };
        if let Some(what) = what {
            self.effects.note(&self.world, &what);
        }
        self.effects.look(&self.world);
    }

    /// A provider's report that the last mail, or an earlier one, was opened or clicked.
    fn read(&mut self, line: &Line) -> Result<(), String> {
        let back = line.number("mail").unwrap_or(1) as usize;
        let mut mails = self.mails_to(&story::address(line.word(1)));
        let message = mails.nth_back(back - 1).ok_or("she got no such mail")?;
        let event = self.story.report(line, self.world.now, message.as_str());
        self.deliver(event);
        Ok(())
    }

    fn click(&mut self, address: &str) -> Result<(), String> {
        let message = self.mails_to(address).next_back().ok_or("she got no mail")?;
        let shard = self.world.settings.shards.of_message(&message);
        self.world
            .call(shard, Call::Unsubscribe { message })
            .map_err(|error| error.to_string())?;
        self.effects.look(&self.world);
        Ok(())
    }

    /// Ids of the mails that went to an address, oldest first.
    fn mails_to(&self, address: &str) -> impl DoubleEndedIterator<Item = MessageId> + use<> {
        let outbox = self
            .world
            .outbox()
            .into_iter()
            .map(|mail| (mail.sent_at, mail.to.canonical(), mail.id));
        let provider = self.world.provider.borrow().taken.clone();
        let sent = provider
            .into_iter()
            .map(|mail| (mail.at, mail.to, MessageId::parse(&mail.message).unwrap()));
        let mails = outbox.chain(sent).filter(|(_, to, _)| to == address);
        let mut mails: Vec<_> = mails.collect();
        mails.sort();
        mails.into_iter().map(|(_, _, message)| message)
    }
}
