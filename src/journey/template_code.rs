//! The Rust that makes email templates known to askama: one struct a file, and one function that renders by name.
//!
//! Called by build.rs, which writes it to `OUT_DIR/emails.rs`; `render/emails.rs` includes it and brings `Model`,
//! `Rendered`, `Template`, `Deref` and `parts` into its scope.

use super::template_check::PARTS;

/// The code for these emails, whose names have been checked. `folder` says where an email's own is, from `templates/`.
pub fn generate(emails: &[String], folder: impl Fn(&str) -> String) -> String {
    let mut code = String::from("// Written by build.rs: one struct for each file in templates/emails/.\n\n");
    for email in emails {
        for (part, suffix) in PARTS.iter().zip(["Subject", "Html", "Text"]) {
            code.push_str(&structure(email, &folder(email), part, suffix));
        }
    }
    code.push_str(&registry(emails));
    code
}

/// `CheckoutNudge` of `checkout-nudge`.
fn type_name(email: &str) -> String {
    email
        .split('-')
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

fn structure(email: &str, folder: &str, part: &str, suffix: &str) -> String {
    let name = format!("{}{suffix}", type_name(email));
    format!(
        r#"/// `templates/{folder}/{part}`
#[derive(Template)]
#[template(path = "{folder}/{part}")]
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

fn registry(emails: &[String]) -> String {
    let mut code = format!(
        "/// Names of all emails, sorted.\npub const NAMES: [&str; {}] = {emails:?};\n\n\
         /// Renders the three parts of an email; none when there is no such email.\n\
         pub fn render(email: &str, m: &Model<'_>) -> Option<askama::Result<Rendered>> {{\n    match email {{\n",
        emails.len()
    );
    for email in emails {
        let name = type_name(email);
        code.push_str(&format!(
            "        {email:?} => Some({name}Subject {{ m }}.render().map(|subject| m.with_subject(&subject)).and_then(|m| {{\n            \
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
        let code = generate(&["welcome-hello".to_owned()], |email| format!("emails/{email}"));
        assert!(code.contains("pub struct WelcomeHelloSubject<'a>"));
        assert!(code.contains("path = \"emails/welcome-hello/email.html\""));
        assert!(code.contains("\"welcome-hello\" => Some(WelcomeHelloSubject { m }"));
    }
}
