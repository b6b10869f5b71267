//! The stream of a mail that waits while its journey is edited: the stricter of what it was written with and what its step
//! says now.
//!
//! Called by `decide` in the sweep after a deploy and before a run's mail is due, so that whoever looks at a message after
//! that (provider, caps, hours, headers, figures) sees one stream. Never touches a mail whose request is out: its bytes are
//! on record. Nor does it make anything transactional.

use super::decide::Turn;
use super::decision::Change;
use super::guard::stream_of;
use super::state::Position;
use super::steps::send::lane_of;
use crate::journey::step::Recipient;

impl Turn<'_> {
    pub fn take_stricter_streams(&mut self) {
        for run in &mut self.contact.enrollments {
            let Some(journey) = self.catalog.journey(&run.journey) else {
                continue;
            };
            let send = journey.resolve(&run.step).and_then(|step| step.kind.as_send());
            let Some(send) = send.filter(|send| send.to == Recipient::Contact) else {
                continue;
            };
            let Position::Sending(sending) = &mut run.position else {
                continue;
            };
            let stream = stream_of(sending, send);
            if sending.dispatched || sending.stream == stream {
                continue;
            }
            (sending.stream, sending.lane) = (stream, lane_of(stream, journey));
            self.changes.push(Change::MoveStream {
                message: sending.message.clone(),
                stream,
                lane: sending.lane,
            });
        }
    }
}
