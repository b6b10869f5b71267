//! Links in mails: `/u`, `/p` and `/confirm`. GET and HEAD change nothing, because scanners open every link. Only POST acts
//! (RFC 8058), by itself: no cookie, no redirect, no second question.

use super::error::Error;
use super::routes::{Visit, wrong_method};
use super::{answer, log, runtime};
use crate::domain::ids::ContactId;
use crate::http::Method;
use crate::http::form;
use crate::journey::catalog::Catalog;
use crate::render::links::{Named, Purpose};
use crate::render::pages::{self, CONTENT_SECURITY_POLICY, MAIL_SECURITY_POLICY, Page};
use crate::render::preferences::{self, Asked, Reader, Wrong};
use crate::render::words::{Words, accepted, words};
use crate::turn::call::{Answer, Call};
use crate::turn::choice::{By, Choice, Chosen, Standing};
use serde_json::json;
use worker::Response;

/// Longest chain of merges followed to whom a mail belongs by now.
const MAX_MOVES: usize = 16;
/// A longer name of a browser is nobody's.
const MAX_AGENT_CHARS: usize = 300;

/// `/u/<token>`: takes back consent.
///
/// # Errors
/// When a page cannot be rendered. A shard that fails shows a page that says to try again.
pub async fn unsubscribe(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    button(visit, Purpose::Unsubscribe, token, Page::Unsubscribe, |_| {
        (Choice::Unsubscribe, Page::Unsubscribed)
    })
    .await
}

/// `/confirm/<token>`: the second yes of double opt-in.
///
/// # Errors
/// As [`unsubscribe`].
pub async fn confirm(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    button(visit, Purpose::Confirm, token, Page::Confirm, |named| {
        (Choice::Confirm(named.mark.clone()), Page::Confirmed)
    })
    .await
}

/// A page with one button, and what the button does.
async fn button(
    visit: &Visit<'_>,
    purpose: Purpose,
    token: &str,
    asking: Page,
    act: impl Fn(&Named) -> (Choice, Page),
) -> Result<Response, Error> {
    // A forged token dies here, before any object is called.
    let Some(named) = verified(visit, purpose, token) else {
        return not_valid(visit);
    };
    let by = by(visit);
    // A mail client reads no page: it is not worth a second call.
    let words = if by.one_click {
        browser(visit)?
    } else {
        language(visit, &named).await?
    };
    match visit.request.method {
        Method::Get | Method::Head => show(asking, words),
        Method::Post => {
            let (choice, done) = act(&named);
            let came = match choose(visit, &named, choice, by).await {
                Ok(Chosen::Done) => done,
                Ok(Chosen::Passed) => Page::Noted,
                Ok(Chosen::NotFound) => Page::LinkNotValid,
                Ok(Chosen::Expired) => Page::Expired,
                Err(page) => page,
            };
            show(came, words)
        }
        Method::Put | Method::Delete | Method::Options | Method::Other => wrong_method("GET, HEAD, POST"),
    }
}

/// `/m/<token>`: the mail in a browser. HEAD asks nobody.
///
/// # Errors
/// When a page cannot be rendered. A shard that fails shows a page that says to try again.
pub async fn view(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    let Some(named) = verified(visit, Purpose::View, token) else {
        return not_valid(visit);
    };
    let message = &named.message;
    match visit.request.method {
        Method::Get => {}
        Method::Head => return Ok(answer::page(200, String::new(), MAIL_SECURITY_POLICY)?),
        Method::Post | Method::Put | Method::Delete | Method::Options | Method::Other => {
            return wrong_method("GET, HEAD");
        }
    }
    let shard = visit.settings.shards.of_message(message);
    let call = Call::View {
        message: message.clone(),
        mark: named.mark.clone(),
    };
    match visit.peers().shard(shard, call).await {
        Ok(Answer::Viewed(Some(html))) => Ok(answer::page(200, html, MAIL_SECURITY_POLICY)?),
        Ok(_) => show(Page::MailGone, language(visit, &named).await?),
        Err(error) => {
            log::error(
                "view failed",
                json!({ "message": message, "error": error.for_log() }),
            );
            show(Page::TryAgain, browser(visit)?)
        }
    }
}

/// `/p/<token>`: topics, frequency, a rest, language, and leaving altogether.
///
/// # Errors
/// As [`unsubscribe`].
pub async fn preferences(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    let Some(named) = verified(visit, Purpose::Preferences, token) else {
        return not_valid(visit);
    };
    let saving = match visit.request.method {
        Method::Get | Method::Head => false,
        Method::Post => true,
        Method::Put | Method::Delete | Method::Options | Method::Other => {
            return wrong_method("GET, HEAD, POST");
        }
    };
    let held = match standing(visit, &named).await {
        Ok(Some(held)) => held,
        Ok(None) => return not_valid(visit),
        Err(error) => return failed(visit, &named, &error),
    };
    if !saving {
        return show_preferences(visit, &held, false);
    }
    let catalog = runtime::catalog()?;
    let words = preferences::words_of(&catalog, reader(&held));
    let fields = form::fields(kind(visit), &visit.request.body).ok_or(Wrong::Form);
    let asked = fields.and_then(|fields| preferences::read(&catalog, reader(&held), &fields, visit.now));
    let choice = match asked {
        Ok(Asked::Save { change, locale }) => Choice::Prefer { change, locale },
        Ok(Asked::Leave) => Choice::Unsubscribe,
        Ok(Asked::Return) => Choice::Subscribe(named.mark.clone()),
        Err(Wrong::Form) => return show(Page::WrongForm, words),
        Err(Wrong::Date) => return show(Page::WrongDate, words),
    };
    match choose(visit, &named, choice, by(visit)).await {
        Ok(Chosen::Done) => {}
        // The page shows what holds, which is not what was chosen yet.
        Ok(Chosen::Passed) => return show(Page::Noted, words),
        Ok(Chosen::NotFound) => return show(Page::LinkNotValid, words),
        Ok(Chosen::Expired) => return show(Page::Expired, words),
        Err(page) => return show(page, words),
    }
    match standing(visit, &named).await {
        Ok(held) => show_preferences(visit, &held.unwrap_or_default(), true),
        Err(error) => failed(visit, &named, &error),
    }
}

fn verified(visit: &Visit<'_>, purpose: Purpose, token: &str) -> Option<Named> {
    let keys = visit.settings.link_keys.as_ref()?;
    keys.verify(purpose, token).ok()
}

/// Has the choice written. What comes instead of its outcome is the page that says to try again.
pub(super) async fn choose(visit: &Visit<'_>, named: &Named, choice: Choice, by: By) -> Result<Chosen, Page> {
    let message = named.message.clone();
    let shard = visit.settings.shards.of_message(&message);
    let call = Call::Choose { message, choice, by };
    match visit.peers().shard(shard, call).await {
        Ok(Answer::Chosen(chosen)) => {
            log::line(
                "chosen by a link",
                json!({ "message": named.message, "outcome": chosen }),
            );
            Ok(chosen)
        }
        Ok(_) => Ok(Chosen::NotFound),
        Err(error) => {
            log::error(
                "a choice by a link failed",
                json!({ "message": named.message, "error": error.for_log() }),
            );
            Err(Page::TryAgain)
        }
    }
}

/// What holds for whom the mail went to, wherever merges brought them.
pub(super) async fn standing(visit: &Visit<'_>, named: &Named) -> Result<Option<Standing>, Error> {
    let (mut shard, mut of) = (
        visit.settings.shards.of_message(&named.message),
        None::<ContactId>,
    );
    for _ in 0..MAX_MOVES {
        let message = named.message.clone();
        let call = Call::Standing {
            message,
            of: of.take(),
        };
        match visit.peers().shard(shard, call).await? {
            Answer::Standing(held) => return Ok(held.map(|held| *held)),
            Answer::Found(contact) => {
                shard = visit.settings.shards.of_contact(&contact);
                of = Some(contact);
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Who acts: the platform tells the address the request came from.
pub(super) fn by(visit: &Visit<'_>) -> By {
    let header = |name: &str| {
        let value = visit.request.headers.get(name)?.trim();
        let cut: String = value.chars().take(MAX_AGENT_CHARS).collect();
        (!cut.is_empty()).then_some(cut)
    };
    By {
        ip: header("cf-connecting-ip"),
        agent: header("user-agent"),
        one_click: visit.request.method == Method::Post
            && form::is_one_click(kind(visit), &visit.request.body),
        at: None,
    }
}

pub(super) fn kind<'v>(visit: &'v Visit<'_>) -> &'v str {
    visit.request.headers.get("content-type").unwrap_or_default()
}

/// The contact's own language; where it cannot be told, the browser's.
pub(super) async fn language(visit: &Visit<'_>, named: &Named) -> Result<&'static Words, Error> {
    match standing(visit, named).await {
        Ok(Some(Standing {
            locale: Some(locale), ..
        })) => Ok(words([locale.as_str()], &runtime::catalog()?.store.locale)),
        Ok(_) | Err(_) => browser(visit),
    }
}

fn browser(visit: &Visit<'_>) -> Result<&'static Words, Error> {
    let languages = visit.request.headers.get("accept-language").unwrap_or_default();
    Ok(words(accepted(languages), &runtime::catalog()?.store.locale))
}

fn failed(visit: &Visit<'_>, named: &Named, error: &Error) -> Result<Response, Error> {
    log::error(
        "a page of preferences failed",
        json!({ "message": named.message, "error": error.for_log() }),
    );
    show(Page::TryAgain, browser(visit)?)
}

fn reader(held: &Standing) -> Reader<'_> {
    Reader {
        preferences: &held.preferences,
        consent: held.consent,
        locale: held.locale.as_deref(),
        timezone: held.timezone.as_deref(),
    }
}

fn show_preferences(visit: &Visit<'_>, held: &Standing, saved: bool) -> Result<Response, Error> {
    let catalog: &Catalog = &*runtime::catalog()?;
    let html = preferences::page(catalog, reader(held), visit.now, saved)?;
    Ok(answer::page(200, html, CONTENT_SECURITY_POLICY)?)
}

/// The answer to a token that nobody signed.
///
/// # Errors
/// When the page cannot be rendered.
pub fn not_valid(visit: &Visit<'_>) -> Result<Response, Error> {
    show(Page::LinkNotValid, browser(visit)?)
}

pub(super) fn show(page: Page, words: &'static Words) -> Result<Response, Error> {
    let catalog = runtime::catalog()?;
    let html = pages::page(page, &catalog.store, words)?;
    Ok(answer::page(page.status(), html, CONTENT_SECURITY_POLICY)?)
}
