//! Answers of the Worker: JSON, errors with a hint, pages with their security headers.

use worker::{Headers, Response, Result};

/// `{"error", "hint"}` with a status.
pub fn error(status: u16, error: &str, hint: &str) -> Result<Response> {
    let body = serde_json::json!({ "error": error, "hint": hint });
    Ok(Response::from_json(&body)?.with_status(status))
}

/// A page for people, under a policy that loads nothing from elsewhere.
pub fn page(status: u16, html: String, policy: &str) -> Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "text/html; charset=utf-8")?;
    headers.set("content-security-policy", policy)?;
    Ok(
        Response::from_body(worker::ResponseBody::Body(html.into_bytes()))?
            .with_status(status)
            .with_headers(headers),
    )
}

/// What every answer says unless its route says otherwise: nobody keeps it, nobody guesses what it is, nobody lists or frames
/// it, and where it leads on learns no token.
const SEAL: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex, nofollow"),
];

/// Puts the seal on an answer that is about to go. On a copy of its headers: those of what another object answered cannot be
/// changed (<https://developer.mozilla.org/en-US/docs/Glossary/Guard>).
pub fn sealed(response: Response) -> Result<Response> {
    let headers = response.headers().clone();
    for (name, value) in SEAL {
        if !headers.has(name)? {
            headers.set(name, value)?;
        }
    }
    Ok(response.with_headers(headers))
}

/// The sender should try again: we failed, nothing is lost.
pub fn unavailable(problem: &str, hint: &str) -> Result<Response> {
    let response = error(503, problem, hint)?;
    response.headers().set("retry-after", "5")?;
    Ok(response)
}
