//! Composes one email: the model is filled, the three templates of its folder are rendered, headers are added.
//!
//! The delivery loop calls [`compose`] in the turn in which it claims a message, so the result is what is stored and
//! sent. It must not decide: consent and the gate were asked before.

use super::emails::{self, Rendered};
use super::headers::headers;
use super::links::{LinkKeys, Purpose};
use super::model::{Brought, MessageLinks, Model, Referral};
use super::translation::translation;
use crate::domain::clearance::Clearance;
use crate::domain::contact::Profile;
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
    /// The gate's yes, with the address it is for: without it no mail is composed.
    pub clearance: &'a Clearance,
    pub profile: &'a Profile,
    pub brought: Brought<'a>,
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

/// Renders a message into an email ready for any provider.
///
/// # Errors
/// See [`Error`]; the caller drops or dead-letters the message with these words.
pub fn compose(store: &StoreFile, linking: Linking<'_>, draft: Draft<'_>) -> Result<OutgoingEmail, Error> {
    let message = draft.message;
    let to = draft.clearance.to();
    let link = |purpose| linking.keys.url(linking.base_url, purpose, &message.id, to);
    let (unsubscribe, preferences) = match message.stream {
        Stream::Marketing => (Some(link(Purpose::Unsubscribe)), Some(link(Purpose::Preferences))),
        Stream::Transactional => (None, None),
    };
    let headers = headers(&message.id, unsubscribe.as_deref());
    let links = MessageLinks {
        unsubscribe,
        preferences,
        confirm: link(Purpose::Confirm),
        referral: Referral::new(store, draft.contact),
    };
    let name = message.email.as_str();
    let translation = translation(name, draft.profile.locale.as_deref(), &store.locale);
    let model = Model::new(
        (store, translation.language),
        to,
        draft.profile,
        draft.brought,
        links,
    );
    let Rendered { subject, html, text } = emails::render(translation.folder, &model)
        .ok_or_else(|| Error::UnknownEmail(name.to_owned()))?
        .map_err(|problem| Error::Template {
            email: name.to_owned(),
            problem: problem.to_string(),
        })?;
    if subject.is_empty() {
        return Err(Error::EmptySubject(name.to_owned()));
    }
    Ok(OutgoingEmail {
        message: message.id.clone(),
        to: to.clone(),
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
