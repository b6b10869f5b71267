//! Pictures of journeys as `wend graph` writes them: golden files, which the documentation shows.
//!
//! `UPDATE_DRAWINGS=1 cargo test --test it drawings` writes them anew; look at them before you commit.

use std::path::{Path, PathBuf};
use std::process::Command;
use wend::journey::check::check;
use wend::journey::lock::Mode;
use wend::journey::project::Project;

const LARGE: &str = "tests/fixtures/journeys/large.yaml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn wend(args: &[&str], out: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wend"));
    command.current_dir(root()).args(args).arg("--out").arg(out);
    command.output().unwrap().status.success()
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn golden(path: &str, drawn: &Path) {
    let drawn = std::fs::read_to_string(drawn).unwrap();
    let path = root().join(path);
    if std::env::var_os("UPDATE_DRAWINGS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "{} is not what is drawn now; look at it, and UPDATE_DRAWINGS=1 accepts it",
        path.display()
    );
}

#[test]
fn the_shipped_journeys_are_drawn_as_the_documentation_shows_them() {
    let folder = scratch("drawings");
    assert!(wend(&["graph"], &folder));
    for entry in std::fs::read_dir(root().join("journeys")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "yaml") {
            let name = format!("{}.svg", path.file_stem().unwrap().to_str().unwrap());
            golden(&format!("docs/images/journeys/{name}"), &folder.join(&name));
        }
    }
}

#[test]
fn a_large_journey_is_drawn() {
    let file = scratch("large.svg");
    assert!(wend(&["graph", LARGE], &file));
    golden("docs/images/large-journey.svg", &file);
}

#[test]
fn a_broken_journey_is_not_drawn() {
    let file = scratch("broken.yaml");
    std::fs::write(&file, "title: Broken\n").unwrap();
    assert!(!wend(&["graph", file.to_str().unwrap()], &scratch("broken.svg")));
}

#[test]
fn the_large_journey_is_sound() {
    let mut project = Project::read(root());
    let large = std::fs::read_to_string(root().join(LARGE)).unwrap();
    let emails = large
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- send: "));
    for email in emails.chain(["concierge-hello"]) {
        for (file, text) in [
            ("subject.txt", "{{ store.name }}"),
            ("email.txt", "{{ store.address }} {{ unsubscribe_url.is_some() }}"),
            (
                "email.html",
                "<p>{{ store.address }} {{ unsubscribe_url.is_some() }}</p>",
            ),
        ] {
            let path = format!("emails/{email}/{file}");
            project.templates.insert(path, text.to_owned());
        }
    }
    let small = "title: Other\nstage: retention\ntrigger: {on: Contact Updated, key: contact}\n\
                 steps:\n  - wait: 1h\n  - send: concierge-hello\n    stream: marketing\n";
    project.journeys = [
        ("concierge", small.to_owned()),
        ("browse-reminders", small.replace("1h", "2h")),
    ]
    .map(|(name, text)| (format!("journeys/{name}.yaml"), text))
    .into();
    project.journeys.insert("journeys/large.yaml".to_owned(), large);
    project.lock = None;
    let checked = check(&project, Mode::Append);
    assert_eq!(checked.findings, []);
    let catalog = checked.catalog.unwrap();
    let large = catalog
        .journeys
        .iter()
        .find(|journey| journey.id.as_str() == "large");
    assert!(large.unwrap().steps.len() >= 20);
}
