//! One file per kind of step. Entering a step says whether the contact stays, goes on, or leaves.

mod branch;
pub(super) mod coupon;
mod goto;
pub(super) mod notify;
pub(super) mod send;
mod set;
mod split;
pub(super) mod wait;

use super::progress::{Course, Order, StepOutcome};
use super::state::{EndReason, Enrollment};
use crate::journey::step::{Step, StepKind};

pub(super) fn enter(course: &mut Course<'_>, enrollment: &mut Enrollment, step: &Step) -> StepOutcome {
    match &step.kind {
        StepKind::Send(send) => send::enter(course, enrollment, step, send),
        StepKind::Wait(wait) => wait::enter(course, enrollment, wait),
        StepKind::Branch(arms) => branch::enter(course, enrollment, arms),
        StepKind::Split(split) => split::enter(course, enrollment, step, split),
        StepKind::Set(set) => set::enter(course, enrollment, set),
        StepKind::Coupon(coupon) => coupon::enter(course, enrollment, step, coupon),
        StepKind::Notify(_) => notify::enter(course, enrollment, step),
        StepKind::Start(journey) => {
            let cause = format!("{}:{}:{}", enrollment.id, step.id, enrollment.rounds());
            let order = Order::Start(journey.clone(), cause);
            course.orders.push((order, enrollment.clone()));
            StepOutcome::done(enrollment.since)
        }
        StepKind::Stop(journey) => {
            let order = Order::Stop(journey.clone());
            course.orders.push((order, enrollment.clone()));
            StepOutcome::done(enrollment.since)
        }
        StepKind::Goto(goto) => goto::enter(course, enrollment, step, goto),
        StepKind::Exit => StepOutcome::End(EndReason::Left),
    }
}
