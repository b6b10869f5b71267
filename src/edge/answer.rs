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
    headers.set("x-content-type-options", "nosniff")?;
    headers.set("referrer-policy", "no-referrer")?;
    headers.set("x-robots-tag", "noindex, nofollow")?;
    headers.set("cache-control", "no-store")?;
    Ok(
        Response::from_body(worker::ResponseBody::Body(html.into_bytes()))?
            .with_status(status)
            .with_headers(headers),
    )
}

/// The sender should try again: we failed, nothing is lost.
pub fn unavailable(problem: &str, hint: &str) -> Result<Response> {
    let response = error(503, problem, hint)?;
    response.headers().set("retry-after", "5")?;
    Ok(response)
}
