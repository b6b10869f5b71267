//! The Rust that makes email templates known to askama: one struct a file, and one function that renders by name.
//!
//! Called by build.rs, which writes it to `OUT_DIR/emails.rs`; `render/emails.rs` includes it and brings `Model`,
//! `Rendered`, `Template`, `Deref` and `parts` into its scope.

use super::email_shape::{GIFTS, QUESTIONS};
use super::template_check::{Declared, PARTS};
use super::words::Language;
use std::collections::{BTreeMap, BTreeSet};

/// What emails show besides what every email can.
#[derive(Debug, Default)]
pub struct Shown {
    /// The variables of journeys, sorted.
    pub variables: Vec<String>,
    /// By email, what it names of that which `store.yaml` declares.
    pub declared: BTreeMap<String, BTreeSet<Declared>>,
}

impl Shown {
    fn names(&self, kind: &str) -> Vec<String> {
        let all = self.declared.values().flatten();
        let names: BTreeSet<&String> = all
            .filter(|(under, _)| *under == kind)
            .map(|(_, name)| name)
            .collect();
        names.into_iter().cloned().collect()
    }
}

/// The code for the emails and translations in these folders, whose names have been checked. `path` says where a folder
/// is, from `templates/`.
pub fn generate(folders: &[String], shown: &Shown, path: impl Fn(&str) -> String) -> String {
    let mut code = String::from("// Written by build.rs: one struct for each file in templates/emails/.\n\n");
    for folder in folders {
        for (part, suffix) in PARTS.iter().zip(["Subject", "Html", "Text"]) {
            code.push_str(&structure(folder, &path(folder), part, suffix));
        }
    }
    code.push_str(&fields_of(
        "Variables",
        "What journeys call `variables`",
        "String",
        &shown.variables,
    ));
    for (kind, name, what) in [(QUESTIONS, "Questions", "Question"), (GIFTS, "Gifts", "Gift")] {
        let about = format!("What `store.yaml` declares under `{kind}`");
        code.push_str(&fields_of(name, &about, what, &shown.names(kind)));
    }
    code.push_str(&asks(shown));
    code.push_str(&registry(folders));
    code
}

/// The code for what pages say, in all languages. English is the first, and all have its names.
pub fn generate_words(languages: &[Language]) -> String {
    let english = languages.first();
    let names: Vec<&String> = english.iter().flat_map(|english| english.texts.keys()).collect();
    let fields: String = names
        .iter()
        .map(|name| format!("    pub {name}: &'static str,\n"))
        .collect();
    let mut code = format!(
        "/// What the pages say, in one language.\n#[derive(Debug)]\npub struct Words {{\n    \
         /// BCP 47 tag of the language.\n    pub tag: &'static str,\n{fields}}}\n\n\
         /// English first.\npub static WORDS: [Words; {}] = [\n",
        languages.len()
    );
    for language in languages {
        code.push_str(&format!("    Words {{\n        tag: {:?},\n", language.tag));
        for (name, text) in &language.texts {
            code.push_str(&format!("        {name}: {text:?},\n"));
        }
        code.push_str("    },\n");
    }
    code.push_str("];\n");
    code
}

/// `CheckoutNudge` of `checkout-nudge`, `CheckoutNudge_PtBR` of `checkout-nudge/pt-BR`: no email has that name too.
fn type_name(folder: &str) -> String {
    match folder.split_once('/') {
        Some((email, language)) => format!("{}_{}", words(email), words(language)),
        None => words(folder),
    }
}

fn words(name: &str) -> String {
    name.split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}

fn structure(folder: &str, path: &str, part: &str, suffix: &str) -> String {
    let name = format!("{}{suffix}", type_name(folder));
    format!(
        r#"/// `templates/{path}/{part}`
#[allow(non_camel_case_types, reason = "keeps translations apart from emails")]
#[derive(Template)]
#[template(path = "{path}/{part}")]
pub struct {name}<'a> {{
    pub m: &'a Model<'a>,
}}

impl<'a> Deref for {name}<'a> {{
    type Target = Model<'a>;

    fn deref(&self) -> &Model<'a> {{
        self.m
    }}
}}

"#
    )
}

/// Names as the fields of a struct: a template that shows one it has not is then no Rust.
fn fields_of(structure: &str, about: &str, kind: &str, names: &[String]) -> String {
    let fields: String = names
        .iter()
        .map(|name| format!("    pub {name}: {kind},\n"))
        .collect();
    let taken: String = names
        .iter()
        .map(|name| format!("            {name}: take({name:?}),\n"))
        .collect();
    let take = if names.is_empty() { "_take" } else { "mut take" };
    format!(
        "/// {about}: every one that any email shows.\n\
         #[derive(Debug, Clone, Default, PartialEq, Eq)]\npub struct {structure} {{\n{fields}}}\n\n\
         impl {structure} {{\n    pub fn new({take}: impl FnMut(&str) -> {kind}) -> Self {{\n        Self {{\n{taken}        }}\n    }}\n}}\n\n"
    )
}

/// Which questions and gifts each email names, so that no other signs links for them.
fn asks(shown: &Shown) -> String {
    let about = "/// The questions and the gifts that an email names.\n";
    let answer = "-> (&'static [&'static str], &'static [&'static str])";
    if shown.declared.is_empty() {
        return format!("{about}pub fn asks(_email: &str) {answer} {{\n    (&[], &[])\n}}\n\n");
    }
    let mut code = format!("{about}pub fn asks(email: &str) {answer} {{\n    match email {{\n");
    for (email, declared) in &shown.declared {
        let of = |kind: &str| -> Vec<&String> {
            let names = declared.iter().filter(|(under, _)| *under == kind);
            names.map(|(_, name)| name).collect()
        };
        code.push_str(&format!(
            "        {email:?} => (&{:?}, &{:?}),\n",
            of(QUESTIONS),
            of(GIFTS)
        ));
    }
    code.push_str("        _ => (&[], &[]),\n    }\n}\n\n");
    code
}

fn registry(folders: &[String]) -> String {
    let mut code = format!(
        "/// The folders of all emails and translations, sorted.\npub const FOLDERS: [&str; {}] = {folders:?};\n\n\
         /// Renders the three parts of the email in a folder; none when there is no such folder.\n\
         #[allow(clippy::too_many_lines, reason = \"three lines an email\")]\n\
         pub fn render(folder: &str, m: &Model<'_>) -> Option<askama::Result<Rendered>> {{\n    match folder {{\n",
        folders.len()
    );
    for folder in folders {
        let name = type_name(folder);
        code.push_str(&format!(
            "        {folder:?} => Some({name}Subject {{ m }}.render().map(|subject| m.with_subject(&subject)).and_then(|m| {{\n            \
             parts(&m, {name}Html {{ m: &m }}, {name}Text {{ m: &m }})\n        }})),\n"
        ));
    }
    code.push_str("        _ => None,\n    }\n}\n");
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_types() {
        assert_eq!(type_name("checkout-last-call"), "CheckoutLastCall");
        assert_eq!(type_name("checkout-nudge/pt-BR"), "CheckoutNudge_PtBR");
        let asked = BTreeSet::from([(QUESTIONS, "nps".to_owned())]);
        let shown = Shown {
            variables: vec!["score".to_owned()],
            declared: [("welcome-hello".to_owned(), asked)].into(),
        };
        let code = generate(&["welcome-hello".to_owned()], &shown, |email| {
            format!("emails/{email}")
        });
        assert!(code.contains("    pub nps: Question,"));
        assert!(code.contains("\"welcome-hello\" => (&[\"nps\"], &[])"));
        assert!(code.contains("pub struct WelcomeHelloSubject<'a>"));
        assert!(code.contains("    pub score: String,"));
        assert!(code.contains("path = \"emails/welcome-hello/email.html\""));
        let words = generate_words(&[Language {
            tag: "en".to_owned(),
            texts: [("back".to_owned(), "Go \"back\"".to_owned())].into(),
        }]);
        assert!(words.contains("pub back: &'static str,") && words.contains(r#"back: "Go \"back\"","#));
        assert!(code.contains("\"welcome-hello\" => Some(WelcomeHelloSubject { m }"));
    }
}
