//! What `wend simulate` prints: timelines, a small population, sweeps of zones, and mistakes of the caller.

use std::path::{Path, PathBuf};
use wend::domain::civil::Zone;
use wend::simulation::cast::{Cast, Others, Script};
use wend::simulation::population::rates::Rates;
use wend::simulation::population::{self, Plan};
use wend::simulation::{print, sweep};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> PathBuf {
    root().join("tests/fixtures/simulate").join(name)
}

fn cast(names: &[&str], alone: bool) -> Cast {
    let files: Vec<PathBuf> = names.iter().map(|name| file(name)).collect();
    let others = if alone { Others::None } else { Others::Live };
    Cast::read(root(), &files, others).unwrap()
}

fn timeline(cast: &Cast, script: &Script) -> String {
    let player = cast.play(script, 30, |_| {}).unwrap();
    print::timeline(&player.watcher.entries, player.world.start, false)
}

fn error(names: &[PathBuf]) -> String {
    Cast::read(root(), names, Others::Live).err().unwrap().to_string()
}

#[test]
fn a_timeline_says_who_got_what_and_who_waits_for_what() {
    let script = Script::Scenario(
        "store quiet=21:00-08:00\n\
         at +12h30m signup by=nadia subscribed\n\
         at +12h30m signup by=tokyo subscribed zone=Asia/Tokyo\n\
         at +13h checkout T1 by=omar\n\
         at +14h order 7 by=omar checkout=T1\n\
         at +3d order 8 by=nadia\n\
         at +12d"
            .to_owned(),
    );
    insta::assert_snapshot!(timeline(&cast(&["ten-oclock.yaml"], false), &script));
}

#[test]
fn one_made_up_shopper_walks_a_journey() {
    let welcome = root().join("journeys/abandoned-checkout.yaml");
    let cast = Cast::read(root(), &[welcome], Others::None).unwrap();
    insta::assert_snapshot!(timeline(&cast, &Script::Event(None)));
}

#[test]
fn a_small_population_comes_to_the_same_every_time() {
    let plan = Plan {
        contacts: 200,
        seed: 1,
        days: 30,
        rates: Rates::default(),
    };
    let cast = cast(&["ten-oclock.yaml"], false);
    let figures = population::run(&cast, &plan).unwrap();
    assert_eq!((figures.mailed_after_unsubscribe, figures.dead_letters), (0, 0));
    insta::assert_snapshot!(figures);
}

#[test]
fn ten_oclock_is_ten_oclock_in_every_zone() {
    let zones: Vec<Zone> = Zone::all().collect();
    let cast = cast(&["ten-oclock.yaml"], true);
    let swept = sweep::sweep(&cast, &Script::Event(None), &zones, 10).unwrap();
    insta::assert_snapshot!(swept);
}

#[test]
fn a_time_that_the_clock_skips_is_told_as_odd() {
    let zones: Vec<Zone> = ["Europe/London", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]
        .iter()
        .map(|name| name.parse().unwrap())
        .collect();
    let swept = sweep::sweep(&cast(&["night.yaml"], true), &Script::Event(None), &zones, 10).unwrap();
    insta::assert_snapshot!(swept);
}

#[test]
fn mistakes_of_the_caller_are_told_with_their_place() {
    let path = |text: &str| text.replace(&root().display().to_string(), "…");
    let unknown = error(&[file("nowhere.yaml")]);
    let broken = error(&[file("broken.yaml")]);
    let story = |text: &str| {
        let played = cast(&[], false).play(&Script::Scenario(text.to_owned()), 1, |_| {});
        played.err().unwrap().to_string()
    };
    let lines = [
        story("at 1h signup by=nadia"),
        story("# fine\nat +1h sign-up by=nadia"),
        story("at +1h\nthen signup"),
        story("at +1h checkout T by=nadia items=many"),
        story("at +1h clicked nadia"),
        story("store region=mars"),
    ];
    insta::assert_snapshot!(path(&format!("{unknown}\n\n{broken}\n\n{}", lines.join("\n"))));
}

/// Commands of the guide that play one shopper, each with the time line it shows below.
#[test]
fn the_guide_shows_what_the_command_prints() {
    let guide = std::fs::read_to_string(root().join("docs/simulate.md")).unwrap();
    let mut seen = 0;
    for part in guide.split("    npm run simulate -- ").skip(1) {
        let (arguments, rest) = part.split_once('\n').unwrap();
        let Some(shown) = rest.trim_start().strip_prefix("```console\n") else {
            continue;
        };
        let shown = shown.split("```").next().unwrap();
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_wend"))
            .arg("simulate")
            .args(arguments.split(' '))
            .current_dir(root())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), shown, "{arguments}");
        seen += 1;
    }
    assert_eq!(seen, 2);
}
