//! A finished email: everything a provider needs to build its request, and nothing it has to decide.
//!
//! `render` makes it, `providers` translate it, the outbox shows it. Every text that becomes a header passed
//! [`header_text`], so no header can be added or broken by a name or a title. It holds no consent and no policy.

use super::email::EmailAddress;
use super::ids::{EmailName, JourneyId, MessageId, StepId};
use super::message::Stream;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest subject or display name, in characters. Clients show far less; more only breaks folding.
pub const MAX_HEADER_CHARS: usize = 250;

/// The header with our message id: it names a message in provider logs, in some of their events, and in copies that people
/// forward to support.
pub const MESSAGE_HEADER: &str = "X-Wend-Message";

/// An address with the name shown beside it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    name: String,
    address: EmailAddress,
}

/// One email to one person, ready to be put into a provider's words. Field order is the order of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingEmail {
    pub message: MessageId,
    pub to: EmailAddress,
    pub from: Mailbox,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<EmailAddress>,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// Besides the usual ones, in this order; names are unique.
    pub headers: Vec<(String, String)>,
    pub stream: Stream,
    pub journey: JourneyId,
    pub step: StepId,
    pub email: EmailName,
}

impl Mailbox {
    /// The name is cleaned by [`header_text`]; it may end up empty.
    pub fn new(name: &str, address: EmailAddress) -> Self {
        let name = header_text(name);
        Self { name, address }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn address(&self) -> &EmailAddress {
        &self.address
    }
}

/// The form of RFC 5322 before encoding: `Harbour Lane <hello@example.com>`, the name quoted where it must be.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_str();
        if self.name.is_empty() {
            return f.write_str(address);
        }
        if !self.name.contains(|c: char| "()<>[]:;@\\,.\"".contains(c)) {
            return write!(f, "{} <{address}>", self.name);
        }
        let escaped = self.name.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\" <{address}>")
    }
}

/// Shows neither name nor address; logs must never hold one.
impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(hidden)")
    }
}

/// Text that is safe as the value of a header: one line, no control characters, no invisible marks that reverse
/// the reading order, single spaces, at most [`MAX_HEADER_CHARS`] characters.
pub fn header_text(text: &str) -> String {
    let kept = text.chars().filter_map(|c| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        _ if c.is_control() => Some(' '),
        _ => Some(c),
    });
    let spaced: String = kept.collect();
    let mut line = String::with_capacity(spaced.len());
    for word in spaced.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(MAX_HEADER_CHARS) {
        Some((end, _)) => line.get(..end).unwrap_or_default().trim_end().to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str) -> String {
        Mailbox::new(name, EmailAddress::parse("hello@example.com").unwrap()).to_string()
    }

    #[test]
    fn names_are_quoted_only_where_they_must_be() {
        assert_eq!(mailbox("Harbour Lane"), "Harbour Lane <hello@example.com>");
        assert_eq!(mailbox("Чайная лавка"), "Чайная лавка <hello@example.com>");
        assert_eq!(
            mailbox("Lane, \"H\" & Co."),
            r#""Lane, \"H\" & Co." <hello@example.com>"#
        );
        assert_eq!(mailbox(" \r\n "), "hello@example.com");
    }

    #[test]
    fn header_text_is_one_clean_line() {
        assert_eq!(header_text("Hi\r\nBcc: a@b.cd\0\u{85}"), "Hi Bcc: a@b.cd");
        assert_eq!(header_text("  a\t b\u{2028}c\u{202e}d "), "a b cd");
        assert_eq!(header_text(&"ж".repeat(900)).chars().count(), MAX_HEADER_CHARS);
    }
}
