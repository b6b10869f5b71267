//! The pages that links in mails lead to: the choice to unsubscribe, and what came of it.
//!
//! The edge calls [`page`] for `/u/<token>`. Pages change nothing: the one button POSTs to the page's own address,
//! so a scanner that opens every link in a mail unsubscribes nobody.

use super::model::Store;
use crate::journey::store_file::StoreFile;
use askama::Template;

/// Value of `Content-Security-Policy` for these pages: nothing is loaded, forms stay here, nobody frames them.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// GET: asks, with one button.
    Unsubscribe,
    /// The answer to the POST, the first and every later time.
    Unsubscribed,
    /// The token is cut off, altered, or not ours.
    LinkNotValid,
    /// The POST could not be stored.
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
#[template(path = "pages/try-again.html")]
struct TryAgain<'a> {
    store: Store<'a>,
}

impl Page {
    pub const ALL: [Self; 4] = [
        Self::Unsubscribe,
        Self::Unsubscribed,
        Self::LinkNotValid,
        Self::TryAgain,
    ];

    /// The name of its template, for previews.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe",
            Self::Unsubscribed => "unsubscribed",
            Self::LinkNotValid => "link-not-valid",
            Self::TryAgain => "try-again",
        }
    }

    /// The status to answer with.
    pub const fn status(self) -> u16 {
        match self {
            Self::Unsubscribe | Self::Unsubscribed => 200,
            Self::LinkNotValid => 404,
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
        Page::TryAgain => TryAgain { store }.render(),
    }
}
