//! The pages that links in mails lead to: the choice to unsubscribe, what came of it, and what to do where a link leads
//! nowhere.
//!
//! The edge calls [`page`] for the routes with a token. Pages change nothing: the one button POSTs to the page's own address,
//! so a scanner that opens every link in a mail unsubscribes nobody.

use super::model::Store;
use crate::journey::store_file::StoreFile;
use askama::Template;

/// Value of `Content-Security-Policy` for these pages: nothing is loaded, forms stay here, nobody frames them.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for a mail that is shown as a page: it has pictures, and a form on no account.
pub const MAIL_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// GET: asks, with one button.
    Unsubscribe,
    /// The answer to the POST, the first and every later time.
    Unsubscribed,
    /// The token is cut off, altered, or not ours.
    LinkNotValid,
    /// The mail is too old to be shown, or what it said is not kept any more.
    MailGone,
    /// The POST could not be stored, or the mail not be read.
    TryAgain,
}

#[derive(Template)]
#[template(path = "pages/unsubscribe.html")]
struct Unsubscribe<'a> {
    store: Store<'a>,
}

#[derive(Template)]
#[template(path = "pages/unsubscribed.html")]
struct Unsubscribed<'a> {
    store: Store<'a>,
}

#[derive(Template)]
#[template(path = "pages/link-not-valid.html")]
struct LinkNotValid<'a> {
    store: Store<'a>,
}

#[derive(Template)]
#[template(path = "pages/mail-gone.html")]
struct MailGone<'a> {
    store: Store<'a>,
}

#[derive(Template)]
#[template(path = "pages/try-again.html")]
struct TryAgain<'a> {
    store: Store<'a>,
}

impl Page {
    pub const ALL: [Self; 5] = [
        Self::Unsubscribe,
        Self::Unsubscribed,
        Self::LinkNotValid,
        Self::MailGone,
        Self::TryAgain,
    ];

    /// The name of its template, for previews.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe",
            Self::Unsubscribed => "unsubscribed",
            Self::LinkNotValid => "link-not-valid",
            Self::MailGone => "mail-gone",
            Self::TryAgain => "try-again",
        }
    }

    /// The status to answer with.
    pub const fn status(self) -> u16 {
        match self {
            Self::Unsubscribe | Self::Unsubscribed => 200,
            Self::LinkNotValid | Self::MailGone => 404,
            Self::TryAgain => 503,
        }
    }
}

/// The HTML of a page, in the store's name and colour.
///
/// # Errors
/// Only if a template fails, which writing to a string does not.
pub fn page(page: Page, store: &StoreFile) -> askama::Result<String> {
    let store = Store::new(store);
    match page {
        Page::Unsubscribe => Unsubscribe { store }.render(),
        Page::Unsubscribed => Unsubscribed { store }.render(),
        Page::LinkNotValid => LinkNotValid { store }.render(),
        Page::MailGone => MailGone { store }.render(),
        Page::TryAgain => TryAgain { store }.render(),
    }
}
