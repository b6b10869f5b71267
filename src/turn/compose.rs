//! A cleared message becomes a mail: its enrollment's data, its contact's details, links that lead back to it.

use super::{Loaded, Turn};
use crate::domain::clearance::Clearance;
use crate::domain::event::EventData;
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Message;
use crate::render::email::{Draft, Linking, compose};

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
            message,
            contact: &contact.id,
            clearance,
            profile: &contact.profile,
            data,
            // A code that nobody can use any more is none.
            coupon: enrollment
                .and_then(|enrollment| enrollment.coupon.as_ref())
                .filter(|coupon| coupon.expires_at.is_none_or(|at| at > self.now)),
        };
        compose(&self.catalog.store, linking, draft).map_err(|error| error.to_string())
    }
}
