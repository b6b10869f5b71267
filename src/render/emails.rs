//! One askama struct for each file in `templates/emails/`, and the list of emails: build.rs writes them.

use super::model::Model;
use super::questions::{Gift, Question};
use super::typography;
use askama::Template;
use std::ops::Deref;

/// The three parts of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub html: String,
    pub text: String,
}

include!(concat!(env!("OUT_DIR"), "/emails.rs"));

fn parts(m: &Model<'_>, html: impl Template, text: impl Template) -> askama::Result<Rendered> {
    let html = typography::bound(html.render()?, m.store.locale);
    let text = text.render()?;
    Ok(Rendered {
        subject: m.subject.clone(),
        html,
        text,
    })
}
