//! The page of preferences, and what its form says when it comes back: topics, frequency, a rest, language.
//!
//! The edge calls it for `/p/<token>` with what holds for the contact. Nothing is stored here. The page needs no script:
//! every choice is a field of one form, and leaving altogether is a form of its own.

use super::model::Store;
use super::translation::{languages, nearest};
use super::words::{Words, words};
use crate::domain::civil::{CivilDate, TimeOfDay, Zone, resolve};
use crate::domain::consent::ConsentState;
use crate::domain::ids::TopicName;
use crate::domain::preferences::{Frequency, Pause, PreferenceChange, Preferences};
use crate::domain::time::Timestamp;
use crate::journey::catalog::Catalog;
use crate::journey::store_file::{GENERAL, Topic};
use askama::Template;
use chrono::{Days, NaiveDate};
use std::collections::BTreeSet;

/// The rests that need no calendar, in days.
const PAUSES: [u32; 3] = [30, 60, 90];
/// The longest rest that can be chosen: who wants a longer one wants to leave.
const LONGEST_PAUSE: Days = Days::new(366);

/// Whose page it is.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub preferences: &'a Preferences,
    pub consent: ConsentState,
    pub locale: Option<&'a str>,
    pub timezone: Option<&'a str>,
}

/// What somebody asked for by a form of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Save {
        change: PreferenceChange,
        locale: Option<String>,
    },
    /// No marketing any more.
    Leave,
    /// Marketing again.
    Return,
}

/// Why a form cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The day is none, or not in the year to come.
    Date,
    /// It is not what the page asks for.
    Form,
}

#[derive(Template)]
#[template(path = "pages/preferences.html")]
struct Page<'a> {
    store: Store<'a>,
    w: &'static Words,
    saved: bool,
    consent: ConsentState,
    topics: Vec<Row<'a>>,
    less: bool,
    fewer: String,
    keep: Option<String>,
    pauses: Vec<(u32, String)>,
    first_day: NaiveDate,
    last_day: NaiveDate,
    languages: Vec<Language<'a>>,
}

/// A topic with its box.
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    on: bool,
}

/// A language to choose.
struct Language<'a> {
    tag: &'a str,
    name: String,
    chosen: bool,
}

/// The words for a reader.
pub fn words_of(catalog: &Catalog, reader: Reader<'_>) -> &'static Words {
    words(reader.locale, &catalog.store.locale)
}

/// The page as things stand; `saved` after a form was taken.
///
/// # Errors
/// Only if the template fails, which writing to a string does not.
pub fn page(catalog: &Catalog, reader: Reader<'_>, now: Timestamp, saved: bool) -> askama::Result<String> {
    let w = words_of(catalog, reader);
    let (preferences, zone) = (reader.preferences, zone(catalog, reader));
    let today = zone.date(now);
    let paused = preferences.paused_until.filter(|_| preferences.is_paused(now));
    let mails = catalog.store.less_often;
    let page = Page {
        store: Store::new(&catalog.store),
        w,
        saved,
        consent: reader.consent,
        topics: rows(catalog, preferences, w, reader.locale),
        less: preferences.frequency == Frequency::LessOften,
        fewer: match mails {
            1 => w.frequency_less_one.to_owned(),
            mails => w.frequency_less_some.replace("{mails}", &mails.to_string()),
        },
        keep: paused.map(|until| w.pause_keep.replace("{date}", &w.day(zone.date(until)))),
        pauses: PAUSES
            .map(|days| (days, w.pause_days.replace("{days}", &days.to_string())))
            .to_vec(),
        first_day: today.checked_add_days(Days::new(1)).unwrap_or(today),
        last_day: today.checked_add_days(LONGEST_PAUSE).unwrap_or(today),
        languages: offered(catalog, reader.locale),
    };
    page.render()
}

fn rows<'a>(
    catalog: &'a Catalog,
    preferences: &Preferences,
    w: &'static Words,
    locale: Option<&str>,
) -> Vec<Row<'a>> {
    let is_on = |id: &str| !preferences.off.iter().any(|off| off.as_str() == id);
    let topics = catalog.store.topics.iter();
    let mut rows: Vec<Row<'a>> = topics
        .map(|topic| {
            let (title, description) = text_of(topic, locale, &catalog.store.locale);
            let id = topic.id.as_str();
            Row {
                id,
                title,
                description,
                on: is_on(id),
            }
        })
        .collect();
    // One box alone would say what the button below says.
    if !rows.is_empty() && catalog.sends_general() && rows.iter().all(|row| row.id != GENERAL) {
        rows.push(Row {
            id: GENERAL,
            title: w.topic_general,
            description: None,
            on: is_on(GENERAL),
        });
    }
    rows
}

fn text_of<'a>(topic: &'a Topic, locale: Option<&str>, own: &'a str) -> (&'a str, Option<&'a str>) {
    let mut tags = vec![own];
    tags.extend(topic.translations.keys().map(String::as_str));
    let tag = locale.and_then(|locale| nearest(&tags, locale));
    match tag.and_then(|tag| topic.translations.get(tag)) {
        Some(text) => (&text.title, text.description.as_deref()),
        None => (&topic.title, topic.description.as_deref()),
    }
}

/// The languages that mails are written in; none when there is no choice.
fn offered<'a>(catalog: &'a Catalog, locale: Option<&str>) -> Vec<Language<'a>> {
    let tags = languages(&catalog.store.locale);
    let chosen = locale
        .and_then(|locale| nearest(&tags, locale))
        .unwrap_or(&catalog.store.locale);
    if tags.len() < 2 {
        return Vec::new();
    }
    let name = |tag: &str| {
        let w = words([tag], tag);
        let own = |other: &&&str| nearest(&[w.tag], other).is_some();
        match (nearest(&[w.tag], tag), tags.iter().filter(own).count()) {
            (Some(_), 1) => w.name.to_owned(),
            (Some(_), _) => format!("{} ({tag})", w.name),
            (None, _) => tag.to_owned(),
        }
    };
    let one = |tag: &&'a str| Language {
        tag,
        name: name(tag),
        chosen: *tag == chosen,
    };
    tags.iter().map(one).collect()
}

/// Reads a form of the page. The same form twice asks for the same.
///
/// # Errors
/// When it is not what the page asks for; nothing of it counts then.
pub fn read(
    catalog: &Catalog,
    reader: Reader<'_>,
    fields: &[(String, String)],
    now: Timestamp,
) -> Result<Asked, Wrong> {
    match one(fields, "action")? {
        Some("leave") => return Ok(Asked::Leave),
        Some("return") => return Ok(Asked::Return),
        Some("save") => {}
        Some(_) | None => return Err(Wrong::Form),
    }
    let shown = topics(fields, "shown")?;
    let on = topics(fields, "topic")?;
    if !on.is_subset(&shown) {
        return Err(Wrong::Form);
    }
    // A topic that went with a deploy since the page was shown is nobody's choice any more.
    let known = |topic: &&TopicName| {
        let mut declared = catalog.store.topics.iter();
        declared.any(|known| known.id == **topic) || topic.as_str() == GENERAL
    };
    let off = shown.difference(&on).filter(known).cloned().collect();
    let locale = match one(fields, "language")? {
        None => None,
        Some(tag) if languages(&catalog.store.locale).contains(&tag) => Some(tag.to_owned()),
        Some(_) => return Err(Wrong::Form),
    };
    let change = PreferenceChange {
        on: on.iter().filter(known).cloned().collect(),
        off,
        frequency: Some(match one(fields, "frequency")? {
            Some("all") => Frequency::All,
            Some("less") => Frequency::LessOften,
            Some(_) | None => return Err(Wrong::Form),
        }),
        pause: pause(fields, zone(catalog, reader), now)?,
    };
    Ok(Asked::Save { change, locale })
}

/// The one value of a field; none when it is not there.
fn one<'f>(fields: &'f [(String, String)], name: &str) -> Result<Option<&'f str>, Wrong> {
    let mut values = fields.iter().filter(|(field, _)| field == name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(|(_, text)| text.trim())),
        (_, Some(_)) => Err(Wrong::Form),
    }
}

fn topics(fields: &[(String, String)], name: &str) -> Result<BTreeSet<TopicName>, Wrong> {
    let values = fields.iter().filter(|(field, _)| field == name);
    values
        .map(|(_, text)| TopicName::parse(text).map_err(|_| Wrong::Form))
        .collect()
}

/// A rest ends with a midnight of the reader's own, so that the same choice twice in a day is the same rest.
fn pause(fields: &[(String, String)], zone: Zone, now: Timestamp) -> Result<Option<Pause>, Wrong> {
    let today = zone.date(now);
    let day = match one(fields, "pause")? {
        Some("keep") => return Ok(None),
        Some("none") => return Ok(Some(Pause::Over)),
        Some("date") => {
            let text = one(fields, "until")?.unwrap_or_default();
            let day = CivilDate::parse_in(text, zone).ok().and_then(CivilDate::date);
            let last = today.checked_add_days(LONGEST_PAUSE).unwrap_or(today);
            day.filter(|day| (today..=last).contains(day) && *day > today)
                .ok_or(Wrong::Date)?
        }
        Some(text) => {
            let days = PAUSES.into_iter().find(|days| days.to_string() == text);
            let days = days.ok_or(Wrong::Form)?;
            today
                .checked_add_days(Days::new(days.into()))
                .ok_or(Wrong::Date)?
        }
        None => return Err(Wrong::Form),
    };
    let midnight = TimeOfDay::new(0, 0).ok_or(Wrong::Date)?;
    Ok(Some(Pause::Until(resolve(day, midnight, zone))))
}

fn zone(catalog: &Catalog, reader: Reader<'_>) -> Zone {
    let own = reader.timezone.and_then(|name| name.parse().ok());
    own.or_else(|| catalog.store.timezone.parse().ok())
        .unwrap_or(Zone::UTC)
}
