//! Keeps the shape of the code: who may use whom, a purpose on top of every file, and sizes that a reader can take
//! in. The table is the one of ARCHITECTURE.md; a new part of `src/` must be entered here before it can be used.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Which parts of `src/` each part may use, besides itself. `edge` may use every part.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("journey", &["domain"]),
    ("engine", &["domain", "journey"]),
    ("generated", &["journey"]),
    ("graph", &["domain", "journey"]),
    ("http", &["domain"]),
    ("imports", &["domain", "journey", "signing", "sources"]),
    // Marked anywhere by `planted!`, which names no part.
    ("planted", &[]),
    ("signing", &["domain", "http"]),
    ("sources", &["domain", "http", "signing"]),
    ("providers", &["domain", "http", "signing"]),
    // Of `journey` the store's settings only: brand and sender are what a mail is made with.
    ("render", &["domain", "journey", "signing"]),
    ("settings", &["domain", "providers", "render", "signing"]),
    ("store", &["domain", "engine", "journey"]),
    (
        "turn",
        &[
            "domain",
            "engine",
            "http",
            "journey",
            "providers",
            "render",
            "settings",
            "signing",
            "store",
        ],
    ),
    // The whole installation in memory: everything but sources and the edge.
    (
        "simulation",
        &[
            "domain",
            "engine",
            "generated",
            "http",
            "journey",
            "planted",
            "providers",
            "render",
            "settings",
            "signing",
            "store",
            "turn",
        ],
    ),
];

/// Who may grant a clearance: the gate, and nobody else. Without one no mail can be composed.
const ONLY_GATE: &str = "src/engine/guard.rs";

/// Crates that exist only in the Worker, and words that belong to its shell.
const ONLY_IN_EDGE: &[&str] = &[
    "worker",
    "worker_sys",
    "wasm_bindgen",
    "js_sys",
    "web_sys",
    "async",
    "await",
];

/// A source file, with comments and literals blanked out in `code` so that words in them do not count.
struct Source {
    path: String,
    text: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: blank_literals(text),
        }
    }

    /// The part of `src/` that the file belongs to: `engine` for `src/engine/steps/send.rs`, `http` for `src/http.rs`.
    fn part(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let part = inside.split('/').next()?.trim_end_matches(".rs");
        (!matches!(part, "lib" | "bin")).then_some(part)
    }

    fn is_edge(&self) -> bool {
        self.part() == Some("edge")
    }

    /// The code before the file's tests; nothing of a file that is all tests.
    fn untested_code(&self) -> &str {
        if self.path.ends_with("/tests.rs") {
            return "";
        }
        self.code
            .find("#[cfg(test)]\nmod ")
            .map_or(&*self.code, |end| &self.code[..end])
    }
}

#[test]
fn only_the_gate_clears_a_message() {
    report(findings(&["src"], |source| {
        let grants = source.code.contains("Clearance::grant");
        let problem = format!("{}: only {ONLY_GATE} may grant a clearance", source.path);
        (grants && source.path != ONLY_GATE)
            .then_some(problem)
            .into_iter()
            .collect()
    }));
}

#[test]
fn json_has_one_reader() {
    report(findings(&["src"], |source| {
        let second = source.code.contains("serde_json::from_slice");
        let problem = format!("{}: `http::json` reads bytes, as it says why", source.path);
        second.then_some(problem).into_iter().collect()
    }));
}

#[test]
fn every_file_says_what_it_is_for() {
    report(findings(&["src", "tests", "build.rs"], opening));
}

#[test]
fn every_part_uses_only_what_its_row_allows() {
    report(findings(&["src"], forbidden_uses));
}

#[test]
fn only_the_edge_names_the_worker() {
    report(findings(&["src"], edge_words));
}

#[test]
fn files_and_functions_are_short() {
    report(findings(&["src", "build.rs"], sizes));
}

#[test]
fn each_rule_finds_what_it_forbids() {
    let check =
        |rule: fn(&Source) -> Vec<String>, path: &str, text: &str| rule(&Source::new(path, text)).len();

    assert_eq!(check(opening, "src/a.rs", "use std::fmt;\n"), 1);
    assert_eq!(check(opening, "src/a.rs", "//! Why.\n"), 0);

    let uses = "use crate::{domain::{ids, time}, store};\nfn f() { crate::edge::g() }\n// crate::providers\n";
    assert_eq!(check(forbidden_uses, "src/engine/mod.rs", uses), 2);
    assert_eq!(check(forbidden_uses, "src/edge/mod.rs", uses), 0);
    assert_eq!(check(forbidden_uses, "src/unlisted.rs", "//! Why.\n"), 1);

    assert_eq!(
        check(edge_words, "src/http.rs", "use worker::Env;\nasync fn f() {}\n"),
        2
    );
    assert_eq!(
        check(
            edge_words,
            "src/http.rs",
            "// the worker\nconst WORKERS: &str = \"worker\";\n"
        ),
        0
    );
    assert_eq!(check(edge_words, "src/edge/mod.rs", "use worker::Env;\n"), 0);

    let body = "    let a = '{';\n".repeat(FUNCTION_LINES_MAX);
    assert_eq!(
        check(
            sizes,
            "src/a.rs",
            &format!("fn long() {{\n{body}}}\nfn short() {{}}\n")
        ),
        1
    );
    assert_eq!(
        check(
            sizes,
            "src/a.rs",
            &format!("#[cfg(test)]\nmod tests {{ fn long() {{\n{body}}} }}\n")
        ),
        0
    );
    assert_eq!(
        check(
            sizes,
            "src/a.rs",
            &"const A: u8 = 1;\n".repeat(FILE_LINES_MAX + 1)
        ),
        1
    );
}

fn opening(source: &Source) -> Vec<String> {
    if source.text.starts_with("//! ") {
        vec![]
    } else {
        vec!["does not start with `//!` and its purpose".to_owned()]
    }
}

fn forbidden_uses(source: &Source) -> Vec<String> {
    let Some(part) = source.part().filter(|_| !source.is_edge()) else {
        return vec![];
    };
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == part) else {
        return vec![format!("`{part}` has no row in the table of tests/it/tidy.rs")];
    };
    let is_known = |used: &str| used == "edge" || MAY_USE.iter().any(|(name, _)| *name == used);
    used_parts(&source.code)
        .into_iter()
        .filter(|used| is_known(used) && used != part && !allowed.contains(&used.as_str()))
        .map(|used| format!("`{part}` may not use `{used}`"))
        .collect()
}

/// What follows `crate::`, be it a path or a group of paths.
fn used_parts(code: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            parts.push(leading_name(rest));
            continue;
        };
        let mut depth = 1;
        let mut expecting = true;
        for (index, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => expecting = true,
                letter if depth == 1 && expecting && is_name_letter(letter) => {
                    parts.push(leading_name(&group[index..]));
                    expecting = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    parts
}

fn edge_words(source: &Source) -> Vec<String> {
    if source.is_edge() {
        return vec![];
    }
    let words = source.code.split(|letter| !is_name_letter(letter));
    words
        .filter(|word| ONLY_IN_EDGE.contains(word))
        .map(|word| format!("`{word}` belongs to src/edge/"))
        .collect()
}

fn sizes(source: &Source) -> Vec<String> {
    let code = source.untested_code();
    let mut found = Vec::new();
    let lines = code.lines().count();
    if lines > FILE_LINES_MAX {
        found.push(format!(
            "has {lines} lines before its tests, and {FILE_LINES_MAX} is the limit"
        ));
    }
    for (name, lines) in function_lengths(code) {
        if lines > FUNCTION_LINES_MAX {
            found.push(format!(
                "`{name}` has {lines} lines, and {FUNCTION_LINES_MAX} is the limit"
            ));
        }
    }
    found
}

/// Each function with its number of lines, from `fn` to its closing brace.
fn function_lengths(code: &str) -> Vec<(String, usize)> {
    let mut lengths = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let starts_a_word = !code[..at].ends_with(is_name_letter);
        let name = leading_name(&code[at + "fn ".len()..]);
        if !starts_a_word || name.is_empty() {
            continue;
        }
        // A declaration in a trait ends at `;` (one inside brackets is part of an array type) and has no body.
        let mut braces = 0;
        let mut brackets = 0;
        for (index, letter) in code[at..].char_indices() {
            match letter {
                '[' | '(' => brackets += 1,
                ']' | ')' => brackets -= 1,
                ';' if braces == 0 && brackets == 0 => break,
                '{' => braces += 1,
                '}' => braces -= 1,
                _ => {}
            }
            if letter == '}' && braces == 0 {
                lengths.push((name, code[at..at + index].lines().count()));
                break;
            }
        }
    }
    lengths
}

/// The text with comments, strings and character literals turned into spaces; lines stay where they are.
fn blank_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after_name = code.ends_with(is_name_letter);
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if letter == '"' {
            string_length(rest)
        } else if letter == 'r' && !after_name && raw_string_length(rest).is_some() {
            raw_string_length(rest).unwrap()
        } else if letter == '\'' {
            character_length(rest)
        } else {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        code.extend(
            rest[..length]
                .chars()
                .map(|letter| if letter == '\n' { '\n' } else { ' ' }),
        );
        rest = &rest[length..];
    }
    code
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (index, letter) in rest.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return index + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let hashes = rest[1..].chars().take_while(|letter| *letter == '#').count();
    let content = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let content_length = content.find(&end)?;
    Some(1 + hashes + 1 + content_length + end.len())
}

/// The length of a character literal, or 1 where the quote begins a lifetime.
fn character_length(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    let escaped = matches!(letters.next(), Some((_, '\\')));
    if escaped {
        letters.next();
        return letters
            .find(|(_, letter)| *letter == '\'')
            .map_or(1, |(index, _)| index + 1);
    }
    match letters.next() {
        Some((index, '\'')) => index + 1,
        _ => 1,
    }
}

fn is_name_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn leading_name(text: &str) -> String {
    text.chars()
        .take_while(|letter| is_name_letter(*letter))
        .collect()
}

/// What `rule` finds in the Rust files at these paths of the repository, each with its file.
fn findings(paths: &[&str], rule: fn(&Source) -> Vec<String>) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for path in paths {
        collect_rust_files(&root.join(path), &mut files);
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let source = Source::new(&path, &fs::read_to_string(&file).unwrap());
        all.extend(
            rule(&source)
                .into_iter()
                .map(|finding| format!("{path}: {finding}")),
        );
    }
    all
}

fn collect_rust_files(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect_rust_files(&entry.unwrap().path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && path.exists() {
        files.push(path.to_owned());
    }
}

fn report(findings: Vec<String>) {
    let text = findings.iter().fold(String::new(), |mut text, finding| {
        let _ = write!(text, "\n  {finding}");
        text
    });
    assert!(findings.is_empty(), "{text}\n");
}
