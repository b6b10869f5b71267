//! The files a store edits, read into memory. The only place of this folder that touches the disk.

use super::finding::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Everything the checks look at, by path from the top of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// `journeys/welcome.yaml` and its text.
    pub journeys: BTreeMap<String, String>,
    pub store: Option<String>,
    /// `segments.yaml`; a store need not have any.
    pub segments: Option<String>,
    pub lock: Option<String>,
    /// `layouts/email.html` and its text: paths as templates write them.
    pub templates: BTreeMap<String, String>,
    /// What could not be read.
    pub findings: Vec<Finding>,
}

pub const JOURNEYS: &str = "journeys";
pub const STORE: &str = "store.yaml";
pub const SEGMENTS: &str = "segments.yaml";
pub const LOCK: &str = "journeys.lock";
pub const TEMPLATES: &str = "templates";
/// Folder of the emails within the templates.
pub const EMAILS: &str = "emails/";

impl Project {
    /// Reads the project at `root`. What is missing or unreadable becomes a finding.
    pub fn read(root: &Path) -> Self {
        let mut project = Self::default();
        let mut journeys = BTreeMap::new();
        project.folder(root, JOURNEYS, &["yaml", "yml"], &mut journeys);
        project.journeys = journeys;
        let mut templates = BTreeMap::new();
        project.folder(root, TEMPLATES, &["html", "txt", "yaml"], &mut templates);
        let prefix = format!("{TEMPLATES}/");
        project.templates = templates
            .into_iter()
            .map(|(path, text)| (path.trim_start_matches(&prefix).to_owned(), text))
            .collect();
        project.store = fs::read_to_string(root.join(STORE)).ok();
        project.segments = fs::read_to_string(root.join(SEGMENTS)).ok();
        project.lock = fs::read_to_string(root.join(LOCK)).ok();
        project
    }

    /// Lays another project over this one: its files besides, and in place of, those of this one. The lock stays.
    pub fn lay_over(&mut self, other: Self) {
        self.journeys.extend(other.journeys);
        self.templates.extend(other.templates);
        self.store = other.store.or_else(|| self.store.take());
        self.segments = other.segments.or_else(|| self.segments.take());
        self.findings.extend(other.findings);
    }

    /// Takes the drafts out, but for those that play, and the emails that only they send. Says which they were.
    pub fn leave_drafts_out(&mut self, plays: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let journeys = std::mem::take(&mut self.journeys).into_iter();
        let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
            journeys.partition(|(path, text)| plays(path) || !is_draft(text));
        let (kept, theirs) = (sent(&stay), sent(&go));
        self.templates.retain(|path, _| {
            let inside = path.strip_prefix(EMAILS).and_then(|path| path.split_once('/'));
            inside.is_none_or(|(email, _)| kept.contains(email) || !theirs.contains(email))
        });
        self.journeys = stay;
        go
    }

    /// Names of the folders in `templates/emails/`, sorted.
    pub fn emails(&self) -> Vec<String> {
        let folders = self.email_folders();
        let is_own = |folder: &String| !folder.contains('/');
        folders.into_iter().filter(is_own).collect()
    }

    /// The folders that hold an email, sorted: `welcome-hello`, and its translations, as `welcome-hello/ru`.
    pub fn email_folders(&self) -> Vec<String> {
        let paths = self.templates.keys();
        let folders: BTreeSet<String> = paths
            .filter_map(|path| path.strip_prefix(EMAILS)?.rsplit_once('/'))
            // A translation without its original still needs one.
            .flat_map(|(folder, _)| [Some(folder), folder.split_once('/').map(|(email, _)| email)])
            .flatten()
            .map(str::to_owned)
            .collect();
        folders.into_iter().collect()
    }

    fn folder(&mut self, root: &Path, path: &str, kinds: &[&str], into: &mut BTreeMap<String, String>) {
        let entries = match fs::read_dir(root.join(path)) {
            Ok(entries) => entries,
            Err(error) => {
                self.findings
                    .push(Finding::whole(path, format!("cannot be read: {error}")));
                return;
            }
        };
        for entry in entries.flatten() {
            let name = format!("{path}/{}", entry.file_name().to_string_lossy());
            let kind = Path::new(&name)
                .extension()
                .and_then(|kind| kind.to_str())
                .unwrap_or_default();
            if entry.path().is_dir() {
                self.folder(root, &name, kinds, into);
            } else if kinds.contains(&kind) {
                match fs::read_to_string(entry.path()) {
                    Ok(text) => {
                        into.insert(name, text);
                    }
                    Err(error) => self
                        .findings
                        .push(Finding::whole(&name, format!("cannot be read: {error}"))),
                }
            }
        }
    }
}

/// Whether the text of a journey says that it is a draft.
fn is_draft(text: &str) -> bool {
    let said = |line: &str| line.split(" #").next().unwrap_or_default().trim_end() == "status: draft";
    text.lines().any(said)
}

/// The emails that journeys send, as their texts name them.
fn sent(journeys: &BTreeMap<String, String>) -> BTreeSet<&str> {
    let named = journeys.values().flat_map(|text| text.split("send:").skip(1));
    named
        .filter_map(|rest| {
            let name = rest.trim_start_matches([' ', '"', '\'']);
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            name.get(..end.unwrap_or(name.len()))
        })
        .collect()
}
