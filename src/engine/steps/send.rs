//! `send`: writes the intent of one message and waits for its fate.
//!
//! Whether it may go out is decided at its claim by `guard`, not here: hours may pass between the two.

use crate::domain::message::{Lane, Message, MessageState, Stream};
use crate::engine::decision::{Change, Effect};
use crate::engine::ids;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::{Contact, Enrollment, Position, Sending};
use crate::journey::definition::{Send, Step};

pub(in crate::engine) fn enter(
    course: &mut Course<'_>,
    contact: &Contact,
    enrollment: &Enrollment,
    step: &Step,
    send: &Send,
) -> StepOutcome {
    let id = ids::message(&contact.id, &enrollment.journey, &enrollment.id, &step.id);
    let lane = match (send.stream, course.journey.lane) {
        (Stream::Transactional, _) => Lane::Transactional,
        (Stream::Marketing, Lane::Cart) => Lane::Cart,
        (Stream::Marketing, Lane::Transactional | Lane::Marketing) => Lane::Marketing,
    };
    course.changes.push(Change::PutMessage(Message {
        id: id.clone(),
        journey: enrollment.journey.clone(),
        enrollment: enrollment.id.clone(),
        step: step.id.clone(),
        email: send.email.clone(),
        variant: String::new(),
        stream: send.stream,
        lane,
        state: MessageState::Intended,
        attempt: 0,
        due_at: enrollment.since,
        reason: None,
        provider: None,
        provider_id: None,
        settled_at: None,
    }));
    course.effects.push(Effect::Deliver {
        message: id.clone(),
        lane,
    });
    StepOutcome::Hold(Position::Sending(Sending {
        message: id,
        lane,
        stream: send.stream,
        due: enrollment.since,
        first_due: enrollment.since,
        generation: 1,
        dispatched: false,
    }))
}
