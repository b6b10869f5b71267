//! The JSON Schema that editors use says what the build says, as far as a schema can.

use serde_json::{Value, json};
use std::path::Path;
use wend::domain::ids::JourneyId;
use wend::journey::parse::parse;
use wend::journey::schema::{FILE, schema, text};

const SOUND: &str = "title: Cart
stage: decision
trigger: {on: Checkout Started, key: checkout_id, when: event.value > 0}
reenter: after 30d
exit: [{on: Order Completed, match: checkout}]
goal: {on: Order Completed, within: 5d}
holdout: 5%
moved: {old-step: exit}
steps:
  - wait: 1h
  - {send: nudge, stream: marketing, late: skip after 12h}
  - {goto: nudge, times: 3}
  - branch: [{when: contact.orders == 0, steps: [{tag: new}]}, {else: [exit]}]
  - {split: [{arm: a, weight: 50}, {arm: b, weight: 50}], id: test, by: contact}
  - {wait: {for: Email Clicked, timeout: 2d, then: continue, otherwise: exit}, id: click}
  - set: {favourite: mugs}
  - {send: reminder, stream: marketing}
";

/// What the parser and the schema both refuse.
const BOTH: [(&str, &str); 34] = [
    ("title: Cart\n", ""),
    ("title: Cart", "title: [Cart]"),
    ("stage: decision", "stage: purchase"),
    ("stage: decision", "stage: decision\nlane: fast"),
    ("stage: decision", "stage: decision\ncooldown: 7"),
    ("stage: decision", "stage: decision\ncooldwn: 7d"),
    ("stage: decision", "stage: decision\npriority: 101"),
    ("stage: decision", "stage: decision\nstatus: asleep"),
    ("on: Checkout Started, ", ""),
    (", key: checkout_id", ""),
    ("key: checkout_id", "key: checkout"),
    ("key: checkout_id", "key: checkout_id, refresh: all"),
    ("when: event.value > 0", "when: true"),
    ("after 30d", "after soon"),
    ("after 30d", "sometimes"),
    ("match: checkout", "match: cart"),
    ("exit: [{on", "exit: [{event"),
    (", within: 5d", ""),
    ("within: 5d", "within: 5d, then: [x]"),
    ("5%", "60%"),
    ("5%", "5"),
    ("old-step: exit", "old-step: Next Step"),
    ("stream: marketing, late", "straem: marketing, late"),
    ("stream: marketing, late", "stream: maybe, late"),
    ("skip after 12h", "later"),
    ("send: nudge", "wait: 1h, send: nudge"),
    ("wait: 1h", "wiat: 1h"),
    ("wait: 1h", "wait: an hour"),
    (", times: 3", ""),
    ("weight: 50}, {arm: b", "weight: 0}, {arm: b"),
    ("timeout: 2d, ", ""),
    ("otherwise: exit", "otherwise: stop"),
    ("id: test", "id: exit"),
    ("id: test", "id: First Test"),
];

/// What only the build sees: it depends on the step before, on a sum, or on the order.
const ONLY_THE_BUILD: [(&str, &str); 5] = [
    (", stream: marketing, late", ", late"),
    ("weight: 50}, {arm: b", "weight: 40}, {arm: b"),
    (", id: test", ""),
    (
        "{else: [exit]}",
        "{else: [exit]}, {when: contact.orders > 1, steps: []}",
    ),
    ("holdout: 5%", "holdout: 5%\nmoved: {}"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// YAML as an editor reads it; none when it is not YAML.
fn value(yaml: &str) -> Option<Value> {
    serde_saphyr::from_str(yaml).ok()
}

/// What the schema says against a value.
fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn is_parsed(text: &str) -> bool {
    parse(JourneyId::parse("cart").unwrap(), "cart.yaml", text).is_ok_and(|parsed| parsed.is_complete())
}

#[test]
fn the_file_is_what_the_tables_say() {
    assert!(read(FILE) == text(), "`npm run schema` writes {FILE}; commit it");
    assert!(jsonschema::meta::is_valid(&schema()));
}

#[test]
fn the_journeys_are_valid_and_name_their_schema() {
    let mut files = vec!["tests/fixtures/journeys/large.yaml".to_owned()];
    for entry in std::fs::read_dir(root().join("journeys")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".yaml") {
            files.push(format!("journeys/{name}"));
        }
    }
    assert!(files.len() > 3);
    for file in files {
        let text = read(&file);
        let named = text.lines().next().unwrap();
        let schema_file = named.strip_prefix("# yaml-language-server: $schema=").unwrap();
        let folder = root().join(&file).parent().unwrap().join(schema_file);
        assert_eq!(
            folder.canonicalize().unwrap(),
            root().join(FILE).canonicalize().unwrap()
        );
        assert_eq!(
            errors(&schema(), &value(&text).unwrap()),
            Vec::<String>::new(),
            "{file}"
        );
    }
}

#[test]
fn what_the_documentation_shows_is_valid() {
    let mut parts = schema();
    parts["required"] = json!([]);
    let mut shown = 0;
    let document = read("docs/journeys.md");
    for block in document.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        // Conditions stand one to a line, as alternatives.
        let alternatives = block.lines().filter(|line| line.starts_with("when: ")).count() > 1;
        let snippets: Vec<&str> = if alternatives {
            block.lines().collect()
        } else {
            vec![block]
        };
        for snippet in snippets {
            // Segments and parts of store.yaml have no schema.
            let fields = [
                "title", "trigger", "steps", "exit", "goal", "moved", "when", "reenter", "window",
            ];
            let foreign =
                |map: &serde_json::Map<String, Value>| !fields.iter().any(|field| map.contains_key(*field));
            if value(snippet).and_then(|said| said.as_object().map(foreign)) == Some(true) {
                continue;
            }
            let said = match value(snippet).unwrap_or_else(|| panic!("{snippet}")) {
                Value::Array(steps) => json!({ "steps": steps }),
                Value::Object(map) if map.contains_key("when") => {
                    json!({ "exit": [{ "on": "Order Completed", "when": map["when"] }] })
                }
                other => other,
            };
            let whole = said.get("title").is_some();
            let against = if whole { &schema() } else { &parts };
            assert_eq!(errors(against, &said), Vec::<String>::new(), "{snippet}");
            shown += 1;
        }
    }
    assert!(shown >= 10, "{shown} snippets");
}

#[test]
fn the_schema_refuses_what_the_parser_refuses_for_its_form() {
    assert!(is_parsed(SOUND));
    assert_eq!(errors(&schema(), &value(SOUND).unwrap()), Vec::<String>::new());
    for (from, to) in BOTH {
        assert!(SOUND.contains(from), "{from}");
        let broken = SOUND.replacen(from, to, 1);
        assert!(!is_parsed(&broken), "the parser takes `{to}` for `{from}`");
        let errors = errors(&schema(), &value(&broken).unwrap());
        assert!(!errors.is_empty(), "the schema takes `{to}`");
    }
    for (from, to) in ONLY_THE_BUILD {
        assert!(SOUND.contains(from), "{from}");
        let broken = SOUND.replacen(from, to, 1);
        assert!(!is_parsed(&broken), "the parser takes `{to}`");
        // A key that stands twice is no YAML to some readers.
        let errors = value(&broken).map(|value| errors(&schema(), &value));
        assert!(
            errors.is_none_or(|errors| errors.is_empty()),
            "the schema sees `{to}` too"
        );
    }
}
