//! What a run's mails saw at an earlier time, found again among the contact's events.
//!
//! A run that has ended leaves no cart or order behind, and one that goes on may have a newer one than its mail showed.
//! Asked when a mail is shown once more; what cannot be found for certain is not guessed.

use super::condition::Compiled;
use super::ids;
use super::keys::{about, is_of};
use super::sight::{Topic, View};
use crate::domain::event::{Event, EventData};
use crate::domain::ids::{EnrollmentId, EnrollmentKey};
use crate::journey::definition::{Journey, Refresh};
use std::sync::Arc;

/// The data of a run, as of the newest of `events`: those that can start or refresh its journey, newest first.
pub fn data_of(
    journey: &Journey,
    (run, key): (&EnrollmentId, &EnrollmentKey),
    events: &[Event],
    view: View<'_>,
) -> Option<Arc<EventData>> {
    if journey.trigger.on.is_empty() {
        return Some(Arc::default());
    }
    // The run's id is made of the event that started it.
    let starts =
        |event: &Event| ids::enrollment(&view.contact.id, &journey.id, key, event.id.as_str()) == *run;
    let start = events.iter().find(|event| starts(event))?;
    let refreshes = |event: &&Event| {
        let about = about(journey.trigger.key, key, event);
        event.occurred_at >= start.occurred_at
            && event.is_live()
            && is_of(journey.trigger.key, key, &view.contact.id, event)
            && journey.trigger.when.as_ref().is_none_or(|when| {
                let sight = view.on(Topic::event(journey, &about, key));
                Compiled::of(when).is_ok_and(|when| when.holds(&sight).unwrap_or(false))
            })
    };
    let newest = match journey.trigger.refresh {
        Refresh::None => start,
        Refresh::Data | Refresh::DataAndWait => events.iter().find(refreshes).unwrap_or(start),
    };
    Some(Arc::new(about(journey.trigger.key, key, newest).data.clone()))
}
