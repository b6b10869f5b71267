//! Links in mails. GET and HEAD change nothing: scanners open every link. Only POST acts (RFC 8058).

use super::error::Error;
use super::routes::{Visit, wrong_method};
use super::{answer, log, runtime};
use crate::http::Method;
use crate::render::links::Purpose;
use crate::render::pages::{self, CONTENT_SECURITY_POLICY, MAIL_SECURITY_POLICY, Page};
use crate::turn::call::{Answer, Call};
use serde_json::json;
use worker::Response;

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
        Method::Post => {
            let shard = visit.settings.shards.of_message(&message);
            match visit
                .peers()
                .shard(
                    shard,
                    Call::Unsubscribe {
                        message: message.clone(),
                    },
                )
                .await
            {
                Ok(Answer::Unsubscribed { found: true }) => {
                    log::line("unsubscribed", json!({ "message": message }));
                    show(Page::Unsubscribed)
                }
                Ok(_) => show(Page::LinkNotValid),
                Err(error) => {
                    log::error(
                        "unsubscribe failed",
                        json!({ "message": message, "error": error.for_log() }),
                    );
                    show(Page::TryAgain)
                }
            }
        }
        Method::Put | Method::Delete | Method::Options | Method::Other => wrong_method("GET, HEAD, POST"),
    }
}

/// `/m/<token>`: the mail in a browser. HEAD asks nobody.
///
/// # Errors
/// When a page cannot be rendered. A shard that fails shows a page that says to try again.
pub async fn view(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    let keys = visit.settings.link_keys.as_ref();
    let Some(message) = keys.and_then(|keys| keys.verify(Purpose::View, token).ok()) else {
        return show(Page::LinkNotValid);
    };
    match visit.request.method {
        Method::Get => {}
        Method::Head => return Ok(answer::page(200, String::new(), MAIL_SECURITY_POLICY)?),
        Method::Post | Method::Put | Method::Delete | Method::Options | Method::Other => {
            return wrong_method("GET, HEAD");
        }
    }
    let shard = visit.settings.shards.of_message(&message);
    let call = Call::View {
        message: message.clone(),
    };
    match visit.peers().shard(shard, call).await {
        Ok(Answer::Viewed(Some(html))) => Ok(answer::page(200, html, MAIL_SECURITY_POLICY)?),
        Ok(_) => show(Page::MailGone),
        Err(error) => {
            log::error(
                "view failed",
                json!({ "message": message, "error": error.for_log() }),
            );
            show(Page::TryAgain)
        }
    }
}

pub fn show(page: Page) -> Result<Response, Error> {
    let catalog = runtime::catalog()?;
    let html = pages::page(page, &catalog.store)?;
    Ok(answer::page(page.status(), html, CONTENT_SECURITY_POLICY)?)
}
