//! Holds the guides to what they say: every journey and piece of one in them passes the build, what they call broken
//! is refused in those words, and every time line they quote is one of a scenario.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use wend::journey::check::check;
use wend::journey::lock::Mode;
use wend::journey::project::Project;

/// What a piece of a journey is put into: the guides say so too, for the lines they quote.
/// The first line of the segments that the guide shows.
const SEGMENTS: &str = "# segments.yaml";
const HEAD: &str = "title: Offer\nstage: decision\ntrigger: { on: Order Completed, key: contact }\nsteps:\n";
const STEPS: &str = "  - send: welcome-hello\n    stream: marketing\n";
const TRIGGER: &str = "trigger: { on: Order Completed, key: contact }\n";

/// Fields of `store.yaml` that a guide may show by themselves.
const OF_STORE: [&str; 14] = [
    "catalogue:",
    "caps:",
    "quiet_hours:",
    "webhooks:",
    "team:",
    "region:",
    "referral:",
    "retention:",
    "tracking:",
    "utm:",
    "warm_up:",
    "topics:",
    "less_often:",
    "best_sellers:",
];

/// A fenced block of a guide.
struct Block {
    /// The file and line, for messages.
    place: String,
    /// What stands behind the fence: `yaml`, `yaml broken`, `text`.
    info: String,
    text: String,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn guides() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(top().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"))
        .collect();
    files.push(top().join("README.md"));
    files.sort();
    files
}

fn blocks() -> Vec<Block> {
    let mut all = Vec::new();
    for file in guides() {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.strip_prefix("```"), open.as_mut()) {
                (Some(_), Some(_)) => all.extend(open.take()),
                (Some(info), None) => {
                    open = Some(Block {
                        place: format!("{name}:{}", number + 1),
                        info: info.trim().to_owned(),
                        text: String::new(),
                    });
                }
                (None, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
    }
    all
}

impl Block {
    /// The first line that says something.
    fn first(&self) -> &str {
        let said = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
        self.text.lines().find(said).unwrap_or_default()
    }

    fn has(&self, field: &str) -> bool {
        self.text.lines().any(|line| line.starts_with(field))
    }

    /// The block as a whole journey.
    fn journey(&self) -> String {
        if self.first().starts_with("title:") {
            return self.text.clone();
        }
        if self.first().trim_start().starts_with("- ") {
            let indent = if self.first().starts_with("- ") { "  " } else { "" };
            let steps: Vec<String> = self.text.lines().map(|line| format!("{indent}{line}")).collect();
            return format!("{HEAD}{}\n", steps.join("\n"));
        }
        if self.first().starts_with("when:") {
            return self.conditions();
        }
        let trigger = if self.has("trigger:") { "" } else { TRIGGER };
        let steps = if self.has("steps:") {
            String::new()
        } else {
            format!("steps:\n{STEPS}")
        };
        format!("title: Offer\nstage: decision\n{trigger}{}{steps}", self.text)
    }

    /// Conditions one below the other: each becomes a send's.
    fn conditions(&self) -> String {
        let mut steps = String::new();
        for line in self.text.lines() {
            if line.starts_with("when:") {
                let number = steps.matches("- send").count();
                steps.push_str(&format!(
                    "  - send: welcome-hello\n    id: ask-{number}\n    stream: marketing\n"
                ));
            }
            steps.push_str(&format!("    {line}\n"));
        }
        format!("{HEAD}{steps}")
    }
}

/// Names that follow `word` anywhere in the text.
fn named<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    text.match_indices(word)
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric()))
        .map(|(at, found)| {
            let rest = &text[at + found.len()..];
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-');
            &rest[..end.unwrap_or(rest.len())]
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// A project that has all that a text names: emails, webhooks, other journeys.
fn around(file: &str, text: &str) -> Project {
    let mut project = Project::read(top());
    project.lock = None;
    project.journeys = BTreeMap::from([(file.to_owned(), text.to_owned())]);
    let variables = text
        .lines()
        .filter_map(|line| line.trim().split_once(": { value:"));
    let shown: String = variables
        .map(|(name, _)| format!(" {{{{ variables.{name} }}}}"))
        .collect();
    for email in named(text, "send: ").into_iter().chain(["welcome-hello"]) {
        for part in ["subject.txt", "email.html", "email.txt"] {
            let path = format!("emails/{email}/{part}");
            // What marketing must show.
            let foot = " {{ store.address }} {{ unsubscribe_url.is_some() }}";
            project
                .templates
                .insert(path, format!("{{{{ store.name }}}}{shown}{foot}\n"));
        }
    }
    for journey in named(text, "start: ").into_iter().chain(named(text, "stop: ")) {
        let other = format!("title: Other\nstage: decision\ntrigger: {{ manual: true }}\nsteps:\n{STEPS}");
        project
            .journeys
            .entry(format!("journeys/{journey}.yaml"))
            .or_insert(other);
    }
    project.segments = segments();
    let own = "\nevents: [Quiz Taken, Appointment Booked, ";
    let webhooks: Vec<String> = named(text, "notify: ")
        .iter()
        .map(|name| format!("{{ name: {name}, url: \"https://{name}.example\" }}"))
        .collect();
    let store = project.store.unwrap().replace("\nevents: [", own);
    let store = store.replacen(
        "\nwebhooks: []",
        &format!("\nwebhooks: [{}]", webhooks.join(", ")),
        1,
    );
    project.store = Some(store);
    project
}

/// The segments that the guide shows, which its journeys name.
fn segments() -> Option<String> {
    let all = blocks().into_iter();
    let mut shown = all.filter(|block| block.text.starts_with(SEGMENTS));
    shown.next().map(|block| block.text)
}

fn findings(project: &Project) -> String {
    let checked = check(project, Mode::Append);
    let lines = checked.findings.iter().map(|finding| format!("{finding}\n"));
    lines.collect()
}

fn file_of(block: &Block) -> String {
    let named = block
        .text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# journeys/"));
    let name = named
        .and_then(|rest| rest.split_once(".yaml"))
        .map(|(name, _)| name);
    format!("journeys/{}.yaml", name.unwrap_or("offer"))
}

#[test]
fn every_journey_in_the_guides_passes_the_build() {
    let (mut whole, mut wrong) = (0, String::new());
    for block in blocks().iter().filter(|block| block.info == "yaml") {
        let found = if OF_STORE.iter().any(|field| block.first().starts_with(field)) {
            let mut store = fs::read_to_string(top().join("store.yaml")).unwrap();
            for line in block.text.lines() {
                let field = line.split_once(':').map_or(line, |(field, _)| field);
                if field.is_empty() || line.starts_with(' ') {
                    continue;
                }
                // With the field goes what stands below it.
                let mut within = false;
                let kept = store.lines().filter(|kept| {
                    within = kept.starts_with(&format!("{field}:")) || within && kept.starts_with(' ');
                    !within
                });
                store = kept.collect::<Vec<_>>().join("\n");
            }
            let mut project = around("journeys/offer.yaml", &format!("{HEAD}{STEPS}"));
            project.store = Some(format!("{store}\n{}", block.text));
            findings(&project)
        } else if block.text.starts_with(SEGMENTS) {
            findings(&around("journeys/offer.yaml", &format!("{HEAD}{STEPS}")))
        } else {
            whole += usize::from(block.first().starts_with("title:"));
            findings(&around(&file_of(block), &block.journey()))
        };
        if !found.is_empty() {
            wrong.push_str(&format!("{}\n{found}", block.place));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(whole >= 3, "whole journeys are missing");
}

#[test]
fn what_the_guides_call_broken_is_refused_in_their_words() {
    let all = blocks();
    let (mut seen, mut wrong) = (0, String::new());
    for pair in all.windows(2).filter(|pair| pair[0].info == "yaml broken") {
        let (broken, said) = (&pair[0], &pair[1]);
        let mut project = around("journeys/offer.yaml", &broken.journey());
        // No more emails than there are: a misspelt one must not come true.
        project.templates = Project::read(top()).templates;
        let found = findings(&project);
        if found != said.text {
            wrong.push_str(&format!("{} is refused so:\n{found}", broken.place));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(seen >= 10, "broken journeys are missing");
}

#[test]
fn every_time_line_in_the_guides_is_of_a_scenario() {
    let mut scenarios = BTreeMap::new();
    for entry in fs::read_dir(top().join("tests/scenarios")).unwrap() {
        let path = entry.unwrap().path();
        scenarios.insert(
            path.file_stem().unwrap().to_string_lossy().into_owned(),
            fs::read_to_string(&path).unwrap(),
        );
    }
    let mut seen = 0;
    for block in blocks() {
        let lines: Vec<&str> = block.text.lines().filter(|line| line.starts_with('+')).collect();
        if block.info != "text" || lines.is_empty() {
            continue;
        }
        seen += 1;
        let holds = |text: &&String| {
            let below = text.split_once("\n----\n").map_or("", |(_, below)| below);
            lines
                .iter()
                .all(|line| below.lines().any(|held| held == line.trim_end()))
        };
        assert!(
            scenarios.values().any(|text| holds(&text)),
            "{}: no scenario has these lines",
            block.place
        );
    }
    assert!(seen >= 10, "time lines are missing");
}

#[test]
fn every_field_of_a_journey_is_in_the_guide() {
    let guide = fs::read_to_string(top().join("docs/journeys.md")).unwrap();
    let fields = wend::journey::language::JOURNEY.iter();
    let missing: Vec<&str> = fields
        .map(|field| field.name)
        .filter(|name| !guide.contains(&format!("| `{name}`")) && !guide.contains(&format!("`, `{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?} are in no table");
}
