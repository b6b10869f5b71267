//! What a world is made from: journeys with changes, settings, and what is known of the provider's rate.

use super::error::Failure;
use crate::domain::ids::JourneyId;
use crate::domain::time::Timestamp;
use crate::engine::breaker::Breaker;
use crate::engine::traffic::{Doubt, Lesson, Traffic};
use crate::journey::catalog::Catalog;
use crate::journey::check::check;
use crate::journey::definition::Journey;
use crate::journey::lock::Mode;
use crate::journey::parse::parse;
use crate::journey::project::{JOURNEYS, Project};
use crate::journey::taking_part::{is_live, taking_part};
use crate::providers::ProviderKind;
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What a `deploy` line calls segments.yaml and store.yaml.
const SEGMENTS: &str = "segments";
pub(super) const STORE_FILE: &str = "store";

/// Requests a second that the pretend provider is known to take: so many that the number of shards does not show.
pub(super) const REQUESTS_PER_SECOND: u32 = 1_000;

/// What replaces a file of the project, by what `deploy` calls it; none removes it.
pub type Edits = BTreeMap<String, Option<String>>;

/// Most catalogs that are kept.
const MAX_KEPT: usize = 32;

/// Catalogs of the edits made last: a check costs more than what many a story plays, and the same story is played with
/// several numbers of shards.
static KEPT: Mutex<BTreeMap<(PathBuf, Edits), Catalog>> = Mutex::new(BTreeMap::new());

/// The project at `root` with some of its journeys replaced or removed, checked as the build checks it. The files are
/// taken to stay as they are while the program runs.
///
/// # Errors
/// With the findings, when there are any.
pub fn edited(root: &Path, edits: &Edits) -> Result<Catalog, Failure> {
    let key = (root.to_owned(), edits.clone());
    if let Some(kept) = KEPT.lock().ok().and_then(|kept| kept.get(&key).cloned()) {
        return Ok(kept);
    }
    let catalog = checked(root, edits)?;
    if let Ok(mut kept) = KEPT.lock() {
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, catalog.clone());
    }
    Ok(catalog)
}

fn checked(root: &Path, edits: &Edits) -> Result<Catalog, Failure> {
    let mut project = Project::read(root);
    project.lock = None;
    for (file, text) in edits {
        match file.as_str() {
            SEGMENTS => {
                project.segments.clone_from(text);
                continue;
            }
            STORE_FILE => {
                project.store.clone_from(text);
                continue;
            }
            _ => {}
        }
        let path = format!("{JOURNEYS}/{file}.yaml");
        match text {
            Some(text) => project.journeys.insert(path, text.clone()),
            None => project.journeys.remove(&path),
        };
    }
    // A story may have other settings than the drafts need that have no part in it.
    let left_out = project.leave_drafts_out(|path| stem(path).is_some_and(|file| edits.contains_key(file)));
    let checked = check(&project, Mode::Append);
    let mut whole = checked.with_drafts.ok_or(Failure::Findings(checked.findings))?;
    // By them it is known which of the project's own segments only they name.
    if !edits.contains_key(SEGMENTS) {
        whole.journeys.extend(left_out.iter().filter_map(draft));
    }
    // A draft plays where it is asked for: it is named, or written down by the one who plays.
    let plays = |journey: &Journey| is_live(journey) || edits.contains_key(journey.id.as_str());
    Ok(taking_part(&whole, plays))
}

fn draft((path, text): (&String, &String)) -> Option<Journey> {
    let id = JourneyId::parse(stem(path)?).ok()?;
    Some(parse(id, path, text).ok()?.journey)
}

/// `welcome` of `journeys/welcome.yaml`.
fn stem(path: &str) -> Option<&str> {
    path.strip_prefix(JOURNEYS)?
        .strip_prefix('/')?
        .strip_suffix(".yaml")
}

/// What the `Store` knows of the providers: their breakers, and that each takes so many requests a second.
pub(super) fn traffic(breakers: BTreeMap<String, Breaker>, per_second: u32, now: Timestamp) -> Traffic {
    let mut traffic = Traffic::new(breakers);
    for kind in ProviderKind::ALL {
        let asked = (kind.as_str(), String::new());
        let mut lesson = Lesson::of_request(asked, Doubt::default(), std::iter::empty(), None);
        lesson.per_second = Some(per_second);
        traffic.learn(lesson, now);
    }
    traffic
}

pub(super) fn settings(shards: u16, provider: ProviderKind) -> Result<Settings, Failure> {
    let shards = shards.to_string();
    let get = |name: &str| {
        let value = match name {
            "SHARDS" => shards.as_str(),
            "ENVIRONMENT" => "dev",
            "EMAIL_PROVIDER" => provider.as_str(),
            "HASH_KEY" => "a-key-for-identities-of-tests-only",
            "LINK_KEY" => "a-key-for-links-of-tests-only",
            "RESEND_API_KEY" | "POSTMARK_SERVER_TOKEN" => "re_test",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let settings = Settings::read(get, &[]);
    if settings.usable() {
        Ok(settings)
    } else {
        Err(Failure::Settings(settings.faults))
    }
}
