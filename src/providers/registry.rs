//! Choosing a provider: names from `EMAIL_PROVIDER`, the account they use, and the errors of building a request.
//!
//! Called when settings are read and before a claim. It reads no setting itself: texts are arguments.

use super::{ProviderKind, loopback};
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("EMAIL_PROVIDER names `{0}`; the providers are outbox and resend")]
    UnknownProvider(String),
    #[error("EMAIL_PROVIDER is empty; name outbox or resend")]
    NoProvider,
    #[error("a request needs at least one message")]
    NoMembers,
    #[error("a request carries at most {max} messages, not {members}")]
    TooManyMembers { members: usize, max: usize },
    #[error("message {index} of the request cannot be sent by this provider")]
    Refused { index: usize, rejection: Rejection },
    #[error("an idempotency key has 1 to {max} visible ASCII characters")]
    Key { max: usize },
    #[error("the request could not be written as JSON: {0}")]
    Json(String),
}

/// Where a provider is reached and with which key. `Debug` hides the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    url: String,
    key: String,
}

impl Account {
    /// `url` is the base address, with or without a final slash. Of several keys separated by spaces, which is how
    /// secrets are rotated, the first is used for sending.
    pub fn new(url: &str, keys: &str) -> Self {
        Self {
            url: url.trim().trim_end_matches('/').to_owned(),
            key: keys.split_whitespace().next().unwrap_or_default().to_owned(),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl ProviderKind {
    /// # Errors
    /// `Error::UnknownProvider` for a name that is none of ours.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let name = name.trim();
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::UnknownProvider(name.to_owned()))
    }

    /// Whether nothing sent through it can reach a person: the condition of the dev routes besides
    /// `ENVIRONMENT=dev`. `url` is the provider's base address in use.
    pub fn reaches_nobody(self, url: &str) -> bool {
        self.capabilities().local || loopback::is_loopback(url)
    }
}

/// `EMAIL_PROVIDER`: one name, or an order of preference separated by spaces or commas. Repeats are dropped.
///
/// # Errors
/// Empty, or a name that is none of ours.
pub fn preference(text: &str) -> Result<Vec<ProviderKind>, Error> {
    let names = text.split(|c: char| c == ',' || c.is_whitespace());
    let mut kinds = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        let kind = ProviderKind::parse(name)?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        Err(Error::NoProvider)
    } else {
        Ok(kinds)
    }
}

/// The first of the preferred providers that may carry the stream.
pub fn for_stream(preferred: &[ProviderKind], stream: Stream) -> Option<ProviderKind> {
    preferred
        .iter()
        .copied()
        .find(|kind| kind.capabilities().streams.contains(&stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_is_a_list_without_repeats() {
        let list = preference(" resend, outbox resend ").unwrap();
        assert_eq!(list, [ProviderKind::Resend, ProviderKind::Outbox]);
        assert_eq!(preference(" , "), Err(Error::NoProvider));
        let error = preference("resent").unwrap_err().to_string();
        assert_eq!(
            error,
            "EMAIL_PROVIDER names `resent`; the providers are outbox and resend"
        );
        for kind in ProviderKind::ALL {
            assert_eq!(ProviderKind::parse(kind.as_str()), Ok(kind));
            assert!(
                Error::UnknownProvider(String::new())
                    .to_string()
                    .contains(kind.as_str())
            );
        }
    }

    #[test]
    fn the_first_capable_provider_is_used() {
        let preferred = [ProviderKind::Resend, ProviderKind::Outbox];
        assert_eq!(
            for_stream(&preferred, Stream::Marketing),
            Some(ProviderKind::Resend)
        );
        assert_eq!(for_stream(&[], Stream::Marketing), None);
    }

    #[test]
    fn an_account_shows_no_key_and_sends_with_the_first() {
        let account = Account::new(" https://api.resend.com/ ", "re_new re_old");
        assert_eq!(
            (account.url(), account.key()),
            ("https://api.resend.com", "re_new")
        );
        assert!(!format!("{account:?}").contains("re_"));
        assert!(ProviderKind::Resend.reaches_nobody("http://127.0.0.1:9/"));
        assert!(!ProviderKind::Resend.reaches_nobody(super::super::resend::DEFAULT_URL));
    }
}
