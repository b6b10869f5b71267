//! An address as providers take it on the wire: ASCII only, the domain in punycode.
//!
//! Called by every provider that sends over HTTP. It never changes who is addressed, and it sends nothing.

use crate::domain::email::EmailAddress;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// RFC 6531 mailboxes are refused or broken at nearly every email API (`docs/providers.md`).
    #[error("an address with letters beyond ASCII before the @ is not sendable here")]
    LocalPart,
    #[error("the domain of the address has no ASCII form")]
    Domain,
}

/// The address with an internationalised domain in its ASCII form (UTS 46, RFC 5891).
///
/// # Errors
/// `LocalPart` when the part before the @ is not ASCII, `Domain` when the domain cannot be converted.
pub fn to_ascii(address: &EmailAddress) -> Result<EmailAddress, Error> {
    let text = address.as_str();
    if text.is_ascii() {
        return Ok(address.clone());
    }
    let (local, domain) = text.rsplit_once('@').ok_or(Error::Domain)?;
    if !local.is_ascii() {
        return Err(Error::LocalPart);
    }
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_| Error::Domain)?;
    EmailAddress::parse(&format!("{local}@{domain}")).map_err(|_| Error::Domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str) -> Result<String, Error> {
        to_ascii(&EmailAddress::parse(text).unwrap()).map(|address| address.as_str().to_owned())
    }

    #[test]
    fn only_the_domain_is_converted() {
        assert_eq!(
            converted("Anna@Bücher.example").unwrap(),
            "Anna@xn--bcher-kva.example"
        );
        assert_eq!(converted("shop@почта.рф").unwrap(), "shop@xn--80a1acny.xn--p1ai");
        assert_eq!(converted("A.B+c@Example.COM").unwrap(), "A.B+c@Example.COM");
    }

    #[test]
    fn what_has_no_ascii_form_is_refused() {
        assert_eq!(converted("иван@почта.рф"), Err(Error::LocalPart));
        assert_eq!(converted("a@\u{fffd}.example"), Err(Error::Domain));
        assert_eq!(converted(&format!("a@{}.рф", "ж".repeat(70))), Err(Error::Domain));
    }
}
