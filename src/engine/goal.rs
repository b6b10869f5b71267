//! Goals: the event that shows that a run did what it was for, counted also for a while after the run is over.

use super::decide::Turn;
use super::decision::Change;
use super::keys::{about, concerns, concerns_checkout};
use super::sight::Topic;
use super::state::{EndReason, Enrollment, Facts};
use crate::domain::event::Event;
use crate::domain::ids::{EnrollmentId, EnrollmentKey};
use crate::domain::time::Timestamp;
use crate::journey::definition::{Goal, Journey, Key};
use crate::journey::step::Target;

/// Notes every goal that this event reaches, and moves the runs whose journey says so.
pub(super) fn reach_by(turn: &mut Turn<'_>, event: &Event, facts: &Facts) {
    let wants = |journey: &Journey| journey.goal.as_ref().is_some_and(|goal| goal.on == event.kind);
    for enrollment in turn.running(wants) {
        let Some((journey, goal)) = wanted(turn, &enrollment.journey, event) else {
            continue;
        };
        if !turn.is_running(&enrollment) {
            continue;
        }
        let cart = |turn: &Turn<'_>| concerns_checkout(turn, &enrollment, event);
        let concerned = concerned(turn, journey, (&enrollment.id, &enrollment.key), event, cart);
        let in_time = in_time(goal, enrollment.started_at, event);
        if !concerned
            || !in_time
            || enrollment.goal_at.is_some()
            || !holds(turn, journey, goal, event, &enrollment)
        {
            continue;
        }
        let mut reached = enrollment;
        reached.goal_at = Some(event.occurred_at);
        follow(turn, goal, reached, event);
    }
    for ended in &facts.ended {
        let Some((journey, goal)) = wanted(turn, &ended.journey, event) else {
            continue;
        };
        // What the cart held is gone with the run: any order in time counts.
        let concerned = concerned(turn, journey, (&ended.id, &ended.key), event, |_| true);
        // The condition of a goal is about the event and the contact, and needs no run.
        let about = about(journey.trigger.key, &ended.key, event);
        let topic = Topic::event(journey, &about, &ended.key);
        let open = concerned && in_time(goal, ended.started_at, event) && ended.goal_at.is_none();
        if open && turn.holds(goal.when.as_ref(), journey, topic) == Some(true) {
            turn.changes.push(Change::ReachGoal {
                enrollment: ended.id.clone(),
                at: event.occurred_at,
            });
        }
    }
}

fn wanted<'c>(
    turn: &Turn<'c>,
    journey: &crate::domain::ids::JourneyId,
    event: &Event,
) -> Option<(&'c Journey, &'c Goal)> {
    let journey = turn.catalog.journey(journey)?;
    let goal = journey.goal.as_ref().filter(|goal| goal.on == event.kind)?;
    Some((journey, goal))
}

/// Whether the event is about this run: about a mail of it, about its key, or, for a cart's, as `cart` says.
fn concerned(
    turn: &Turn<'_>,
    journey: &Journey,
    (run, key): (&EnrollmentId, &EnrollmentKey),
    event: &Event,
    cart: impl FnOnce(&Turn<'_>) -> bool,
) -> bool {
    match (&event.data.message_id, journey.trigger.key) {
        (Some(_), _) => event.data.enrollment_id.as_ref() == Some(run),
        (None, Key::Checkout) => cart(turn),
        (None, Key::Contact | Key::Order | Key::Product) => concerns(turn, journey, key, event),
    }
}

fn in_time(goal: &Goal, started_at: Timestamp, event: &Event) -> bool {
    event.occurred_at >= started_at && event.occurred_at <= started_at.plus(goal.within)
}

fn holds(
    turn: &mut Turn<'_>,
    journey: &Journey,
    goal: &Goal,
    event: &Event,
    enrollment: &Enrollment,
) -> bool {
    let about = about(journey.trigger.key, &enrollment.key, event);
    let topic = Topic::exit(journey, &about, enrollment);
    turn.holds(goal.when.as_ref(), journey, topic) == Some(true)
}

fn follow(turn: &mut Turn<'_>, goal: &Goal, reached: Enrollment, event: &Event) {
    if let Some(held) = turn
        .contact
        .enrollments
        .iter_mut()
        .find(|held| held.id == reached.id)
    {
        held.goal_at = reached.goal_at;
    }
    match &goal.then {
        Target::Next => {}
        Target::Leave => turn.end(&reached, EndReason::GoalReached),
        Target::Step(id) => turn.jump(&reached, id, event.counts_from()),
    }
}
