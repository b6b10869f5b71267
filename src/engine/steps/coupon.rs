//! `coupon`: a code for the mails that follow: the same for everyone, or one of a pool.
//!
//! A pool lies with the `Store`, which gives each errand one code, however often it asks.

use crate::domain::message::{HeldCoupon, Stream};
use crate::domain::time::Timestamp;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::Enrollment;
use crate::engine::{errand, guard};
use crate::journey::step::{Code, Coupon, Exhausted, Recipient, Send, Step, Target};

pub(in crate::engine) fn enter(
    course: &Course<'_>,
    enrollment: &mut Enrollment,
    step: &Step,
    coupon: &Coupon,
) -> StepOutcome {
    // Who is held out gets no mail that could show it: a code would be lost.
    if enrollment.held_out {
        return StepOutcome::done(enrollment.since);
    }
    match &coupon.code {
        Code::Shared(code) => {
            hold(enrollment, coupon, code.clone(), enrollment.since);
            StepOutcome::done(enrollment.since)
        }
        // A code of a pool is for somebody: not for one to whom no mail with it may go.
        Code::Pool { .. } if !may_be_mailed(course) => StepOutcome::done(enrollment.since),
        Code::Pool { .. } => StepOutcome::Hold(errand::begin(course.contact, enrollment, step, course.now)),
    }
}

/// Whether a mail of the journey could go to the contact as things stand.
fn may_be_mailed(course: &Course<'_>) -> bool {
    let mut sends = course.journey.steps.iter().filter_map(|step| step.kind.as_send());
    let asks_nobody = |send: &Send| send.stream == Stream::Transactional && send.to == Recipient::Contact;
    sends.any(asks_nobody) || guard::may_get_marketing(course.region, course.contact, course.now)
}

/// What follows the answer of the pool: a code, or none left.
pub(in crate::engine) fn given(
    enrollment: &mut Enrollment,
    coupon: &Coupon,
    code: Option<&str>,
    now: Timestamp,
) -> Target {
    let code = match (code, &coupon.code) {
        (Some(code), _) => code.to_owned(),
        (None, Code::Shared(code)) => code.clone(),
        (None, Code::Pool { exhausted, .. }) => match exhausted {
            Exhausted::Shared(code) => code.clone(),
            Exhausted::Go(target) => return target.clone(),
        },
    };
    hold(enrollment, coupon, code, now);
    Target::Next
}

fn hold(enrollment: &mut Enrollment, coupon: &Coupon, code: String, from: Timestamp) {
    enrollment.coupon = Some(HeldCoupon {
        code,
        percent: coupon.percent,
        expires_at: coupon.expires.map(|length| from.plus(length)),
    });
}
