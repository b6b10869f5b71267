//! The stores that plans are played in: the project's own journeys, and two that lay down what these may not use, each with
//! the edits that a deploy in the middle of a story brings.

use super::super::error::Failure;
use super::super::setup::{Edits, edited};
use crate::domain::message::Stream;
use crate::journey::catalog::Catalog;
use crate::journey::region::Region;
use std::path::Path;

/// How many stores there are, and edits of each.
pub const STAGES: u32 = 3;
pub const DEPLOYS: u32 = 2;

/// A journey that waits for a time of day and for a click.
const PARCEL: &str = "title: After the parcel
stage: retention
trigger: { on: Order Fulfilled, key: order_id }
reenter: once
exit: [{ on: Order Refunded, match: key }]
steps:
  - wait: { until: '10:00' }
    id: parcel-morning
  - send: FIRST
    id: parcel-mail
    stream: marketing
  - wait: { for: Email Clicked, timeout: 2d, otherwise: exit }
    id: parcel-click
  - send: SECOND
    id: parcel-again
    stream: marketing
";

/// A journey that begins with the welcome, asks what became of its mail, and begins anew.
const SECOND: &str = "title: Second welcome
stage: awareness
priority: 5
trigger: { on: Signed Up, key: contact }
reenter: restart
exit: [{ on: Order Completed }]
steps:
  - send: FIRST
    id: second-hello
    stream: marketing
  - wait: 1 calendar day
    id: second-day
  - branch:
      - when: last.opened
        steps:
          - send: SECOND
            id: second-opened
            stream: marketing
      - else:
          - send: FIRST
            id: second-unopened
            stream: marketing
";

/// A store, and what it becomes by a deploy.
#[derive(Debug, Clone)]
pub struct Stage {
    pub before: Catalog,
    pub after: Vec<Catalog>,
}

/// All stores, checked once: that takes longer than hundreds of stories.
pub struct Stages(Vec<Stage>);

impl Stages {
    /// # Errors
    /// With the findings, when the project's journeys do not check.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        let own = edited(root, &Edits::new())?;
        let mails = marketing(&own);
        let with = |files: &[(&str, &str)]| {
            let files = files.iter().filter(|_| !mails.is_empty());
            let edits: Edits = files
                .map(|(name, text)| ((*name).to_owned(), Some(filled(text, &mails))))
                .collect();
            edited(root, &edits)
        };
        let (parcel, second) = (("faults-parcel", PARCEL), ("faults-second", SECOND));
        // People stand on the day's wait, and on the morning's, when these go.
        let longer = SECOND
            .replace("wait: 1 calendar day", "wait: 30h")
            .replace("id: second-day", "id: second-longer")
            .replace(
                "steps:\n  - send",
                "moved: { second-day: second-longer }\nsteps:\n  - send",
            );
        let without_morning = PARCEL
            .replace("  - wait: { until: '10:00' }\n    id: parcel-morning\n", "")
            .replace("steps:", "moved: { parcel-morning: parcel-mail }\nsteps:");
        let draining = SECOND.replace("priority: 5", "priority: 5\nstatus: draining");
        let both = with(&[parcel, second])?;
        let edits = vec![
            with(&[("faults-second", &longer)])?,
            with(&[("faults-parcel", &without_morning), ("faults-second", &draining)])?,
        ];
        let plain = Stage {
            after: vec![both.clone(), with(&[parcel])?],
            before: own,
        };
        let full = Stage {
            before: both,
            after: edits,
        };
        let quiet = full.clone().with(|catalog| {
            catalog.store.quiet_hours = "21:00-08:00".parse().ok();
            catalog.store.region = Region::SoftOptIn;
        });
        Ok(Self(vec![plain, full, quiet]))
    }

    /// # Errors
    /// When there is no such store.
    pub fn stage(&self, at: usize) -> Result<&Stage, Failure> {
        let missing = || Failure::Asked(format!("there is no store {at}"));
        self.0.get(at).ok_or_else(missing)
    }
}

impl Stage {
    fn with(mut self, change: impl Fn(&mut Catalog)) -> Self {
        change(&mut self.before);
        self.after.iter_mut().for_each(&change);
        self
    }
}

/// The emails that the project's journeys send as marketing.
fn marketing(catalog: &Catalog) -> Vec<String> {
    let journeys = catalog
        .journeys
        .iter()
        .filter(|journey| journey.variables.is_empty());
    let sends = journeys
        .flat_map(|journey| &journey.steps)
        .filter_map(|step| step.kind.as_send());
    let marketing = sends.filter(|send| send.stream == Stream::Marketing);
    marketing.map(|send| send.email.to_string()).collect()
}

fn filled(text: &str, mails: &[String]) -> String {
    let first = mails.first().map_or("", String::as_str);
    let last = mails.last().map_or("", String::as_str);
    text.replace("send: FIRST", &format!("send: {first}"))
        .replace("send: SECOND", &format!("send: {last}"))
}
