//! Mail headers beyond the usual ones: one-click unsubscribe (RFC 2369, RFC 8058) and our own message id.
//!
//! Called by `render::email`. Both unsubscribe headers must be covered by the DKIM signature, which the provider makes.

use crate::domain::ids::MessageId;
use crate::domain::mail::{MESSAGE_HEADER, header_text};

pub const UNSUBSCRIBE_HEADER: &str = "List-Unsubscribe";
pub const UNSUBSCRIBE_POST_HEADER: &str = "List-Unsubscribe-Post";

/// The headers of a message, in the order they are sent. `unsubscribe` is given for marketing mail only.
pub fn headers(message: &MessageId, unsubscribe: Option<&str>) -> Vec<(String, String)> {
    let mut headers = vec![(MESSAGE_HEADER.to_owned(), message.to_string())];
    if let Some(url) = unsubscribe {
        // Exactly one https address: RFC 8058 §3.1 asks for it, and a mailto beside it helps nobody.
        headers.push((UNSUBSCRIBE_HEADER.to_owned(), format!("<{}>", header_text(url))));
        headers.push((
            UNSUBSCRIBE_POST_HEADER.to_owned(),
            "List-Unsubscribe=One-Click".to_owned(),
        ));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marketing_mail_has_unsubscribe_headers() {
        let id = MessageId::parse(&"0a".repeat(20)).unwrap();
        assert_eq!(headers(&id, None).len(), 1);
        let url = "https://mail.shop.example/u/abc";
        let all = headers(&id, Some(url));
        let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [MESSAGE_HEADER, UNSUBSCRIBE_HEADER, UNSUBSCRIBE_POST_HEADER]
        );
        assert_eq!(all[1].1, "<https://mail.shop.example/u/abc>");
        assert_eq!(all[2].1, "List-Unsubscribe=One-Click");
    }
}
