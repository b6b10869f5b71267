//! `wend preview`: what is mailed and shown, with sample data and without a server. One email on the terminal; or all of
//! them in a folder, each in every language it is written in, with an index of what a mail program would be told.
//!
//! `npm run preview` makes its gallery of that folder, and the tests of mails hold it against their tools. It sends nothing.

use crate::save;
use anyhow::{Context, anyhow};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wend::domain::consent::ConsentState;
use wend::domain::contact::Profile;
use wend::domain::email::EmailAddress;
use wend::domain::message::Stream;
use wend::domain::preferences::Preferences;
use wend::domain::time::Timestamp;
use wend::journey::catalog::Catalog;
use wend::journey::definition::{Journey, Stage, Status};
use wend::journey::finding::unknown;
use wend::journey::step::{Recipient, Send};
use wend::render::emails::Rendered;
use wend::render::pages::{Page, page};
use wend::render::preferences::{self, Reader};
use wend::render::sample;
use wend::render::translation::translations_of;
use wend::render::words::words;

/// When the page of preferences is previewed: the days that it offers count from here.
const PREVIEWED_AT: &str = "2026-03-21T10:05:00Z";
/// Where all of it goes unless said.
const FOLDER: &str = "target/preview";
/// What is in the folder, for the gallery and for tests.
const INDEX: &str = "index.json";

#[derive(Args)]
pub struct Asked {
    /// A folder of templates/emails/. Without one, every email and page is written into the folder of --out.
    email: Option<String>,
    /// As a contact gets it who reads this language, as `ru` or `pt-BR`. Without an email, only this language.
    #[arg(long)]
    locale: Option<String>,
    /// As a contact of this first name gets it; an empty one is none.
    #[arg(long)]
    name: Option<String>,
    /// Print the subject and the text part in place of the HTML.
    #[arg(long, requires = "email")]
    text: bool,
    /// Write into this file; without an email, into this folder, `target/preview` unless said.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// All that was written.
#[derive(Serialize)]
struct Index<'a> {
    store: &'a str,
    url: &'a str,
    /// The language that emails are written in which have no translation.
    locale: &'a str,
    emails: Vec<Entry<'a>>,
    pages: Vec<String>,
}

/// One email in one language.
#[derive(Serialize)]
struct Entry<'a> {
    email: &'a str,
    locale: String,
    subject: String,
    stream: Stream,
    from: BTreeMap<&'static str, String>,
    reply_to: Option<String>,
    to: String,
    /// Besides the usual ones, as a provider gets them.
    headers: Vec<(String, String)>,
    journeys: Vec<Sender<'a>>,
    /// Paths in the folder.
    html: String,
    text: String,
}

/// A journey that sends the email.
#[derive(Serialize)]
struct Sender<'a> {
    id: &'a str,
    title: &'a str,
    stage: Stage,
    status: Status,
    /// Which of its steps sends it first.
    place: usize,
}

pub fn run(asked: &Asked) -> anyhow::Result<ExitCode> {
    let catalog = wend::generated::with_drafts()?;
    let Some(email) = &asked.email else {
        let folder = asked.out.as_deref().unwrap_or(Path::new(FOLDER));
        all(&catalog, asked, folder)?;
        writeln!(std::io::stdout().lock(), "{}", folder.display())?;
        return Ok(ExitCode::SUCCESS);
    };
    let locale = asked.locale.as_deref();
    let Rendered { subject, html, text } = rendered(&catalog, email, (locale, &asked.reader(locale)))?;
    let shown = if asked.text {
        format!("Subject: {subject}\n\n{text}\n")
    } else {
        html
    };
    match &asked.out {
        None => write!(std::io::stdout().lock(), "{shown}")?,
        Some(file) => save(file, &shown)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Asked {
    fn reader(&self, locale: Option<&str>) -> Profile {
        let sample = sample::profile_in(locale);
        Profile {
            first_name: self.name.clone().or(sample.first_name),
            ..sample
        }
    }
}

fn all(catalog: &Catalog, asked: &Asked, folder: &Path) -> anyhow::Result<()> {
    let store = &catalog.store;
    let wanted = asked.locale.as_deref();
    let mut index = Index {
        store: &store.brand.name,
        url: &store.brand.url,
        locale: &store.locale,
        emails: Vec::new(),
        pages: Vec::new(),
    };
    for email in &catalog.emails {
        let mut locales = vec![wanted.unwrap_or(&store.locale)];
        for translation in translations_of(email).filter(|_| wanted.is_none()) {
            locales.push(translation);
        }
        for locale in locales {
            index
                .emails
                .push(written(catalog, (email, locale), asked, folder)?);
        }
    }
    let mut save_page = |name: &str, html: &str| {
        let place = format!("pages/{name}.html");
        save(&folder.join(&place), html)?;
        index.pages.push(place);
        anyhow::Ok(())
    };
    for which in Page::ALL {
        save_page(which.name(), &page(which, store, words(wanted, &store.locale))?)?;
    }
    let (wishes, now) = (Preferences::default(), Timestamp::parse_rfc3339(PREVIEWED_AT)?);
    let reader = Reader {
        preferences: &wishes,
        consent: ConsentState::Subscribed,
        locale: wanted,
        timezone: None,
    };
    save_page("preferences", &preferences::page(catalog, reader, now, false)?)?;
    save(&folder.join(INDEX), &serde_json::to_string_pretty(&index)?)
}

/// Writes both parts of an email, and says what else a provider would be told of it.
fn written<'a>(
    catalog: &'a Catalog,
    (email, locale): (&'a str, &str),
    asked: &Asked,
    folder: &Path,
) -> anyhow::Result<Entry<'a>> {
    let mail = rendered(catalog, email, (Some(locale), &asked.reader(Some(locale))))?;
    let place = |suffix| format!("emails/{locale}/{email}.{suffix}");
    let (html, text) = (place("html"), place("txt"));
    save(&folder.join(&html), &mail.html)?;
    save(&folder.join(&text), &format!("{}\n", mail.text.trim()))?;
    let (stream, sender) = (stream_of(catalog, email), &catalog.store.sender);
    let team = sends(catalog, email).any(|(_, send)| send.to == Recipient::Team);
    let to = catalog.store.team.as_ref().filter(|_| team);
    Ok(Entry {
        email,
        locale: locale.to_owned(),
        subject: mail.subject,
        stream,
        from: BTreeMap::from([
            ("name", sender.name.clone()),
            ("address", sender.from.as_str().to_owned()),
        ]),
        reply_to: sender.reply_to.as_ref().map(|to| to.as_str().to_owned()),
        to: to.map_or(sample::ADDRESS, EmailAddress::as_str).to_owned(),
        headers: sample::headers(stream).context("the sample message has no id")?,
        journeys: senders(catalog, email),
        html,
        text,
    })
}

/// The subject of every email with sample data.
pub fn subjects(catalog: &Catalog) -> BTreeMap<String, String> {
    let subject = |email: &String| {
        let mail = rendered(catalog, email, (None, &sample::profile())).ok()?;
        Some((email.clone(), mail.subject))
    };
    catalog.emails.iter().filter_map(subject).collect()
}

fn rendered(
    catalog: &Catalog,
    email: &str,
    (locale, profile): (Option<&str>, &Profile),
) -> anyhow::Result<Rendered> {
    let rendered = sample::preview_for(
        (&catalog.store, profile),
        email,
        locale,
        stream_of(catalog, email),
        &variables_of(catalog, email),
    );
    let known = catalog.emails.iter().map(String::as_str);
    Ok(rendered.ok_or_else(|| anyhow!(unknown("email", email, known)))??)
}

/// Every step that sends the email, with its journey.
fn sends<'a>(catalog: &'a Catalog, email: &'a str) -> impl Iterator<Item = (&'a Journey, &'a Send)> {
    let of_journey = |journey: &'a Journey| {
        let sends = journey.steps.iter().filter_map(|step| step.kind.as_send());
        sends.map(move |send| (journey, send))
    };
    catalog
        .journeys
        .iter()
        .flat_map(of_journey)
        .filter(move |(_, send)| send.email.as_str() == email)
}

/// The journeys that send the email, each once; those that run before drafts.
fn senders<'a>(catalog: &'a Catalog, email: &'a str) -> Vec<Sender<'a>> {
    let mut senders: Vec<Sender<'a>> = Vec::new();
    for (journey, send) in sends(catalog, email) {
        let place = journey
            .steps
            .iter()
            .position(|step| step.kind.as_send() == Some(send));
        if senders.iter().all(|known| known.id != journey.id.as_str()) {
            senders.push(Sender {
                id: journey.id.as_str(),
                title: &journey.title,
                stage: journey.stage,
                status: journey.status,
                place: place.unwrap_or_default(),
            });
        }
    }
    senders.sort_by_key(|sender| sender.status == Status::Draft);
    senders
}

/// The variables of the journeys that send the email: a sample, what is shown where there is nothing else, or their names.
fn variables_of(catalog: &Catalog, email: &str) -> BTreeMap<String, String> {
    let variables = sends(catalog, email).flat_map(|(journey, _)| &journey.variables);
    let shown = variables.map(|variable| {
        let sample = sample::VARIABLES.iter().find(|(name, _)| *name == variable.name);
        let otherwise = Some(variable.otherwise.as_str()).filter(|text| !text.is_empty());
        let text = sample.map(|(_, text)| *text).or(otherwise);
        (variable.name.clone(), text.unwrap_or(&variable.name).to_owned())
    });
    shown.collect()
}

/// The stream that a journey sends the email in; marketing for one that no journey sends yet.
fn stream_of(catalog: &Catalog, email: &str) -> Stream {
    sends(catalog, email)
        .map(|(_, send)| send.stream)
        .next()
        .unwrap_or(Stream::Marketing)
}
