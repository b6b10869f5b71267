//! `status: draft`: checked and played like any other journey, and no part of the Worker.

use crate::journeys::{project, run, said, with};
use std::fs;
use std::path::{Path, PathBuf};
use wend::journey::project::Project;
use wend::simulation::cast::{Cast, Others, Script};
use wend::simulation::effects::Effects;
use wend::simulation::player::Player;

const TRIAL: &str = "title: Trial
stage: awareness
status: draft
trigger: { on: Signed Up, key: contact }
steps:
  - wait: 30h
  - send: trial-hello
    stream: marketing
  - wait: 1d
  - send: checkout-nudge
";

/// The small project with a draft whose first email nobody else sends.
fn with_trial(text: &str) -> Project {
    let mut project = project();
    for part in ["subject.txt", "email.html", "email.txt"] {
        let like = project.templates[&format!("emails/welcome-hello/{part}")].clone();
        project
            .templates
            .insert(format!("emails/trial-hello/{part}"), like);
    }
    project
        .journeys
        .insert("journeys/trial.yaml".to_owned(), text.to_owned());
    project
}

#[test]
fn a_draft_and_what_only_it_sends_stay_out_of_the_worker() {
    let (plain, drafted) = (run(&project()), run(&with_trial(TRIAL)));
    assert_eq!(said(&drafted), "");
    let (plain, live) = (plain.catalog.unwrap(), drafted.catalog.as_ref().unwrap());
    assert_eq!(*live, plain, "the Worker is the same, its hash too");
    assert!(
        !drafted
            .folders_of(live)
            .iter()
            .any(|folder| folder == "trial-hello")
    );
    assert!(
        live.emails.iter().any(|email| email == "checkout-nudge"),
        "a live journey sends it too"
    );
    assert!(
        live.emails.iter().any(|email| email == "welcome-hello"),
        "no journey sends it: people of yesterday's may wait for it"
    );
    assert!(!drafted.lock.as_ref().unwrap().contains("trial"));

    let whole = drafted.with_drafts.as_ref().unwrap();
    assert_eq!(whole.journeys.len(), live.journeys.len() + 1);
    assert!(
        drafted
            .folders_of(whole)
            .iter()
            .any(|folder| folder == "trial-hello")
    );
    assert_ne!(whole.hash, live.hash);
}

#[test]
fn without_the_line_it_is_live() {
    let live = run(&with_trial(&with(TRIAL, "status: draft\n", "")));
    assert_eq!(said(&live), "");
    assert!(
        live.lock
            .as_ref()
            .unwrap()
            .contains("trial:\n  - before-trial-hello\n")
    );
    assert_eq!(live.catalog, live.with_drafts);
}

#[test]
fn a_draft_is_held_to_what_every_journey_is_held_to() {
    let misspelt = run(&with_trial(&with(TRIAL, "send: trial-hello", "send: trial-helo")));
    assert!(misspelt.catalog.is_none() && misspelt.with_drafts.is_none());
    insta::assert_snapshot!(said(&misspelt), @"journeys/trial.yaml:7:11: unknown email `trial-helo`; did you mean `trial-hello`?");
}

#[test]
fn a_live_journey_is_no_draft_again_while_people_are_in_it() {
    let mut project = with_trial(&with(TRIAL, "status: draft\n", ""));
    project.lock = run(&project).lock;
    project
        .journeys
        .insert("journeys/trial.yaml".to_owned(), TRIAL.to_owned());
    insta::assert_snapshot!(said(&run(&project)), @"journeys/trial.yaml:3:9: `trial` was live, and people may be in it (journeys.lock:8): say `paused`, `draining` or `retired`, or delete its lines there if everyone who is in it shall leave");
}

#[test]
fn what_is_live_starts_no_draft() {
    let mut project = with_trial(TRIAL);
    let starter = "title: Quiz\nstage: awareness\ntrigger: { on: Quiz Taken, key: contact }\nsteps:\n  - start: trial\n";
    project
        .journeys
        .insert("journeys/quiz.yaml".to_owned(), starter.to_owned());
    insta::assert_snapshot!(said(&run(&project)), @"journeys/quiz.yaml:5:12: `trial` is a draft, so the Worker has no such journey: delete its line `status: draft`, or leave this step out");
    let both = starter.replace("stage: awareness", "stage: awareness\nstatus: draft");
    project.journeys.insert("journeys/quiz.yaml".to_owned(), both);
    assert_eq!(said(&run(&project)), "", "two drafts may");
}

/// The repository's own project in a folder of its own, with the draft among its journeys.
fn on_disk() -> PathBuf {
    let (from, to) = (
        Path::new(env!("CARGO_MANIFEST_DIR")),
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("drafts"),
    );
    let _ = fs::remove_dir_all(&to);
    for folder in ["journeys", "templates"] {
        copy(&from.join(folder), &to.join(folder));
    }
    fs::copy(from.join("store.yaml"), to.join("store.yaml")).unwrap();
    fs::copy(from.join("segments.yaml"), to.join("segments.yaml")).unwrap();
    // What there is to play is the trial alone, whatever drafts the repository has.
    let drafts = fs::read_dir(to.join("journeys")).unwrap();
    for draft in drafts.map(|entry| entry.unwrap().path()) {
        if fs::read_to_string(&draft).unwrap().contains("\nstatus: draft\n") {
            fs::remove_file(draft).unwrap();
        }
    }
    let trial = TRIAL.replace("trial-hello", "welcome-story");
    fs::write(to.join("journeys/trial.yaml"), trial).unwrap();
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn played(cast: &Cast, script: &str) -> String {
    let world = cast.world(wend::simulation::player::provider(script)).unwrap();
    let mut player = Player::new(world, Effects::default());
    player.play(script).unwrap();
    player.watcher.text()
}

#[test]
fn it_plays_where_it_is_asked_for() {
    let root = on_disk();
    let signup = "at +0m signup by=nadia subscribed\nat +32h\n";
    let cast = |others| Cast::read(&root, &[], others).unwrap();

    let unasked = played(&cast(Others::Live), signup);
    assert!(!unasked.contains("trial"), "{unasked}");
    let asked = played(&cast(Others::Live), &format!("drafts trial\n{signup}"));
    insta::assert_snapshot!(asked, @r"
    +0s        started trial for nadia@example.com
    +0s        started welcome for nadia@example.com
    +0s        sent welcome-hello to nadia@example.com
    +1d6h      sent welcome-story to nadia@example.com
    ");
    assert_eq!(played(&cast(Others::AndDrafts), signup), asked, "a population's");
    let named = Cast::read(&root, &[root.join("journeys/trial.yaml")], Others::Live).unwrap();
    assert_eq!(played(&named, signup), asked, "by its file");

    let nowhere = named.play(&Script::Scenario(format!("drafts tiral\n{signup}")), 1, |_| {});
    assert_eq!(
        nowhere.err().unwrap().to_string(),
        "line 1: there is no journeys/tiral.yaml"
    );
}
