//! Composes one email: the model is filled, the three templates of its folder are rendered, links are tracked, headers
//! are added.
//!
//! The delivery loop calls [`compose`] in the turn in which it claims a message, so the result is what is stored and
//! sent. It must not decide: consent and the gate were asked before.

use super::emails::{self, Rendered};
use super::headers::headers;
use super::links::{LinkKeys, Purpose};
use super::model::{Brought, MessageLinks, Model, Referral};
use super::questions;
use super::tracking::Tracker;
use super::translation::translation;
use super::utm::Tags;
use crate::domain::clearance::Clearance;
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::grounds::Grounds;
use crate::domain::ids::ContactId;
use crate::domain::mail::{Mailbox, OutgoingEmail};
use crate::domain::message::{Message, Stream};
use crate::journey::store_file::StoreFile;

/// What one email is made from, besides the store's settings.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    pub message: &'a Message,
    /// Whose mail it is.
    pub contact: &'a ContactId,
    pub profile: &'a Profile,
    pub brought: Brought<'a>,
    pub reader: Reader,
    /// Why they get it.
    pub grounds: Grounds,
}

/// Who reads it, and where: what a reader does with a mail is the contact's doing only if they are the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Contact,
    /// The store's own people.
    Team,
    /// Whoever opens the mail in a browser. No picture there tells of an open: the mail itself was not opened.
    Browser,
}

/// What links are made with: the keys, and the public address of this Worker.
#[derive(Debug, Clone, Copy)]
pub struct Linking<'a> {
    pub keys: &'a LinkKeys,
    /// `https://mail.shop.example`
    pub base_url: &'a str,
}

/// Why a message could not be composed. All are ours: the build checks templates, so none is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("there is no email `{0}` in templates/emails")]
    UnknownEmail(String),
    #[error("the templates of `{email}` failed: {problem}")]
    Template { email: String, problem: String },
    #[error("the subject of `{0}` is empty")]
    EmptySubject(String),
}

/// Renders a message into an email ready for any provider. The clearance is the gate's yes, with the address it is for:
/// without it no mail is composed.
///
/// # Errors
/// See [`Error`]; the caller drops or dead-letters the message with these words.
pub fn compose(
    store: &StoreFile,
    linking: Linking<'_>,
    draft: Draft<'_>,
    clearance: &Clearance,
) -> Result<OutgoingEmail, Error> {
    let message = draft.message;
    let links = links(store, linking, (draft, clearance.to()));
    let headers = headers(&message.id, links.unsubscribe.as_deref());
    let Rendered { subject, html, text } = render(store, linking, (draft, clearance.to()), links)?;
    Ok(OutgoingEmail {
        message: message.id.clone(),
        to: clearance.to().clone(),
        from: Mailbox::new(&store.sender.name, store.sender.from.clone()),
        reply_to: store.sender.reply_to.clone(),
        subject,
        html,
        text,
        headers,
        stream: message.stream,
        journey: message.journey.clone(),
        step: message.step.clone(),
        email: message.email.clone(),
    })
}

/// Renders a mail that was sent once more, as a page: `to` is whom it addresses. Nothing that comes out can be sent.
///
/// # Errors
/// See [`Error`].
pub fn page(
    store: &StoreFile,
    linking: Linking<'_>,
    draft: Draft<'_>,
    to: &EmailAddress,
) -> Result<String, Error> {
    let links = links(store, linking, (draft, to));
    Ok(render(store, linking, (draft, to), links)?.html)
}

/// Links that can say yes are for the mailbox that the mail goes to: a page that anybody may be shown has none.
fn links(store: &StoreFile, linking: Linking<'_>, (draft, to): (Draft<'_>, &EmailAddress)) -> MessageLinks {
    let id = &draft.message.id;
    let url = |purpose| linking.keys.url(linking.base_url, purpose, id, to);
    let of_marketing = |purpose| match draft.message.stream {
        Stream::Marketing => Some(url(purpose)),
        Stream::Transactional => None,
    };
    let (view, preferences, confirm) = match draft.reader {
        Reader::Contact => (
            Some(url(Purpose::View)),
            of_marketing(Purpose::Preferences),
            url(Purpose::Confirm),
        ),
        Reader::Team | Reader::Browser => (None, None, store.brand.url.clone()),
    };
    let language = translation(
        draft.message.email.as_str(),
        draft.profile.locale.as_deref(),
        &store.locale,
    )
    .language;
    let (questions, gifts) = questions::of_email(
        store,
        draft.message.email.as_str(),
        language.unwrap_or(&store.locale),
        |purpose, said| match draft.reader {
            Reader::Contact | Reader::Browser => linking.keys.url_saying(linking.base_url, purpose, id, said),
            Reader::Team => store.brand.url.clone(),
        },
    );
    MessageLinks {
        questions,
        gifts,
        unsubscribe: of_marketing(Purpose::Unsubscribe),
        view,
        preferences,
        confirm,
        referral: Referral::new(store, draft.contact),
    }
}

fn render(
    store: &StoreFile,
    linking: Linking<'_>,
    (draft, to): (Draft<'_>, &EmailAddress),
    links: MessageLinks,
) -> Result<Rendered, Error> {
    let message = draft.message;
    let name = message.email.as_str();
    let translation = translation(name, draft.profile.locale.as_deref(), &store.locale);
    let model = Model::new(
        (store, translation.language),
        (to, draft.grounds),
        draft.profile,
        draft.brought,
        links,
    );
    let rendered = emails::render(translation.folder, &model)
        .ok_or_else(|| Error::UnknownEmail(name.to_owned()))?
        .map_err(|problem| Error::Template {
            email: name.to_owned(),
            problem: problem.to_string(),
        })?;
    if rendered.subject.is_empty() {
        return Err(Error::EmptySubject(name.to_owned()));
    }
    if draft.reader == Reader::Team {
        return Ok(rendered);
    }
    let data = draft.brought.data;
    let personal = data.checkout_id.is_some() || data.cart_id.is_some() || data.order_id.is_some();
    let tracker = Tracker {
        keys: linking.keys,
        base_url: linking.base_url,
        message: &message.id,
        to,
        clicks: store.tracking.clicks(),
        opens: draft.reader == Reader::Contact && store.tracking.opens(store.region),
        utm: Tags::new(store, message),
        untouched: &model.referral.link,
        untagged: (personal && data.url.is_some()).then_some(&model.action_url),
    };
    Ok(tracker.track(rendered))
}
