//! `send`: writes the intent of one message and waits for its fate.
//!
//! Whether it may go out is decided at its claim by `guard`, not here: hours may pass between the two.

use crate::domain::event::EventKind;
use crate::domain::ids::MessageId;
use crate::domain::message::{DropReason, Lane, Message, MessageState, Stream};
use crate::domain::time::Delay;
use crate::engine::decision::{Change, Effect};
use crate::engine::defer::DeferReason;
use crate::engine::ids;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::{Enrollment, LastMail, Position, Sending};
use crate::journey::definition::Journey;
use crate::journey::step::{Recipient, Send, Step};

pub(in crate::engine) fn enter(
    course: &mut Course<'_>,
    enrollment: &mut Enrollment,
    step: &Step,
    send: &Send,
) -> StepOutcome {
    if is_passed_over(course, enrollment, send) {
        return StepOutcome::done(enrollment.since);
    }
    let round = enrollment.rounds();
    let id = ids::message(
        &course.contact.id,
        &enrollment.journey,
        &enrollment.id,
        &step.id,
        round,
    );
    let lane = lane_of(send.stream, course.journey);
    // Held-out people get nothing themselves; what goes to the store's team is about them, not for them.
    let held_out = enrollment.held_out && send.to == Recipient::Contact;
    write_down(enrollment, &id, held_out, send);
    let waits = course.marketing_waits && send.stream == Stream::Marketing;
    let reason = match (held_out, waits) {
        (true, _) => Some(DropReason::HeldOut.as_str()),
        (false, true) => Some(DeferReason::Paused.as_str()),
        (false, false) => None,
    };
    course.changes.push(Change::PutMessage(Message {
        id: id.clone(),
        journey: enrollment.journey.clone(),
        enrollment: enrollment.id.clone(),
        step: step.id.clone(),
        email: send.email.clone(),
        variant: variant(enrollment),
        stream: send.stream,
        lane,
        state: if held_out {
            MessageState::Dropped
        } else {
            MessageState::Intended
        },
        attempt: 0,
        due_at: enrollment.ready_at(),
        reason: reason.map(str::to_owned),
        provider: None,
        provider_id: None,
        settled_at: held_out.then_some(course.now),
    }));
    if held_out {
        return StepOutcome::done(enrollment.since);
    }
    if !waits {
        course.effects.push(Effect::Deliver {
            message: id.clone(),
            lane,
        });
    }
    StepOutcome::Hold(Position::Sending(Sending {
        message: id,
        lane,
        stream: send.stream,
        due: enrollment.ready_at(),
        first_due: enrollment.ready_at(),
        held_until: None,
        capped_since: None,
        bound_to: None,
        generation: 1,
        dispatched: false,
    }))
}

/// What planted defects pass over; nothing without them.
fn is_passed_over(course: &Course<'_>, enrollment: &Enrollment, send: &Send) -> bool {
    let planted = match send.stream {
        Stream::Transactional => planted!(LateOrderMailSkipped),
        Stream::Marketing => planted!(LateMailSkipped),
    };
    planted && course.now.since(enrollment.ready_at()) > Delay::from_hours(1)
}

/// The lane of a journey's mails of a stream.
pub(in crate::engine) const fn lane_of(stream: Stream, journey: &Journey) -> Lane {
    match (stream, journey.lane) {
        (Stream::Transactional, _) => Lane::Transactional,
        (Stream::Marketing, Lane::Cart) => Lane::Cart,
        (Stream::Marketing, Lane::Transactional | Lane::Marketing) => Lane::Marketing,
    }
}

/// Makes it the run's last mail. Its own condition asks about the mail before it.
fn write_down(enrollment: &mut Enrollment, id: &MessageId, held_out: bool, send: &Send) {
    enrollment.earlier = enrollment.last.take().filter(|_| send.when.is_some());
    enrollment.last = Some(LastMail {
        message: id.clone(),
        // Their path is that of people whose mail went.
        sent: held_out,
        opened: false,
        clicked: false,
    });
    for about_mail in [EventKind::EmailOpened, EventKind::EmailClicked] {
        enrollment.seen.remove(&about_mail);
    }
}

/// The arms that led here, as `length=short`.
fn variant(enrollment: &Enrollment) -> String {
    let arms = enrollment
        .arms
        .iter()
        .map(|(split, arm)| format!("{split}={arm}"));
    arms.collect::<Vec<_>>().join(",")
}
