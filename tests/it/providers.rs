//! Providers: requests as they go out, every class of answer, and what must never happen whatever comes in.

mod answers;
mod requests;

use wend::domain::time::Timestamp;

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-01T22:00:00Z").unwrap()
}
