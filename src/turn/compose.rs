//! A message's enrollment, contact and links become a mail: at its claim, and again as a page while it is remembered.

use super::offers::{Offers, filled};
use super::{Error, Loaded, Turn};
use crate::domain::clearance::Clearance;
use crate::domain::event::EventData;
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::{HeldCoupon, Message};
use crate::engine::grounds::grounds;
use crate::engine::sight::View;
use crate::engine::state::{Contact, Enrollment};
use crate::engine::variables::variables;
use crate::journey::step::{Recipient, Send};
use crate::render::email::{self, Draft, Linking, Reader};
use crate::render::model::Brought;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Turn<'_> {
    /// Renders the mail; the cart's lines are frozen here. The problem, in words, when it cannot be rendered.
    pub(super) fn compose(
        &self,
        loaded: &Loaded,
        message: &Message,
        clearance: &Clearance,
        offers: &Offers,
    ) -> Result<OutgoingEmail, String> {
        let contact = &loaded.contact;
        let empty = EventData::default();
        let enrollment = contact.sending(&message.id).map(|(enrollment, _)| enrollment);
        let data = enrollment.map_or(&empty, |enrollment| &enrollment.data);
        let data = filled(data, offers);
        let send = enrollment.and_then(|run| self.send_of(run));
        let (region, address) = (self.catalog.store.region, contact.address_of(clearance.to()));
        let about = (message.stream, data.as_ref());
        let draft = Draft {
            message: &as_the_step_says(message, send),
            contact: &contact.id,
            profile: &contact.profile,
            brought: Brought {
                data: &data,
                coupon: enrollment.and_then(|run| self.coupon_of(run)),
                variables: &self
                    .variables(contact, enrollment)
                    .map_err(|error| error.to_string())?,
            },
            reader: match send.map(|send| send.to) {
                Some(Recipient::Team) => Reader::Team,
                Some(Recipient::Contact) | None => Reader::Contact,
            },
            grounds: grounds(region, (contact, address), about, self.now),
        };
        email::compose(&self.catalog.store, self.linking()?, draft, clearance)
            .map_err(|error| error.to_string())
    }

    pub(super) fn linking(&self) -> Result<Linking<'_>, &'static str> {
        let keys = self.settings.link_keys.as_ref();
        Ok(Linking {
            keys: keys.ok_or("LINK_KEY is missing, so no link can be signed")?,
            base_url: self.origin,
        })
    }

    /// A code that nobody can use any more is none.
    pub(super) fn coupon_of<'r>(&self, run: &'r Enrollment) -> Option<&'r HeldCoupon> {
        let coupon = run.coupon.as_ref();
        coupon.filter(|coupon| coupon.expires_at.is_none_or(|at| at > self.now))
    }

    fn send_of(&self, run: &Enrollment) -> Option<&Send> {
        let step = self.catalog.journey(&run.journey)?.resolve(&run.step)?;
        step.kind.as_send()
    }

    /// The variables of the journey that sends the mail; nothing is read for one that declares none.
    pub(super) fn variables(
        &self,
        contact: &Contact,
        run: Option<&Enrollment>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let journey = run.and_then(|run| self.catalog.journey(&run.journey));
        let (Some(run), Some(journey)) = (run, journey.filter(|journey| !journey.variables.is_empty()))
        else {
            return Ok(BTreeMap::new());
        };
        let counted = Arc::new(self.counted(&contact.id)?);
        let view = View {
            contact,
            counted: &counted,
            now: self.now,
        };
        Ok(variables(journey, run, view))
    }
}

/// What is sent is what the file says now: another email may stand at the step since the mail was intended.
fn as_the_step_says<'m>(message: &'m Message, send: Option<&Send>) -> Cow<'m, Message> {
    match send
        .map(|send| &send.email)
        .filter(|email| **email != message.email)
    {
        Some(email) => Cow::Owned(Message {
            email: email.clone(),
            ..message.clone()
        }),
        None => Cow::Borrowed(message),
    }
}
