//! Choosing a provider: names from `EMAIL_PROVIDER`, and the errors of building a request.
//!
//! Called when settings are read and before a claim. It reads no setting itself: texts are arguments.

use super::{ProviderKind, loopback};
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("EMAIL_PROVIDER names `{0}`; the providers are {names}", names = names())]
    UnknownProvider(String),
    #[error("EMAIL_PROVIDER is empty; the providers are {names}", names = names())]
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

/// Every provider's name, for people.
fn names() -> String {
    ProviderKind::ALL.map(ProviderKind::as_str).join(", ")
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
        !self.capabilities().reaches_people || loopback::is_loopback(url)
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

/// Those of the preferred providers that may carry the stream, in their order.
pub fn for_stream(preferred: &[ProviderKind], stream: Stream) -> Vec<ProviderKind> {
    let kinds = preferred.iter().copied();
    kinds.filter(|kind| kind.may_carry(stream)).collect()
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
        assert!(
            error.starts_with("EMAIL_PROVIDER names `resent`; the providers are outbox, resend"),
            "{error}"
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
    fn those_that_may_carry_a_stream_stand_in_the_order_of_preference() {
        use ProviderKind::{CloudflareEmail, Outbox, Resend};
        let preferred = [CloudflareEmail, Resend, Outbox];
        assert_eq!(for_stream(&preferred, Stream::Marketing), [Resend, Outbox]);
        assert_eq!(for_stream(&preferred, Stream::Transactional), preferred);
        assert!(for_stream(&[], Stream::Marketing).is_empty());
    }

    #[test]
    fn a_loopback_address_reaches_nobody() {
        assert!(ProviderKind::Resend.reaches_nobody("http://127.0.0.1:9/"));
        assert!(!ProviderKind::Resend.reaches_nobody(super::super::resend::DEFAULT_URL));
    }
}
