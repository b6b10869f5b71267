//! Tilda: what visitors send by a site's forms and carts. It is not signed: the address holds a token.
//!
//! Called by the registry. Source: <https://help-ru.tilda.cc/formsscript>. The names of fields are the site's own, so those
//! that Tilda's templates give are looked for in any case.

use super::arrival::Arrival;
use super::document::Fields;
use super::shape::{self, BLANK, BLANK_LINE, Line, Shape};
use super::{Error, HOOK_TOKEN, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::consent::{ConsentGrade, ConsentState};
use crate::domain::event::{Event, EventKind};
use crate::http::form;
use crate::signing;

const NAME: &str = "tilda";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    settings: &[HOOK_TOKEN],
    proof: "the token in the address",
    verify,
    read,
    fetching: None,
    polling: None,
};

/// Both of a form and of a cart; no amount names its currency.
const FORM: Shape = Shape {
    order: "payment.orderid|tranid",
    email: "Email|email|EMAIL|E-mail|e-mail|mail|Mail|Почта|почта",
    first_name: "First_Name|firstname|FirstName",
    last_name: "Last_Name|lastname|LastName|Surname|surname|Фамилия",
    name: "Name|name|NAME|Имя|имя|ФИО",
    number: "payment.orderid",
    value: "payment.amount",
    codes: "payment.promocode",
    referral: "ref|Ref|REF",
    lines: "payment.products",
    line: Line {
        title: "name",
        variant: "options.variant",
        quantity: "quantity",
        price: "price",
        sku: "sku",
        product: "externalid",
        image: "img",
        url: "link",
        ..BLANK_LINE
    },
    ..BLANK
};

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    delivery.verify_route_token(NAME, keys.secrets(HOOK_TOKEN)?)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let text = verified.text()?;
    let written = if text.starts_with(['{', '[']) {
        text.to_owned()
    } else if text.contains('=') {
        form::document(text)
    } else {
        return Err(Error::unreadable("it is neither a form nor JSON"));
    };
    let document = Fields::parse(&written)?;
    // Posted once when the address is entered, which stays refused unless it is answered 200.
    if document.word("test") == "test" && !document.has("tranid") {
        return Ok(Reading::Ping);
    }
    // Nothing is told of time: a form is posted when it is sent, and again within minutes where that failed.
    let event = if document.has("payment") {
        FORM.transition(&document, arrival, EventKind::OrderCompleted, None)?
    } else {
        let id = document.text("tranid");
        let id = match id.as_deref() {
            Some(id) => id.to_owned(),
            None => signing::content_name(&[verified.body()]),
        };
        FORM.event(&document, arrival, EventKind::SignedUp, &id, None)?
    };
    Ok(Reading::Events(vec![with_consent(event, &document)]))
}

/// A box whose name the site chose to be `marketing`: no other may be taken for consent, as most are for the privacy policy.
fn with_consent(mut event: Event, document: &Fields<'_>) -> Event {
    let ticked = document.word("marketing|Marketing|MARKETING").to_lowercase();
    if matches!(ticked.as_str(), "yes" | "да" | "on" | "true" | "1") {
        let (state, grade) = (ConsentState::Subscribed, ConsentGrade::Explicit);
        event.consent = shape::consent(&event, state, grade, "marketing");
    }
    event
}
