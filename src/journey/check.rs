//! All checks of a project in one call: the build, `wend lint` and the tests see the same findings.

use super::catalog::Catalog;
use super::definition::Journey;
use super::finding::Finding;
use super::lint::{self, Names};
use super::lock::{self, Mode};
use super::parse::{self, Parsed};
use super::project::{JOURNEYS, Project, STORE, TEMPLATES};
use super::question_check;
use super::segment_file;
use super::store_check;
use super::store_file::StoreFile;
use super::taking_part::{self, is_live, taking_part};
use super::template_check::{self, Declared};
use super::template_code::Shown;
use super::words::{self, Language};
use super::yaml::{self, Value};
use crate::domain::ids::JourneyId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the checks came to.
#[derive(Debug)]
pub struct Checked {
    /// What the Worker is built with: everything but drafts. None when there are findings.
    pub catalog: Option<Catalog>,
    /// The same with the drafts. None when there are findings.
    pub with_drafts: Option<Catalog>,
    /// Sorted by file and place.
    pub findings: Vec<Finding>,
    /// `journeys.lock` as it should be, when it is not.
    pub lock: Option<String>,
    /// The folders of all emails and their translations, sorted.
    pub email_folders: Vec<String>,
    /// The variables of journeys that emails show, by email.
    pub email_variables: BTreeMap<String, BTreeSet<String>>,
    /// What emails name of that which `store.yaml` declares, by email.
    pub email_declared: BTreeMap<String, BTreeSet<Declared>>,
    /// What pages say, in all languages, English first.
    pub words: Vec<Language>,
}

impl Checked {
    /// The folders of a catalog's emails and of their translations, sorted.
    pub fn folders_of(&self, catalog: &Catalog) -> Vec<String> {
        let email = |folder: &str| {
            folder
                .split_once('/')
                .map_or(folder, |(email, _)| email)
                .to_owned()
        };
        let folders = self.email_folders.iter();
        folders
            .filter(|folder| catalog.emails.contains(&email(folder)))
            .cloned()
            .collect()
    }

    /// What a catalog's emails show besides what every email can.
    pub fn shown_by(&self, catalog: &Catalog) -> Shown {
        let emails = catalog.emails.iter();
        let variables: BTreeSet<&String> = emails
            .clone()
            .filter_map(|email| self.email_variables.get(email))
            .flatten()
            .collect();
        let declared =
            emails.filter_map(|email| Some((email.clone(), self.email_declared.get(email)?.clone())));
        Shown {
            variables: variables.into_iter().cloned().collect(),
            declared: declared.collect(),
        }
    }
}

/// Checks everything and builds the catalog.
pub fn check(project: &Project, mode: Mode) -> Checked {
    let mut findings = project.findings.clone();
    let store = store(project, &mut findings);
    let (emails, email_folders) = (project.emails(), project.email_folders());
    findings.extend(misnamed(&email_folders));
    let mut templates = template_check::check(&project.templates, &email_folders);
    findings.append(&mut templates.findings);
    let (words, mut found) = words::read(&project.templates);
    findings.append(&mut found);
    if let Some(store) = store.as_ref().filter(|store| store.referral.is_none()) {
        findings.extend(no_referral(store, &templates));
    }
    if let Some(store) = &store {
        findings.extend(question_check::undeclared(store, &templates));
    }
    let ids = ids(project);
    let events = store.as_ref().map_or(&[][..], |store| store.events.as_slice());
    let mut segments = segment_file::read(project.segments.as_deref().unwrap_or_default(), events);
    findings.append(&mut segments.findings);
    let names = Names::new(store.as_ref(), &segments.names, &emails, &ids, &templates);
    let journeys = journeys(project, names, &mut findings);
    // Until a journey is right its ids are not: they would only bring more findings about the same mistake.
    let is_sound = |parsed: &&Parsed| !findings.iter().any(|finding| finding.file == parsed.file);
    let sound: Vec<&Parsed> = journeys.iter().filter(is_sound).collect();
    let between = lint::across(&sound, names);
    findings.extend(store.as_ref().and_then(|store| {
        let text = project.store.as_deref().unwrap_or_default();
        nobody_can_confirm((store, text), &journeys, &templates)
    }));
    let (live, drafts): (Vec<&Parsed>, Vec<&Parsed>) =
        sound.iter().copied().partition(|parsed| is_live(&parsed.journey));
    let mut compared = lock::compare(project.lock.as_deref(), (&ids, &drafts), &live, mode);
    findings.append(&mut compared.findings);
    findings.extend(between);
    let journeys: Vec<Journey> = journeys.into_iter().map(|parsed| parsed.journey).collect();
    let counted = taking_part::counted(&journeys, &segments.segments);
    findings.extend(store_check::kept_too_short(store.as_ref(), &counted));
    findings.sort();
    let whole = store.filter(|_| findings.is_empty()).map(|store| {
        let whole = Catalog {
            hash: String::new(),
            store,
            counted,
            segments: segments.segments,
            journeys,
            emails,
            marketing_held: BTreeSet::new(),
        };
        taking_part(&whole, |_| true)
    });
    // A list made from broken journeys would remember ids that were never meant.
    let lock = compared.text.filter(|_| findings.is_empty());
    Checked {
        catalog: whole.as_ref().map(|whole| taking_part(whole, is_live)),
        with_drafts: whole,
        findings,
        lock,
        email_variables: templates.variable_names(),
        email_declared: templates.declared_names(),
        email_folders,
        words,
    }
}

fn store(project: &Project, findings: &mut Vec<Finding>) -> Option<StoreFile> {
    match project.store.as_deref().map(store_check::parse) {
        Some(Ok(store)) => Some(store),
        Some(Err(mut found)) => {
            findings.append(&mut found);
            None
        }
        None => {
            let problem = "is missing: it names the shop and the sender of its mails";
            findings.push(Finding::whole(STORE, problem));
            None
        }
    }
}

/// What the files in `journeys/` are called.
fn ids(project: &Project) -> Vec<String> {
    let files = project.journeys.keys();
    files.filter_map(|path| stem(path)).map(str::to_owned).collect()
}

/// Emails whose names could be no file names, Rust names and keys in storage at once, and translations into no language.
fn misnamed(folders: &[String]) -> impl Iterator<Item = Finding> {
    let problem = |folder: &String| match folder.split_once('/') {
        None => (!parse::is_plain_name(folder))
            .then_some("an email's name has only lower-case letters, digits and `-`"),
        Some((_, tag)) => (!is_language(tag)).then_some(
            "a folder in an email's folder is a translation, named by its language, as `ru` or `pt-BR`",
        ),
    };
    let wrong = folders
        .iter()
        .filter_map(move |folder| Some((folder, problem(folder)?)));
    wrong.map(|(folder, problem)| Finding::whole(&format!("{TEMPLATES}/emails/{folder}"), problem))
}

/// Templates that show the referral link of a store that has none: the mail would have a hole in it.
fn no_referral(store: &StoreFile, templates: &template_check::Checked) -> Vec<Finding> {
    let shop = store.brand.url.trim_end_matches('/');
    let message = format!(
        "`referral` needs `referral: {{ link: \"{shop}/?ref={{code}}\" }}` in store.yaml: where the link leads that contacts hand on"
    );
    let places = templates.referral.iter();
    places
        .map(|(file, place)| Finding::at(file, *place, message.clone()))
        .collect()
}

/// Where a yes has to be confirmed, some journey must send the mail with the link: else nobody would ever be subscribed.
fn nobody_can_confirm(
    (store, text): (&StoreFile, &str),
    journeys: &[Parsed],
    templates: &template_check::Checked,
) -> Option<Finding> {
    let live = journeys.iter().filter(|parsed| is_live(&parsed.journey));
    let mut steps = live.flat_map(|parsed| &parsed.journey.steps);
    let asks = steps.any(|step| {
        let email = step.kind.as_send().map(|send| send.email.as_str());
        email.is_some_and(|email| templates.confirms.contains(email))
    });
    if !store.region.preset().double_opt_in || asks {
        return None;
    }
    let place = match yaml::read(STORE, text).map(|root| root.value) {
        Ok(Value::Map(entries)) => entries
            .iter()
            .find(|(key, _)| key.name == "region")
            .map(|(key, _)| key.place),
        Ok(_) | Err(_) => None,
    };
    let message = format!(
        "`region: {}` asks for double opt-in, and no journey sends an email that shows `confirm_url`, so that nobody could ever confirm: delete the line `status: draft` of journeys/double-opt-in.yaml",
        store.region.as_str()
    );
    Some(match place {
        Some(place) => Finding::at(STORE, place, message),
        None => Finding::whole(STORE, message),
    })
}

/// A language, and perhaps its script or region, as BCP 47 writes them: `ru`, `pt-BR`, `zh-Hant`.
pub fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first =
        |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase());
    parts.next().is_some_and(first) && parts.all(|part| (2..=8).contains(&part.len()) && letters(part))
}

/// The journeys that could be read at all, sorted by id.
fn journeys(project: &Project, names: Names<'_>, findings: &mut Vec<Finding>) -> Vec<Parsed> {
    let mut journeys = Vec::new();
    for (path, text) in &project.journeys {
        let id = stem(path)
            .filter(|name| parse::is_plain_name(name))
            .and_then(|name| JourneyId::parse(name).ok());
        let Some(id) = id else {
            let message =
                "a journey's file is named `<journey>.yaml`, with lower-case letters, digits and `-`";
            findings.push(Finding::whole(path, message));
            continue;
        };
        match parse::parse(id, path, text) {
            Ok(parsed) => {
                findings.extend(parsed.findings.iter().cloned());
                findings.extend(lint::lint(&parsed, names));
                journeys.push(parsed);
            }
            Err(found) => findings.extend(found),
        }
    }
    if project.journeys.is_empty() && project.findings.is_empty() {
        findings.push(Finding::whole(JOURNEYS, "holds no journey"));
    }
    journeys
}

/// `welcome` of `journeys/welcome.yaml`.
fn stem(path: &str) -> Option<&str> {
    let path = Path::new(path);
    let is_yaml = path.extension().is_some_and(|kind| kind == "yaml");
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .filter(|_| is_yaml)
}
