//! A mail shown once more, as a page: rendered anew from what is still known of its run. `/m/<token>`.
//!
//! Nothing of a mail is kept once it is accepted: its ledger row names contact, email, run and times, and no address. So this
//! is the mail as its templates and the store's brand are today, with the cart or order that it showed, addressed to where it
//! went: the link says which of the contact's addresses that was. The contact's name of today is shown with their address
//! of today alone; under one that they had before, somebody else may be reading. Where the address, the cart or the order
//! cannot be had any more nothing is shown: a mail without its lines would say something that nobody wrote.

use super::{Error, Turn};
use crate::domain::contact::Profile;
use crate::domain::event::EventData;
use crate::domain::ids::{EnrollmentKey, MessageId};
use crate::domain::message::{HeldCoupon, Message};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::grounds::grounds;
use crate::engine::history::data_of;
use crate::engine::sight;
use crate::engine::state::Contact;
use crate::journey::definition::Journey;
use crate::journey::step::StepKind;
use crate::render::email::{self, Draft, Reader};
use crate::render::links::Mark;
use crate::render::model::Brought;
use crate::store;
use crate::store::facts::MAX_ENDED_READ;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long after it went out a mail can be shown.
const SHOWN_FOR: Delay = Delay::from_days(60);
/// Events of the contact looked through for what the mail showed.
const EVENTS_READ: u32 = 500;

/// What a mail says besides its templates.
struct Content<'a> {
    data: Arc<EventData>,
    coupon: Option<&'a HeldCoupon>,
    variables: BTreeMap<String, String>,
}

impl Turn<'_> {
    /// The mail's HTML as it went to the address that the mark is of; none when it cannot be shown any more. Writes nothing.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn view(&self, id: &MessageId, mark: &Mark) -> Result<Option<String>, Error> {
        let Some(stored) = store::message::get(self.sql, id)? else {
            return Ok(None);
        };
        let message = &stored.message;
        // One whose answer is still out may have arrived all the same.
        let went_at = message.settled_at.unwrap_or(self.now);
        if self.now.since(went_at) > SHOWN_FOR {
            return Ok(None);
        }
        let Some(loaded) = self.existing(&stored.contact)? else {
            return Ok(None);
        };
        let contact = &loaded.contact;
        let Ok(linking) = self.linking() else {
            return Ok(None);
        };
        let mut addresses = contact.addresses.iter().map(|address| &address.email);
        let (Some(to), Some(content)) = (
            addresses.find(|email| linking.keys.is_mark_of(mark, email)),
            self.content(contact, message, went_at)?,
        ) else {
            return Ok(None);
        };
        let nameless = Profile {
            locale: contact.profile.locale.clone(),
            ..Profile::default()
        };
        let is_present = contact.address().is_some_and(|present| present.email.same_as(to));
        let about = (message.stream, content.data.as_ref());
        let draft = Draft {
            message,
            contact: &contact.id,
            profile: if is_present { &contact.profile } else { &nameless },
            brought: Brought {
                data: &content.data,
                coupon: content.coupon,
                variables: &content.variables,
            },
            reader: Reader::Browser,
            grounds: grounds(
                self.catalog.store.region,
                (contact, contact.address_of(to)),
                about,
                self.now,
            ),
        };
        // An email that a deploy took away cannot be shown.
        Ok(email::page(&self.catalog.store, linking, draft, to).ok())
    }

    fn content<'c>(
        &self,
        contact: &'c Contact,
        message: &Message,
        went_at: Timestamp,
    ) -> Result<Option<Content<'c>>, Error> {
        let Some(journey) = self.catalog.journey(&message.journey) else {
            return Ok(None);
        };
        let run = contact
            .enrollments
            .iter()
            .find(|run| run.id == message.enrollment);
        let key = match run {
            Some(run) => Some(run.key.clone()),
            None if keeps_more(journey) => None,
            None => self.key_of_ended(contact, message)?,
        };
        let Some(key) = key else { return Ok(None) };
        let unchanged = run.filter(|run| run.data_at <= went_at);
        let data = match unchanged {
            Some(run) => Some(Arc::clone(&run.data)),
            None => self.data_then(contact, journey, (message, &key), went_at)?,
        };
        let Some(data) = data else { return Ok(None) };
        Ok(Some(Content {
            data,
            coupon: run.and_then(|run| self.coupon_of(run)),
            variables: self.variables(contact, run)?,
        }))
    }

    fn key_of_ended(&self, contact: &Contact, message: &Message) -> Result<Option<EnrollmentKey>, Error> {
        let ended = store::enrollment::list(self.sql, &contact.id, MAX_ENDED_READ)?;
        let run = ended.into_iter().find(|ended| ended.id == message.enrollment);
        Ok(run.map(|ended| ended.key))
    }

    fn data_then(
        &self,
        contact: &Contact,
        journey: &Journey,
        (message, key): (&Message, &EnrollmentKey),
        went_at: Timestamp,
    ) -> Result<Option<Arc<EventData>>, Error> {
        let kinds = &journey.trigger.on;
        let events = store::event::before(self.sql, &contact.id, kinds, went_at, EVENTS_READ)?;
        let counted = Arc::new(self.counted(&contact.id)?);
        let view = sight::View {
            contact,
            counted: &counted,
            now: went_at,
        };
        Ok(data_of(journey, (&message.enrollment, key), &events, view))
    }
}

/// Whether mails of the journey may show what only a run knows that goes on: codes, and texts made for it.
fn keeps_more(journey: &Journey) -> bool {
    let coupon = |kind: &StepKind| matches!(kind, StepKind::Coupon(_));
    !journey.variables.is_empty() || journey.steps.iter().any(|step| coupon(&step.kind))
}
