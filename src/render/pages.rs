//! The pages that links in mails lead to: a choice with one button, what came of it, and what to do where a link leads
//! nowhere.
//!
//! The edge calls [`page`] for the routes with a token. Pages change nothing: the one button POSTs to the page's own
//! address, so a scanner that opens every link in a mail unsubscribes and confirms nobody. The page of preferences is
//! `preferences`.

use super::model::Store;
use super::words::Words;
use crate::journey::store_file::StoreFile;
use askama::Template;

/// Value of `Content-Security-Policy` for these pages: nothing is loaded, forms stay here, nobody frames them.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for a mail that is shown as a page: it has pictures, and a form on no account.
pub const MAIL_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// GET of `/u`: asks, with one button.
    Unsubscribe,
    /// The answer to the POST, the first and every later time.
    Unsubscribed,
    /// GET of `/confirm`: asks, with one button.
    Confirm,
    Confirmed,
    /// What was chosen is on its way to whom it concerns; what comes of it cannot be told yet.
    Noted,
    /// What was asked for cannot be confirmed any more.
    Expired,
    /// A form of the page of preferences that cannot be taken.
    WrongForm,
    WrongDate,
    /// The token is cut off, altered, or not ours.
    LinkNotValid,
    /// The mail is too old to be shown, or what it said is not kept any more.
    MailGone,
    /// The POST could not be stored, or the mail not be read.
    TryAgain,
}

/// A page with a heading, a text and perhaps a button.
#[derive(Template)]
#[template(path = "pages/choice.html")]
struct Choice<'a> {
    store: Store<'a>,
    w: &'static Words,
    title: &'static str,
    text: &'static str,
    button: Option<&'static str>,
    /// A second, quieter text.
    aside: Option<&'static str>,
    help: Option<&'static str>,
}

impl Page {
    pub const ALL: [Self; 11] = [
        Self::Unsubscribe,
        Self::Unsubscribed,
        Self::Confirm,
        Self::Confirmed,
        Self::Noted,
        Self::Expired,
        Self::WrongForm,
        Self::WrongDate,
        Self::LinkNotValid,
        Self::MailGone,
        Self::TryAgain,
    ];

    /// Its name for previews.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe",
            Self::Unsubscribed => "unsubscribed",
            Self::Confirm => "confirm",
            Self::Confirmed => "confirmed",
            Self::Noted => "noted",
            Self::Expired => "expired",
            Self::WrongForm => "wrong-form",
            Self::WrongDate => "wrong-date",
            Self::LinkNotValid => "link-not-valid",
            Self::MailGone => "mail-gone",
            Self::TryAgain => "try-again",
        }
    }

    /// The status to answer with.
    pub const fn status(self) -> u16 {
        match self {
            Self::Unsubscribe
            | Self::Unsubscribed
            | Self::Confirm
            | Self::Confirmed
            | Self::Noted
            | Self::Expired => 200,
            Self::WrongForm | Self::WrongDate => 400,
            Self::LinkNotValid | Self::MailGone => 404,
            Self::TryAgain => 503,
        }
    }
}

/// The HTML of a page, in the store's name and colour.
///
/// # Errors
/// Only if a template fails, which writing to a string does not.
pub fn page(page: Page, store: &StoreFile, w: &'static Words) -> askama::Result<String> {
    let (title, text, button, aside, help) = match page {
        Page::Unsubscribe => (
            w.unsubscribe_heading,
            w.unsubscribe_text,
            Some(w.unsubscribe_button),
            Some(w.unsubscribe_stay),
            None,
        ),
        Page::Unsubscribed => (
            w.unsubscribed_heading,
            w.unsubscribe_text,
            None,
            None,
            Some(w.unsubscribed_mistake),
        ),
        Page::Confirm => (
            w.confirm_heading,
            w.confirm_text,
            Some(w.confirm_button),
            None,
            None,
        ),
        Page::Confirmed => (w.confirmed_heading, w.confirmed_text, None, None, None),
        Page::Noted => (w.noted_heading, w.noted_text, None, None, None),
        Page::Expired => (w.expired_heading, w.expired_text, None, None, None),
        Page::WrongForm => (w.wrong_heading, w.wrong_form, None, None, None),
        Page::WrongDate => (w.wrong_heading, w.wrong_date, None, None, None),
        Page::LinkNotValid => (w.invalid_heading, w.invalid_text, None, None, Some(w.retry_help)),
        Page::MailGone => (w.gone_heading, w.gone_text, None, None, None),
        Page::TryAgain => (w.retry_heading, w.retry_text, None, None, Some(w.retry_help)),
    };
    Choice {
        store: Store::new(store),
        w,
        title,
        text,
        button,
        aside,
        help,
    }
    .render()
}
