//! What the switches make of the journeys: the catalog that a shard really runs on.
//!
//! Called by `edge` and the simulation for every turn. A journey that is paused while it runs is one whose file says
//! `status: paused`, and so the sweep, the schedule and the gate know no second kind of pause. The hash tells the two
//! catalogs apart: whoever is in such a journey is swept when it pauses, and caught up when it goes on.

use crate::domain::ids::JourneyId;
use crate::domain::message::Stream;
use crate::domain::switches::{By, Switches};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Journey, Status};
use crate::journey::step::{Recipient, Send};
use std::fmt::Write as _;

/// How a journey is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Everybody stays in place.
    Everybody,
    /// Its marketing mails wait, all else goes on.
    Marketing,
}

/// The catalog with the paused journeys paused; none where the build's own holds.
pub fn paused(catalog: &Catalog, switches: &Switches) -> Option<Catalog> {
    if switches.pauses_nothing() {
        return None;
    }
    let mut held = catalog.clone();
    for journey in &mut held.journeys {
        match hold(journey, switches) {
            None => {}
            Some(Hold::Everybody) => {
                journey.status = match journey.status {
                    Status::Active | Status::Draining | Status::Draft => Status::Paused,
                    // These hold everybody already, or let nobody stay.
                    stricter @ (Status::Paused | Status::Frozen | Status::Retired) => stricter,
                };
                let _ = write!(held.hash, "+{}", journey.id);
            }
            Some(Hold::Marketing) => {
                held.marketing_held.insert(journey.id.clone());
                let _ = write!(held.hash, "~{}", journey.id);
            }
        }
    }
    Some(held)
}

fn hold(journey: &Journey, switches: &Switches) -> Option<Hold> {
    let pause = switches.paused.get(&journey.id);
    if pause.is_some_and(|pause| pause.by == By::Operator) {
        return Some(Hold::Everybody);
    }
    if pause.is_none() && switches.marketing.is_none() {
        return None;
    }
    let sends = || journey.steps.iter().filter_map(|step| step.kind.as_send());
    let is_marketing = |send: &Send| send.stream == Stream::Marketing && send.to == Recipient::Contact;
    if !sends().any(is_marketing) {
        return None;
    }
    // Transactional mail, and what the team is told, must not wait for marketing.
    let nothing_else = sends().all(is_marketing);
    Some(if nothing_else {
        Hold::Everybody
    } else {
        Hold::Marketing
    })
}

/// Whether mail of this stream may leave the journey at present.
pub fn holds(catalog: &Catalog, journey: &JourneyId, stream: Stream) -> bool {
    let stays = catalog
        .journey(journey)
        .is_some_and(|journey| journey.status.holds());
    stays || (stream == Stream::Marketing && catalog.marketing_held.contains(journey))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::switches::{Change, Figures};
    use crate::domain::time::Timestamp;
    use crate::engine::fixtures::catalog;

    fn id(name: &str) -> JourneyId {
        JourneyId::parse(name).unwrap()
    }

    fn status(catalog: &Catalog, name: &str) -> Status {
        catalog.journey(&id(name)).unwrap().status
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_790_000_000)
    }

    #[test]
    fn without_a_pause_the_build_s_own_catalog_holds() {
        let stopped = Change {
            stopped: Some(true),
            ..Change::default()
        };
        let switches = Switches::default().changed(&stopped, now());
        assert!(paused(&catalog(), &switches).is_none());
    }

    #[test]
    fn an_operator_s_pause_is_the_file_s_and_another_hash() {
        let change = Change {
            pause: vec![id("welcome")],
            ..Change::default()
        };
        let switches = Switches::default().changed(&change, now());
        let held = paused(&catalog(), &switches).unwrap();
        assert_eq!(status(&held, "welcome"), Status::Paused);
        assert_eq!(status(&held, "post-purchase"), Status::Active);
        assert_ne!(held.hash, catalog().hash);
        assert!(holds(&held, &id("welcome"), Stream::Transactional));
    }

    #[test]
    fn protection_holds_marketing_and_never_transactional_mail() {
        let switches = Switches::default().protected(None, Figures::default(), String::new(), now());
        let mut mixed = catalog();
        let journey = mixed
            .journeys
            .iter_mut()
            .find(|journey| journey.id == id("abandoned-checkout"));
        for step in &mut journey.unwrap().steps {
            if let crate::journey::step::StepKind::Send(send) = &mut step.kind {
                send.stream = Stream::Transactional;
                break;
            }
        }
        let held = paused(&mixed, &switches).unwrap();
        assert_eq!(status(&held, "welcome"), Status::Paused, "nothing but marketing");
        assert_eq!(
            status(&held, "abandoned-checkout"),
            Status::Active,
            "one mail of it is transactional"
        );
        assert!(holds(&held, &id("abandoned-checkout"), Stream::Marketing));
        assert!(!holds(&held, &id("abandoned-checkout"), Stream::Transactional));
        assert!(!holds(&held, &id("post-purchase"), Stream::Transactional));
    }
}
