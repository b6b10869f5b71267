//! Opens and clicks that our own links see: `/o/<token>` and `/c/<token>`. They are heard as a provider's are.
//!
//! A scanner that follows every link of a mail looks like a person at the first. So a shard notes each click at once, and
//! hears it when a sweep would have shown itself: [`RecentClicks`] is that memory. It is lost with the object, which costs
//! a judgement and no click: who reports one waits for the answer, and reports again where none came.

use super::call::{Heard, Seen};
use super::{Error, Turn};
use crate::domain::delivery_event::{ClickedUrl, DeliveryEvent, DeliveryKind};
use crate::domain::ids::{EventId, MessageId};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::machine::SWEEP;
use std::cell::RefCell;
use std::collections::VecDeque;

/// How long a click waits to be heard: a little longer than a sweep lasts.
pub const PAUSE: Delay = Delay::from_millis(SWEEP.as_millis() + 250);
/// How long a click is remembered: those that come with it stand in line behind it.
const REMEMBERED_FOR: Delay = Delay::from_seconds(30);
/// Clicks remembered at most, of all messages; beyond it the oldest are forgotten.
const MAX_REMEMBERED: usize = 1_000;
/// Longest name of a program that is looked at.
const MAX_AGENT_BYTES: usize = 256;
/// What our own events' ids begin with, where a provider's begin with its name.
const OWN: &str = "wend";

/// What a visit of one of our links says. One id for each message and kind: a second visit is the same event again.
///
/// # Errors
/// When its id cannot be one, which a message's id rules out.
pub fn sighting(
    message: MessageId,
    url: Option<&str>,
    agent: Option<&str>,
    at: Timestamp,
) -> Result<DeliveryEvent, crate::domain::ids::Error> {
    let kind = match url {
        Some(_) => DeliveryKind::Clicked,
        None => DeliveryKind::Opened,
    };
    let id = EventId::parse(&format!("{OWN}:{}:{message}", kind.as_str()))?;
    // A browser names itself; what does not is told apart by its blank name.
    let agent = agent.unwrap_or_default();
    let end = agent.floor_char_boundary(MAX_AGENT_BYTES);
    Ok(DeliveryEvent {
        message: Some(message),
        url: url.map(ClickedUrl::new),
        agent: agent.get(..end).map(str::to_owned),
        ..DeliveryEvent::new(id, kind, at)
    })
}

/// Whether we saw it ourselves.
pub(super) fn is_own(event: &DeliveryEvent) -> bool {
    event.provider() == OWN
}

impl Turn<'_> {
    /// Takes in an open or a click that our own link saw.
    ///
    /// # Errors
    /// When storage fails.
    pub fn see(&self, seen: &Seen) -> Result<Heard, Error> {
        let beside = seen.beside.iter().map(|(at, url)| (*at, url.as_str()));
        let mut heard = Heard::default();
        self.take_in(&seen.event, &beside.collect::<Vec<_>>(), &mut heard)?;
        Ok(heard)
    }
}

/// The clicks of the last moments, in the order in which they came.
#[derive(Debug, Default)]
pub struct RecentClicks(RefCell<VecDeque<(MessageId, Timestamp, ClickedUrl)>>);

impl RecentClicks {
    /// Remembers a click; an open is none.
    pub fn note(&self, event: &DeliveryEvent) {
        let (Some(message), Some(url)) = (&event.message, &event.url) else {
            return;
        };
        let mut clicks = self.0.borrow_mut();
        let since = event.occurred_at.minus(REMEMBERED_FOR);
        clicks.retain(|(_, at, _)| *at >= since);
        if clicks.len() >= MAX_REMEMBERED {
            clicks.pop_front();
        }
        clicks.push_back((message.clone(), event.occurred_at, url.clone()));
    }

    /// Clicks on other links of the same mail.
    pub fn beside(&self, event: &DeliveryEvent) -> Vec<(Timestamp, ClickedUrl)> {
        let clicks = self.0.borrow();
        let others = clicks.iter().filter(|(message, _, url)| {
            event.message.as_ref() == Some(message) && event.url.as_ref() != Some(url)
        });
        others.map(|(_, at, url)| (*at, url.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn click(message: &str, url: &str, seconds: i64) -> DeliveryEvent {
        let message = MessageId::parse(&message.repeat(40)).unwrap();
        sighting(
            message,
            Some(url),
            Some("Mozilla/5.0"),
            Timestamp::from_seconds(seconds),
        )
        .unwrap()
    }

    #[test]
    fn only_other_links_of_the_same_mail_stand_beside_a_click() {
        let clicks = RecentClicks::default();
        let first = click("a", "https://shop.example/1", 100);
        for event in [
            &first,
            &click("a", "https://shop.example/1", 101),
            &click("a", "https://shop.example/2", 101),
            &click("b", "https://shop.example/3", 101),
        ] {
            clicks.note(event);
        }
        let beside = clicks.beside(&first);
        assert_eq!(
            beside,
            [(
                Timestamp::from_seconds(101),
                ClickedUrl::new("https://shop.example/2")
            )]
        );
    }

    #[test]
    fn what_is_past_is_forgotten_and_a_flood_is_bounded() {
        let clicks = RecentClicks::default();
        for n in 0..2 * MAX_REMEMBERED {
            clicks.note(&click("a", &format!("https://shop.example/{n}"), 100));
        }
        assert_eq!(clicks.0.borrow().len(), MAX_REMEMBERED);
        clicks.note(&click("a", "https://shop.example/late", 200));
        assert_eq!(clicks.0.borrow().len(), 1);
    }

    #[test]
    fn a_visit_without_a_name_is_no_browsers() {
        let message = MessageId::parse(&"a".repeat(40)).unwrap();
        let at = Timestamp::from_seconds(1);
        let event = sighting(message.clone(), None, None, at).unwrap();
        assert_eq!(
            (event.kind, event.agent.as_deref()),
            (DeliveryKind::Opened, Some(""))
        );
        assert!(is_own(&event));
        let long = sighting(message, None, Some(&"ж".repeat(900)), at).unwrap();
        assert!(long.agent.unwrap().len() <= MAX_AGENT_BYTES);
    }
}
