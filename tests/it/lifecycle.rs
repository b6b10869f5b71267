//! Holds the programme in `journeys/` together: it is told of in the guide, played by scenarios, and sound as a whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use wend::journey::catalog::Catalog;
use wend::journey::check::check;
use wend::journey::definition::{Journey, Status};
use wend::journey::lock::Mode;
use wend::journey::project::Project;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn programme() -> (Project, Catalog) {
    let project = Project::read(top());
    let checked = check(&project, Mode::Append);
    let whole = checked.with_drafts.unwrap_or_else(|| {
        let findings: Vec<String> = checked.findings.iter().map(ToString::to_string).collect();
        panic!("{}", findings.join("\n"))
    });
    (project, whole)
}

fn emails(journey: &Journey) -> BTreeSet<&str> {
    let steps = journey.steps.iter();
    steps
        .filter_map(|step| Some(step.kind.as_send()?.email.as_str()))
        .collect()
}

/// A store may switch on all of it: no two of them collide, and none needs another that is not there.
#[test]
fn the_whole_programme_may_be_live_at_once() {
    let (mut project, _) = programme();
    for text in project.journeys.values_mut() {
        *text = text.replace("status: draft\n", "");
    }
    let checked = check(&project, Mode::Append);
    let findings: Vec<String> = checked.findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    let live = checked.catalog.unwrap();
    assert!(live.journeys.len() >= 30, "{}", live.journeys.len());
}

/// The guide's row of a journey: its stage is the heading above, the last cell its status, and all its mails stand there.
#[test]
fn the_guide_tells_of_every_journey() {
    let (_, whole) = programme();
    let guide = fs::read_to_string(top().join("docs/lifecycle.md")).unwrap();
    let mut stage = "";
    let mut told = BTreeSet::new();
    for line in guide.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            stage = heading;
        }
        let Some(name) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()) else {
            continue;
        };
        let journey = whole.journeys.iter().find(|journey| journey.id.as_str() == name);
        let journey = journey.unwrap_or_else(|| panic!("the guide has `{name}`, which is no journey"));
        assert!(told.insert(name.to_owned()), "`{name}` stands twice");
        assert_eq!(stage, format!("{:?}", journey.stage), "{name}");
        let status = line.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let is_draft = journey.status == Status::Draft;
        assert_eq!(status == "draft", is_draft, "{name} is `{status}` in the guide");
        for email in emails(journey) {
            let short = email.rsplit_once('-').map_or("", |(_, number)| number);
            let named = line.contains(&format!("`{email}`")) || line.contains(&format!("to `-{short}`"));
            let between = email.starts_with("course-lesson-");
            assert!(named || between, "{name}: `{email}` is not in its row");
        }
    }
    let all: BTreeSet<String> = whole
        .journeys
        .iter()
        .map(|journey| journey.id.to_string())
        .collect();
    assert_eq!(told, all);
}

#[test]
fn every_draft_is_played_by_a_scenario() {
    let (_, whole) = programme();
    let files = fs::read_dir(top().join("tests/scenarios")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let played: BTreeSet<String> = texts
        .flat_map(|text| {
            let lines = text.lines().filter_map(|line| line.strip_prefix("drafts "));
            let names: Vec<String> = lines.flat_map(str::split_whitespace).map(str::to_owned).collect();
            names
        })
        .collect();
    let drafts = whole
        .journeys
        .iter()
        .filter(|journey| journey.status == Status::Draft);
    let unplayed: Vec<&str> = drafts
        .map(|draft| draft.id.as_str())
        .filter(|draft| !played.contains(*draft))
        .collect();
    assert!(unplayed.is_empty(), "no scenario plays {unplayed:?}");
}

/// The first lines of a journey say whom it is for and what it must achieve.
#[test]
fn every_journey_says_whom_it_is_for() {
    let (project, whole) = programme();
    for draft in whole
        .journeys
        .iter()
        .filter(|journey| journey.status == Status::Draft)
    {
        let text = &project.journeys[&format!("journeys/{}.yaml", draft.id)];
        let comment: Vec<&str> = text
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with("# "))
            .collect();
        let said = comment.join(" ");
        assert!(said.starts_with("# For "), "{}: `{said}`", draft.id);
        assert!(said.len() > 60, "{}: `{said}`", draft.id);
    }
}

/// A code that a mail promises exists in the shop only if the comment told its owner to make it.
#[test]
fn the_codes_of_drafts_are_told_of() {
    let (project, whole) = programme();
    for draft in whole
        .journeys
        .iter()
        .filter(|journey| journey.status == Status::Draft)
    {
        let text = &project.journeys[&format!("journeys/{}.yaml", draft.id)];
        let comment: String = text.lines().filter(|line| line.starts_with('#')).collect();
        for code in text.split("coupon: { code: ").skip(1) {
            let code = code.split(',').next().unwrap();
            assert!(comment.contains(code), "{}: {code}", draft.id);
        }
    }
}
