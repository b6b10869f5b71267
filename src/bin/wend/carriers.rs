//! Whether the providers that an installation names may carry what its journeys send. Asked by `npm run deploy`, before a
//! store finds out by mails that wait.

use wend::domain::message::Stream;
use wend::journey::catalog::Catalog;
use wend::journey::definition::{Journey, Status};
use wend::journey::step::Step;
use wend::providers::registry::{Error, for_stream, preference};

/// Why marketing would wait, and what to do; none when somebody may carry it or nobody sends it.
///
/// # Errors
/// When `named` is not a value of `EMAIL_PROVIDER`.
pub fn refusal(catalog: &Catalog, named: &str) -> Result<Option<String>, Error> {
    let kinds = preference(named)?;
    if !for_stream(&kinds, Stream::Marketing).is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    Ok(marketing(catalog).map(|(journey, step)| {
        format!(
            "EMAIL_PROVIDER names `{}`, which may carry transactional mail only, and journeys/{}.yaml sends marketing (step `{}`), \
             which would wait for ever. Name a provider beside it that may carry both, as `EMAIL_PROVIDER = \"{} resend\"`; \
             docs/providers.md lists them.",
            names.join(" "),
            journey.id,
            step.id,
            names.join(" "),
        )
    }))
}

/// The first step of a running journey that sends marketing.
fn marketing(catalog: &Catalog) -> Option<(&Journey, &Step)> {
    let running = catalog
        .journeys
        .iter()
        .filter(|journey| journey.status != Status::Retired);
    running
        .flat_map(|journey| journey.steps.iter().map(move |step| (journey, step)))
        .find(|(_, step)| {
            step.kind
                .as_send()
                .is_some_and(|send| send.stream == Stream::Marketing)
        })
}
