//! What a form posted: names and texts, urlencoded or multipart. For the pages that links in mails lead to, for the
//! button of mail clients (RFC 8058), and, as a document of its own (`brackets`), for sources and providers that post forms.
//! Files and charsets other than UTF-8 are not for us.

mod brackets;

pub use brackets::document;

/// Our own forms and the one-click post stay far below this.
pub const MAX_BYTES: usize = 16 * 1024;

/// The fields of a posted form, whose `Content-Type` is `kind`; none when it is no form, or too long for one of ours.
pub fn fields(kind: &str, body: &[u8]) -> Option<Vec<(String, String)>> {
    if body.len() > MAX_BYTES {
        return None;
    }
    let (essence, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Some(urlencoded(body)),
        "multipart/form-data" => multipart(boundary(parameters)?, std::str::from_utf8(body).ok()?),
        _ => None,
    }
}

/// Whether a mail client's own button was pressed: RFC 8058, 3.2.
pub fn is_one_click(kind: &str, body: &[u8]) -> bool {
    let fields = fields(kind, body).unwrap_or_default();
    fields
        .iter()
        .any(|(name, value)| name == "List-Unsubscribe" && value == "One-Click")
}

fn urlencoded(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn boundary(parameters: &str) -> Option<&str> {
    let mut all = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='));
    let (_, value) = all.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty()).then_some(value)
}

/// RFC 7578: parts between lines of dashes and the boundary, each with headers, an empty line and its text.
fn multipart(boundary: &str, body: &str) -> Option<Vec<(String, String)>> {
    let delimiter = format!("--{boundary}");
    let mut parts = body.split(delimiter.as_str());
    parts.next()?;
    let mut fields = Vec::new();
    for part in parts {
        if part.starts_with("--") {
            return Some(fields);
        }
        let (head, text) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
        let text = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'))?;
        fields.push((name(head)?.to_owned(), text.to_owned()));
    }
    // The line that ends it did not come.
    None
}

fn name(head: &str) -> Option<&str> {
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    let (_, rest) = disposition.split_once("name=")?;
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split(';').next().map(str::trim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_one_click_post_are_known() {
        let multipart = "--b1\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b1--\r\n";
        for (kind, body, one_click) in [
            (
                "application/x-www-form-urlencoded",
                "List-Unsubscribe=One-Click",
                true,
            ),
            (
                "Application/X-WWW-Form-Urlencoded; charset=utf-8",
                "List-Unsubscribe=One-Click",
                true,
            ),
            ("multipart/form-data; boundary=b1", multipart, true),
            ("multipart/form-data; boundary=\"b1\"", multipart, true),
            ("multipart/form-data; boundary=b2", multipart, false),
            (
                "multipart/form-data; boundary=b1",
                multipart.trim_end_matches("--\r\n"),
                false,
            ),
            ("multipart/form-data", multipart, false),
            ("application/x-www-form-urlencoded", "", false),
            (
                "application/x-www-form-urlencoded",
                "list-unsubscribe=one-click",
                false,
            ),
            ("text/plain", "List-Unsubscribe=One-Click", false),
        ] {
            assert_eq!(is_one_click(kind, body.as_bytes()), one_click, "{kind} {body:?}");
        }
    }

    #[test]
    fn fields_come_decoded_and_in_their_order() {
        let kind = "application/x-www-form-urlencoded";
        let form = b"topic=news&topic=care+tips&until=2027-05-31&x=%C3%A9";
        let fields = fields(kind, form).unwrap();
        let expected = [
            ("topic", "news"),
            ("topic", "care tips"),
            ("until", "2027-05-31"),
            ("x", "é"),
        ];
        assert_eq!(
            fields,
            expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
        let long = "x".repeat(MAX_BYTES + 1);
        assert_eq!(super::fields(kind, long.as_bytes()), None);
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_answered(kind in "(multipart/form-data; boundary=b|.{0,20})", body in "(--b|\r\n|name=|.){0,40}") {
            fields(&kind, body.as_bytes());
        }
    }
}
