//! Personal data on request: `/admin/export` and `/admin/erase`, and what storefronts ask by their webhooks.
//!
//! An answer of 200 means that the contact's own shard has committed; the others follow durably (`turn::erase`). No line
//! of the log says whose data it was.

use super::error::Error;
use super::peers::Peers;
use super::routes::{Visit, ask_all};
use super::{answer, log};
use crate::domain::email::EmailAddress;
use crate::domain::ids::ContactId;
use crate::domain::privacy::{Kind, PrivacyRequest, Subject};
use crate::http;
use crate::turn::call::{Answer, Call};
use crate::turn::erase::Erased;
use crate::turn::person::{Person, join};
use crate::turn::privacy::{Search, Step, notes};
use serde::Deserialize;
use serde_json::json;
use worker::Response;

/// Version of the form of an export (`docs/privacy.md`).
const FORMAT: &str = "wend-export-1";

/// Who is meant: by address, or by the id that `/admin/status` shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    contact_id: Option<String>,
}

/// A person as asked for.
enum Named {
    Subject(Subject),
    Contact(ContactId),
}

/// `POST /admin/export`: everything held of a person.
///
/// # Errors
/// When a shard does not answer.
pub async fn export(visit: &Visit<'_>) -> Result<Response, Error> {
    let Some(named) = read(&visit.request.body) else {
        return unreadable();
    };
    let (mut people, subject) = find(&visit.peers(), named).await?;
    let contacts: Vec<ContactId> = people
        .iter()
        .filter_map(|person| person.contact.clone())
        .collect();
    if people.is_empty() {
        people.push(Person::named(&subject, |identifier| {
            visit.settings.hash(identifier)
        }));
    }
    let mut parts = Vec::new();
    for person in &people {
        for answer in ask_all(visit, &Call::Held(Box::new(person.clone()))).await? {
            if let Answer::Held(held) = answer {
                parts.push(held);
            }
        }
    }
    let (held, cut) = join(parts);
    // Whatever becomes of this, the export is whole: a request that stays open is answered twice, and not never.
    if let Err(error) = ask_all(visit, &Call::Exported(people)).await {
        log::error(
            "requests that an export answers stay open",
            json!({ "error": error.for_log() }),
        );
    }
    log::line("export", json!({ "contacts": contacts.len() }));
    Ok(Response::from_json(&json!({
        "format": FORMAT,
        "exported_at": visit.now.to_rfc3339(),
        "contacts": contacts,
        "held": held,
        "cut": cut,
    }))?)
}

/// `POST /admin/erase`: a person goes.
///
/// # Errors
/// When a shard could not commit: the caller must try again.
pub async fn erase(visit: &Visit<'_>) -> Result<Response, Error> {
    let Some(named) = read(&visit.request.body) else {
        return unreadable();
    };
    let (contacts, erased) = erase_all(visit, named).await?;
    Ok(Response::from_json(&json!({
        "contacts": contacts,
        "erased": erased.rows,
        "in_flight": erased.in_flight,
        "kept": { "objections": erased.objections },
    }))?)
}

/// What a storefront asked by a webhook.
///
/// # Errors
/// When a shard could not commit: the sender must try again.
pub async fn requested(visit: &Visit<'_>, request: PrivacyRequest) -> Result<(), Error> {
    let PrivacyRequest { id, kind, subject } = request;
    log::line("privacy request", json!({ "id": id, "kind": kind }));
    match kind {
        Kind::Erase => erase_all(visit, Named::Subject(subject)).await.map(|_| ()),
        Kind::DataRequest => {
            let (people, subject) = find(&visit.peers(), Named::Subject(subject)).await?;
            for (id, contact) in notes(&visit.settings, &id, &subject, &people) {
                note(visit, id, kind, contact).await?;
            }
            Ok(())
        }
        Kind::EraseShop => note(visit, id, kind, None).await,
    }
}

/// Keeps a request for operators: in the shard of the contact, or in the first.
async fn note(visit: &Visit<'_>, id: String, kind: Kind, contact: Option<ContactId>) -> Result<(), Error> {
    let shards = visit.settings.shards;
    let shard = contact.as_ref().map(|contact| shards.of_contact(contact));
    let Some(shard) = shard.or_else(|| shards.all().next()) else {
        return Err(Error::NoAnswer("there are no shards".to_owned()));
    };
    let call = Call::NotePrivacyRequest { id, kind, contact };
    visit.peers().shard(shard, call).await?;
    Ok(())
}

/// Erases every contact that is meant, and what lies about under the identifiers of nobody.
async fn erase_all(visit: &Visit<'_>, named: Named) -> Result<(usize, Erased), Error> {
    let peers = visit.peers();
    let (people, subject) = find(&peers, named).await?;
    let mut erased = Erased::default();
    let mut contacts = 0;
    for contact in people.into_iter().filter_map(|person| person.contact) {
        let shard = visit.settings.shards.of_contact(&contact);
        let subject = subject.clone();
        let Answer::Erased(part) = peers.shard(shard, Call::Erase { contact, subject }).await? else {
            return Err(Error::NoAnswer("the contact was merged meanwhile".to_owned()));
        };
        contacts += usize::from(!part.rows.is_empty());
        erased = erased.plus(part);
    }
    let person = Person::named(&subject, |identifier| visit.settings.hash(identifier));
    for answer in ask_all(visit, &Call::Forget(Box::new(person))).await? {
        if let Answer::Erased(part) = answer {
            erased = erased.plus(part);
        }
    }
    log::line(
        "erased",
        json!({ "contacts": contacts, "in_flight": erased.in_flight }),
    );
    Ok((contacts, erased))
}

/// The people that are meant, and what the one who asks said of them.
async fn find(peers: &Peers<'_>, named: Named) -> Result<(Vec<Person>, Subject), Error> {
    let settings = &peers.settings;
    let ((mut search, mut step), subject) = match named {
        Named::Subject(subject) => (Search::by_identifiers(settings, subject.clone()), subject),
        Named::Contact(contact) => (Search::by_contact(settings, contact), Subject::default()),
    };
    loop {
        match step {
            Step::Done(people) => return Ok((people, subject)),
            Step::Ask(calls) => {
                let calls = calls.into_iter().map(|(shard, call)| peers.shard(shard, call));
                let answers = futures_util::future::try_join_all(calls).await?;
                step = search
                    .answer(settings, answers)
                    .map_err(|error| Error::NoAnswer(error.to_string()))?;
            }
        }
    }
}

fn read(body: &[u8]) -> Option<Named> {
    let asked: Asked = http::json(body).ok()?;
    match (asked.email, asked.contact_id) {
        (Some(email), None) => {
            let address = EmailAddress::parse(&email).ok()?;
            Some(Named::Subject(Subject::of_email(&address)))
        }
        (None, Some(id)) => ContactId::parse(&id).ok().map(Named::Contact),
        (None, None) | (Some(_), Some(_)) => None,
    }
}

fn unreadable() -> Result<Response, Error> {
    Ok(answer::error(
        400,
        "the body cannot be read",
        "send {\"email\": \"…\"}, or {\"contact_id\": \"…\"} with an id that /admin/status shows",
    )?)
}
