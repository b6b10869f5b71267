//! Errands of due contacts: what to ask of whom, and writing down the answer.
//!
//! The delivery loop asks; this composes the question in the turn that finds it due. Nothing is written before the
//! answer, so a crash asks again, under the same id.

use super::{Error, Turn};
use crate::domain::ids::{ContactId, EnrollmentId};
use crate::engine::decision::Input;
use crate::engine::errand::Answer;
use crate::engine::state::{Contact, Enrollment, Facts, Position};
use crate::journey::step::{Code, Notify, StepKind};
use crate::settings::Environment;
use serde_json::json;

/// An errand to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueErrand {
    pub contact: ContactId,
    /// The same on every try.
    pub id: String,
    pub ask: Ask,
}

/// What is asked of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The `Store`, for a code of this pool.
    Coupon { pool: String },
    /// Another system, with this body, signed.
    Notify { url: String, body: Vec<u8> },
    /// Nobody: nothing leaves in shadow mode, and nothing real in development.
    Nobody,
}

impl Turn<'_> {
    /// The errand that a run waits for; none when it does not ask anything any more.
    pub(super) fn errand(&self, contact: &Contact, enrollment: &EnrollmentId) -> Option<DueErrand> {
        let enrollment = contact.enrollments.iter().find(|held| held.id == *enrollment)?;
        let Position::Asking(asking) = &enrollment.position else {
            return None;
        };
        let journey = self.catalog.journey(&enrollment.journey)?;
        let ask = match &journey.resolve(&enrollment.step)?.kind {
            StepKind::Coupon(coupon) => match &coupon.code {
                Code::Pool { name, .. } if !self.is_shadow() => Ask::Coupon { pool: name.clone() },
                Code::Pool { .. } | Code::Shared(_) => Ask::Nobody,
            },
            StepKind::Notify(notify) => self.notify(contact, enrollment, notify, &asking.errand),
            StepKind::Send(_)
            | StepKind::Wait(_)
            | StepKind::Branch(_)
            | StepKind::Split(_)
            | StepKind::Set(_)
            | StepKind::Start(_)
            | StepKind::Stop(_)
            | StepKind::Goto(_)
            | StepKind::Exit => Ask::Nobody,
        };
        Some(DueErrand {
            contact: contact.id.clone(),
            id: asking.errand.clone(),
            ask,
        })
    }

    fn notify(&self, contact: &Contact, enrollment: &Enrollment, notify: &Notify, errand: &str) -> Ask {
        let webhooks = &self.catalog.store.webhooks;
        let Some(webhook) = webhooks.iter().find(|webhook| webhook.name == notify.webhook) else {
            return Ask::Nobody;
        };
        let real = webhook.url.starts_with("https://");
        let held = self.is_shadow() || (real && self.settings.environment == Environment::Dev);
        if held {
            return Ask::Nobody;
        }
        let body = json!({
            "type": "journey.notify",
            "timestamp": self.now.to_rfc3339(),
            "data": {
                "id": errand,
                "journey": enrollment.journey,
                "step": enrollment.step,
                "key": enrollment.key,
                "contact": {
                    "id": contact.id,
                    "email": contact.address().map(|address| address.email.as_str()),
                    "first_name": contact.profile.first_name,
                    "last_name": contact.profile.last_name,
                    "locale": contact.profile.locale,
                    "tags": Some(contact.tags()).filter(|tags| !tags.is_empty()),
                    "attributes": contact.profile.attributes,
                    "orders": contact.purchases.orders,
                },
                "event": enrollment.data,
            },
        });
        Ask::Notify {
            url: webhook.url.clone(),
            body: body.to_string().into_bytes(),
        }
    }

    /// Writes down what came of an errand, and runs what follows.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn run(&self, errand: &DueErrand, answer: Answer) -> Result<(), Error> {
        if let Some(loaded) = self.existing(&errand.contact)? {
            let id = errand.id.clone();
            self.settle(loaded, &Facts::default(), &Input::Errand { id, answer })?;
        }
        Ok(())
    }
}
