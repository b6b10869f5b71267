//! Addresses and headers of an email as email APIs take them: ASCII addresses, headers that cannot add a recipient.
//!
//! Called by every provider that sends over HTTP. It changes neither who is addressed nor what a header says.

use super::address;
use crate::domain::email::EmailAddress;
use crate::domain::mail::{Mailbox, OutgoingEmail};
use crate::domain::outcome::Rejection;
use crate::signing::BASE64;
use base64::Engine as _;

/// Headers that are fields of the request, or that the mail's transport writes: a `Bcc` would add a recipient.
const OWNED_HEADERS: [&str; 11] = [
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "subject",
    "date",
    "return-path",
    "content-type",
    "mime-version",
];

/// Bytes of text in one encoded word: with its frame and a third more for base64 it stays within the 75 characters of
/// RFC 2047 §2.
const ENCODED_WORD_BYTES: usize = 45;

/// The addresses of an email, each in ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub to: String,
    pub from: Mailbox,
    pub reply_to: Option<String>,
}

/// The envelope of an email whose headers are fit to be sent.
///
/// # Errors
/// `Rejection::Message` for a recipient without an ASCII form or a header that is not one line with a name of its own;
/// `Rejection::Configuration` for an address of the store's own.
pub fn envelope(email: &OutgoingEmail) -> Result<Envelope, Rejection> {
    let to = address::to_ascii(&email.to).map_err(|error| Rejection::Message(error.to_string()))?;
    let from = ours(email.from.address(), "sender")?;
    let reply_to = match &email.reply_to {
        Some(reply_to) => Some(ours(reply_to, "reply-to")?.as_str().to_owned()),
        None => None,
    };
    check_headers(email)?;
    Ok(Envelope {
        to: to.as_str().to_owned(),
        from: Mailbox::new(email.from.name(), from),
        reply_to,
    })
}

/// For APIs that put a header's bytes into the mail as they are: the value must be ASCII already.
///
/// # Errors
/// `Rejection::Message` for a value beyond ASCII.
pub fn check_ascii_headers(email: &OutgoingEmail) -> Result<(), Rejection> {
    match email.headers.iter().find(|(_, value)| !value.is_ascii()) {
        Some((name, _)) => Err(Rejection::Message(format!(
            "the header {name} has letters beyond ASCII, which are not sendable here"
        ))),
        None => Ok(()),
    }
}

/// A display name in the encoded words of RFC 2047, for APIs that do not encode it themselves. ASCII stays as it is.
pub fn encoded_name(name: &str) -> String {
    if name.is_ascii() {
        return name.to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let mut part = String::new();
    for c in name.chars() {
        if part.len() + c.len_utf8() > ENCODED_WORD_BYTES {
            words.push(std::mem::take(&mut part));
        }
        part.push(c);
    }
    words.push(part);
    let encoded = words
        .iter()
        .map(|part| format!("=?UTF-8?B?{}?=", BASE64.encode(part)));
    encoded.collect::<Vec<String>>().join(" ")
}

/// A mailbox as a header shows it, the name encoded where it must be.
pub fn encoded_mailbox(mailbox: &Mailbox) -> String {
    if mailbox.name().is_ascii() {
        return mailbox.to_string();
    }
    format!(
        "{} <{}>",
        encoded_name(mailbox.name()),
        mailbox.address().as_str()
    )
}

/// An address of the store's own: when it cannot be sent, the setting is wrong and not the message.
fn ours(own: &EmailAddress, which: &str) -> Result<EmailAddress, Rejection> {
    address::to_ascii(own).map_err(|error| Rejection::Configuration(format!("{which}: {error}")))
}

/// Every header must be one line with a name of its own. `render` makes them so; this makes it certain.
fn check_headers(email: &OutgoingEmail) -> Result<(), Rejection> {
    let wrong = |what: String| Err(Rejection::Message(what));
    if email.subject.chars().any(char::is_control) {
        return wrong("the subject is not one line".to_owned());
    }
    let mut seen: Vec<String> = Vec::with_capacity(email.headers.len());
    for (name, value) in &email.headers {
        let lower = name.to_ascii_lowercase();
        // RFC 5322 §3.6.8: printable ASCII but the colon.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
            return wrong("a header's name is not one word of ASCII".to_owned());
        }
        if OWNED_HEADERS.contains(&lower.as_str()) {
            return wrong(format!("the header {name} is set by a field of the email"));
        }
        if seen.contains(&lower) {
            return wrong(format!("the header {name} is there twice"));
        }
        if value.chars().any(char::is_control) {
            return wrong(format!("the header {name} is not one line"));
        }
        seen.push(lower);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_ascii_become_encoded_words() {
        assert_eq!(encoded_name("Harbour Lane, Ltd."), "Harbour Lane, Ltd.");
        assert_eq!(encoded_name("Лавка"), "=?UTF-8?B?0JvQsNCy0LrQsA==?=");
        let long = encoded_name(&"ж".repeat(60));
        assert_eq!(long.split(' ').count(), 3);
        assert!(long.split(' ').all(|word| word.len() <= 75), "{long}");
    }
}
