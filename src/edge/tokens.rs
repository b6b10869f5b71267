//! Links in mails. GET and HEAD change nothing: scanners open every link. Only POST acts (RFC 8058).

use super::error::Error;
use super::routes::{Visit, wrong_method};
use super::{answer, log, runtime};
use crate::domain::ids::{ContactId, MessageId};
use crate::http::Method;
use crate::render::links::Purpose;
use crate::render::pages::{self, CONTENT_SECURITY_POLICY, Page};
use crate::turn::call::{Answer, Call};
use serde_json::json;
use worker::Response;

/// Most times a withdrawal is sent on to where its contact went.
const MAX_HOPS: usize = 8;

/// `/u/<token>`: takes back consent.
///
/// # Errors
/// When a page cannot be rendered. A shard that fails shows a page that says to try again.
pub async fn unsubscribe(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    let message = visit
        .settings
        .link_keys
        .as_ref()
        .and_then(|keys| keys.verify(Purpose::Unsubscribe, token).ok());
    // A forged token dies here, before any object is called.
    let Some(message) = message else {
        return show(Page::LinkNotValid);
    };
    match visit.request.method {
        Method::Get | Method::Head => show(Page::Unsubscribe),
        Method::Post => match withdraw(visit, &message).await {
            Ok(Some(page)) => show(page),
            Ok(None) => show(Page::TryAgain),
            Err(error) => {
                let error = error.to_string();
                log::error(
                    "unsubscribe failed",
                    json!({ "message": message, "error": error }),
                );
                show(Page::TryAgain)
            }
        },
        Method::Put | Method::Delete | Method::Options => wrong_method("GET, HEAD, POST"),
    }
}

/// Asks the message's shard, and follows its contact to where it was merged into; none when it is on its way.
async fn withdraw(visit: &Visit<'_>, message: &MessageId) -> Result<Option<Page>, Error> {
    let shards = visit.settings.shards;
    let mut shard = shards.of_message(message);
    let mut contact: Option<ContactId> = None;
    for _ in 0..MAX_HOPS {
        let call = Call::Unsubscribe {
            message: message.clone(),
            contact: contact.clone(),
        };
        match visit.peers().shard(shard, call).await? {
            Answer::Unsubscribed { found: true, .. } => {
                log::line("unsubscribed", json!({ "message": message }));
                return Ok(Some(Page::Unsubscribed));
            }
            Answer::Unsubscribed {
                elsewhere: Some(moved),
                ..
            } => {
                shard = shards.of_contact(&moved);
                contact = Some(moved);
            }
            _ if contact.is_some() => return Ok(None),
            _ => return Ok(Some(Page::LinkNotValid)),
        }
    }
    Ok(None)
}

fn show(page: Page) -> Result<Response, Error> {
    let catalog = runtime::catalog()?;
    let html = pages::page(page, &catalog.store)?;
    Ok(answer::page(page.status(), html, CONTENT_SECURITY_POLICY)?)
}
