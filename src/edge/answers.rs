//! Links in mails that ask or give: `/n` and `/g`. GET and HEAD change nothing, because scanners open every link; the one
//! button of the page POSTs.

use super::error::Error;
use super::routes::{Visit, wrong_method};
use super::store_call::{StoreAnswer, StoreCall};
use super::tokens::{by, choose, kind, language, not_valid, show, standing};
use super::{answer, log, runtime};
use crate::domain::ids::ContactId;
use crate::http::{Method, form};
use crate::journey::question::{Gift, Question};
use crate::render::links::{Mark, Named, Purpose};
use crate::render::pages::{CONTENT_SECURITY_POLICY, Page};
use crate::render::questions::{Inside, Stage, gift_page, heard, question_page};
use crate::render::words::Words;
use crate::turn::answer::{Given, Revealed, gift_errand};
use crate::turn::choice::{Choice, Chosen};
use serde_json::json;
use worker::Response;

/// `/n/<token>`: an answer to a question of a mail.
///
/// # Errors
/// When a page cannot be rendered. A shard that fails shows a page that says to try again.
pub async fn question(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    // A forged token dies here, before any object is called.
    let Some((named, said)) = verified(visit, Purpose::Question, token) else {
        return not_valid(visit);
    };
    let catalog = runtime::catalog()?;
    let declared = heard(&said).and_then(|(question, clicked)| {
        let mut questions = catalog.store.questions.iter();
        Some((questions.find(|declared| declared.id == question)?, clicked))
    });
    // A deploy took it away since the mail was sent.
    let Some((question, clicked)) = declared else {
        return not_valid(visit);
    };
    let words = language(visit, &named).await?;
    match visit.request.method {
        Method::Get | Method::Head => show_question(question, words, (clicked, Stage::Asking)),
        Method::Post => {
            let Some(given) = given(visit, question) else {
                return show(Page::WrongForm, words);
            };
            let stage = match given.comment {
                Some(_) => Stage::Commented,
                None => Stage::Answered,
            };
            let chosen = given.answer.clone();
            match choose(visit, &named, Choice::Answer(given), by(visit)).await {
                // Of one that is passed on nothing is left to show but thanks.
                Ok(Chosen::Done | Chosen::Passed) => show_question(question, words, (&chosen, stage)),
                Ok(Chosen::NotFound | Chosen::Expired) => show(Page::LinkNotValid, words),
                Err(page) => show(page, words),
            }
        }
        Method::Put | Method::Delete | Method::Options | Method::Other => wrong_method("GET, HEAD, POST"),
    }
}

/// What the form says; none when it is not ours.
fn given(visit: &Visit<'_>, question: &Question) -> Option<Given> {
    let fields = form::fields(kind(visit), &visit.request.body)?;
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, text)| text.trim().to_owned())
    };
    let answer = field("answer")?;
    let answers = question.answers(None);
    answers.iter().find(|known| known.id == answer)?;
    Some(Given {
        question: question.id.clone(),
        answer,
        comment: field("comment").filter(|text| !text.is_empty()),
    })
}

/// `/g/<token>`: a gift of a mail.
///
/// # Errors
/// As [`question`].
pub async fn gift(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    let Some((named, id)) = verified(visit, Purpose::Gift, token) else {
        return not_valid(visit);
    };
    let catalog = runtime::catalog()?;
    let Some(gift) = catalog.store.gifts.iter().find(|gift| gift.id == id) else {
        return not_valid(visit);
    };
    let words = language(visit, &named).await?;
    match visit.request.method {
        Method::Get | Method::Head => show_gift(gift, words, Inside::Closed),
        Method::Post => match opened(visit, &named, gift).await {
            Ok(Some(code)) => show_gift(gift, words, Inside::Code(&code)),
            Ok(None) => show_gift(gift, words, Inside::Nothing),
            Err(page) => show(page, words),
        },
        Method::Put | Method::Delete | Method::Options | Method::Other => wrong_method("GET, HEAD, POST"),
    }
}

/// The code of the contact, whom it is then told of; none when the pool is empty. Who opened it before, also under an id
/// that a merge has ended, has that code. The pool gives one contact one code, however often it is asked, so what fails
/// between the two can be done again.
async fn opened(visit: &Visit<'_>, named: &Named, gift: &Gift) -> Result<Option<String>, Page> {
    let held = standing(visit, named)
        .await
        .map_err(|error| failed(named, &error))?;
    let Some(held) = held else {
        return Err(Page::LinkNotValid);
    };
    if let Some(code) = held.gifts.get(&gift.id) {
        return Ok(Some(code.clone()));
    }
    let Some(contact) = held.contact else {
        return Err(Page::LinkNotValid);
    };
    let Some(code) = code(visit, gift, &contact)
        .await
        .map_err(|error| failed(named, &error))?
    else {
        return Ok(None);
    };
    let revealed = Revealed {
        gift: gift.id.clone(),
        code: code.clone(),
    };
    match choose(visit, named, Choice::Reveal(revealed), by(visit)).await? {
        Chosen::Done | Chosen::Passed => Ok(Some(code)),
        Chosen::NotFound | Chosen::Expired => Err(Page::LinkNotValid),
    }
}

async fn code(visit: &Visit<'_>, gift: &Gift, contact: &ContactId) -> Result<Option<String>, Error> {
    let call = StoreCall::Coupon {
        pool: gift.pool.clone(),
        errand: gift_errand(contact, &gift.id),
        now: visit.now,
    };
    let StoreAnswer::Coupon(code) = visit.peers().store(&call).await? else {
        return Err(Error::NoAnswer("the Store gave no code".to_owned()));
    };
    Ok(code)
}

fn failed(named: &Named, error: &Error) -> Page {
    log::error(
        "a gift failed",
        json!({ "message": named.message, "error": error.for_log() }),
    );
    Page::TryAgain
}

fn verified(visit: &Visit<'_>, purpose: Purpose, token: &str) -> Option<(Named, String)> {
    let keys = visit.settings.link_keys.as_ref()?;
    let (message, said) = keys.verify_saying(purpose, token).ok()?;
    let named = Named {
        message,
        mark: Mark::default(),
    };
    Some((named, said))
}

fn show_question(question: &Question, words: &'static Words, at: (&str, Stage)) -> Result<Response, Error> {
    let html = question_page(&runtime::catalog()?.store, question, words, at)?;
    Ok(answer::page(200, html, CONTENT_SECURITY_POLICY)?)
}

fn show_gift(gift: &Gift, words: &'static Words, inside: Inside<'_>) -> Result<Response, Error> {
    let html = gift_page(&runtime::catalog()?.store, gift, words, inside)?;
    Ok(answer::page(200, html, CONTENT_SECURITY_POLICY)?)
}
