//! What an answer's JSON tells, by name: what is missing or of another type than documented is absent.
//!
//! Called by the providers' `read`. It knows no API. Names are JSON pointers (RFC 6901), as `/errors/0/message`. There is no
//! struct for each API: the code that reads one would be in the Worker once for each, and one odd field would lose the rest.

use crate::http::Response;
use serde_json::Value;

/// The JSON of an answer; null where it is none. Bytes that are no text spoil only the text they are in.
pub fn by(response: &Response) -> Value {
    serde_json::from_str(&String::from_utf8_lossy(&response.body)).unwrap_or_default()
}

/// Empty where there is no text of that name.
pub fn text<'a>(told: &'a Value, name: &str) -> &'a str {
    told.pointer(name).and_then(Value::as_str).unwrap_or_default()
}

/// The first text that is there, of several names for the same.
pub fn first<'a>(told: &'a Value, names: [&str; 2]) -> &'a str {
    let [one, other] = names.map(|name| text(told, name));
    if one.is_empty() { other } else { one }
}

pub fn number(told: &Value, name: &str) -> Option<i64> {
    told.pointer(name)?.as_i64()
}

pub fn flag(told: &Value, name: &str) -> Option<bool> {
    told.pointer(name)?.as_bool()
}

/// The elements of a list; none where there is no list of that name.
pub fn list<'a>(told: &'a Value, name: &str) -> &'a [Value] {
    let list = told.pointer(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    #[test]
    fn what_is_odd_is_absent_and_nothing_else_is_lost() {
        let told = |body: &[u8]| {
            by(&Response {
                status: 200,
                headers: Headers::new(),
                body: body.to_vec(),
            })
        };
        let odd =
            told(b"{\"id\":7,\"errors\":[{\"message\":\"caf\xe9\"}],\"code\":\"x\",\"ok\":1,\"list\":{}}");
        assert_eq!((text(&odd, "/id"), number(&odd, "/id")), ("", Some(7)));
        assert_eq!(text(&odd, "/errors/0/message"), "caf\u{fffd}");
        assert_eq!((number(&odd, "/code"), flag(&odd, "/ok")), (None, None));
        assert!(list(&odd, "/list").is_empty() && list(&odd, "/errors").len() == 1);
        for none in [&b""[..], b"<html>", b"{", b"[1"] {
            assert_eq!(told(none), Value::Null);
        }
    }
}
