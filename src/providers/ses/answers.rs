//! Reading Amazon's answers: an error's name is in `x-amzn-errortype`, its words in the body.
//!
//! Called by `ProviderKind::read`. Source: the errors of `SendEmail` in the service's description, and AWS's common
//! errors (`https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html`).

use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;
use crate::http::Response;
use crate::providers::answer::{self, Answer};
use crate::providers::{quota, told};

pub(super) fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let outcome = if (200..=299).contains(&response.status) {
        answer::accepted(Some(told::text(&told::by(response), "/MessageId")))
    } else {
        judge(response, now)
    };
    answer::whole(outcome, members)
}

fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let told = told::by(response);
    let message = told::first(&told, ["/message", "/Message"]);
    let in_header = response.headers.get("x-amzn-errortype");
    let name = in_header.unwrap_or_else(|| told::text(&told, "/__type"));
    // `MessageRejected:http://internal.amazon.com/…`, and `com.amazonaws.sesv2#MessageRejected` in bodies.
    let name = name.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().trim();
    let reason = answer::reason(status, &format!("{name} {message}"));
    let asked = || answer::retry_after(&response.headers, now);
    match name {
        "" => answer::by_status(response, now),
        // "Daily message quota exceeded" or "Maximum sending rate exceeded", says `dg/manage-sending-quotas-errors.html`.
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" => {
            quota::or_rate(message, asked(), now)
        }
        // The allowance of a rolling day.
        "LimitExceededException" => Outcome::RetryLater(quota::daily(asked(), now)),
        _ if status >= 500 => Outcome::Unknown(reason),
        // Our clock is off, or the request was under way for long: the next one is signed anew.
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestExpired" if is_late(message) => {
            answer::slow_down(None)
        }
        "MessageRejected" if message.contains("not verified") => answer::misconfigured(reason),
        "BadRequestException" if answer::mentions(message, &ABOUT_ACCOUNT) => answer::misconfigured(reason),
        "MessageRejected" | "BadRequestException" | "ValidationException" | "SerializationException" => {
            answer::refused(reason)
        }
        // Paused, suspended, not verified, a wrong key or set, no right to send, and what is added tomorrow.
        _ => answer::misconfigured(reason),
    }
}

/// "Signature expired: … is now earlier than …", "Signature not yet current: …".
fn is_late(message: &str) -> bool {
    message.contains("Signature expired") || message.contains("Signature not yet current")
}

const ABOUT_ACCOUNT: [&str; 4] = [
    "not verified",
    "configuration set",
    "configurationset",
    "fromemailaddress",
];
