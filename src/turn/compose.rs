//! A cleared message becomes a mail: its enrollment's data, its contact's details, links that lead back to it.

use super::{Loaded, Turn};
use crate::domain::clearance::Clearance;
use crate::domain::event::EventData;
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Message;
use crate::engine::sight::View;
use crate::engine::state::{Contact, Enrollment};
use crate::engine::variables::variables;
use crate::render::email::{Draft, Linking, compose};
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
    ) -> Result<OutgoingEmail, String> {
        let contact = &loaded.contact;
        let empty = EventData::default();
        let enrollment = contact.sending(&message.id).map(|(enrollment, _)| enrollment);
        let data = enrollment.map_or(&empty, |enrollment| &enrollment.data);
        let Some(keys) = &self.settings.link_keys else {
            return Err("LINK_KEY is missing, so no link can be signed".to_owned());
        };
        let linking = Linking {
            keys,
            base_url: self.origin,
        };
        let draft = Draft {
            message: &self.as_the_step_says(message, enrollment),
            contact: &contact.id,
            clearance,
            profile: &contact.profile,
            brought: Brought {
                data,
                // A code that nobody can use any more is none.
                coupon: enrollment
                    .and_then(|enrollment| enrollment.coupon.as_ref())
                    .filter(|coupon| coupon.expires_at.is_none_or(|at| at > self.now)),
                variables: &self.variables(contact, enrollment)?,
            },
        };
        compose(&self.catalog.store, linking, draft).map_err(|error| error.to_string())
    }

    /// What is sent is what the file says now: another email may stand at the step since the mail was intended.
    fn as_the_step_says<'m>(&self, message: &'m Message, run: Option<&Enrollment>) -> Cow<'m, Message> {
        let step = run.and_then(|run| self.catalog.journey(&run.journey)?.resolve(&run.step));
        let email = step.and_then(|step| step.kind.as_send()).map(|send| &send.email);
        match email.filter(|email| **email != message.email) {
            Some(email) => Cow::Owned(Message {
                email: email.clone(),
                ..message.clone()
            }),
            None => Cow::Borrowed(message),
        }
    }

    /// The variables of the journey that sends the mail; nothing is read for one that declares none.
    fn variables(
        &self,
        contact: &Contact,
        run: Option<&Enrollment>,
    ) -> Result<BTreeMap<String, String>, String> {
        let journey = run.and_then(|run| self.catalog.journey(&run.journey));
        let (Some(run), Some(journey)) = (run, journey.filter(|journey| !journey.variables.is_empty()))
        else {
            return Ok(BTreeMap::new());
        };
        let counted = Arc::new(self.counted(&contact.id).map_err(|error| error.to_string())?);
        let view = View {
            contact,
            counted: &counted,
            now: self.now,
        };
        Ok(variables(journey, run, view))
    }
}
