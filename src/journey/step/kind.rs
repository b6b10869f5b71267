//! What the rest of Wend asks of a step: where it leads, whether it takes time, what it asks and waits for.
//!
//! The answers for every kind stand here, so that a new one is asked about once. Nothing here runs a step.

use super::{Arm, Code, Exhausted, Goto, Send, Step, StepKind, Target, Wait};
use crate::domain::event::EventKind;
use crate::domain::ids::{JourneyId, StepId};
use crate::journey::definition::Condition;

impl Step {
    /// The steps this one may lead to, in the order of the file; none stands for the end of the journey.
    pub fn successors(&self) -> Vec<Option<&StepId>> {
        let next = || self.next.as_ref();
        match &self.kind {
            StepKind::Send(_)
            | StepKind::Set(_)
            | StepKind::Notify(_)
            | StepKind::Start(_)
            | StepKind::Stop(_)
            | StepKind::Wait(Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. }) => vec![next()],
            StepKind::Wait(Wait::Date { otherwise, .. }) => vec![next(), self.resolved(otherwise)],
            StepKind::Wait(Wait::Event { then, otherwise, .. }) => {
                vec![self.resolved(then), self.resolved(otherwise)]
            }
            StepKind::Branch(arms) => {
                let falls_through = !arms.iter().any(|arm| arm.when.is_none());
                let arms = arms.iter().map(|arm| self.resolved(&arm.to));
                arms.chain(falls_through.then(next)).collect()
            }
            StepKind::Split(split) => split.arms.iter().map(|arm| self.resolved(&arm.to)).collect(),
            StepKind::Coupon(coupon) => {
                let other = match &coupon.code {
                    Code::Pool {
                        exhausted: Exhausted::Go(target),
                        ..
                    } => Some(self.resolved(target)),
                    Code::Shared(_) | Code::Pool { .. } => None,
                };
                std::iter::once(next()).chain(other).collect()
            }
            StepKind::Goto(goto) => vec![Some(&goto.to), next()],
            StepKind::Exit => vec![None],
        }
    }

    /// The step that a target of this one means; none when it leaves the journey.
    pub fn resolved<'a>(&'a self, target: &'a Target) -> Option<&'a StepId> {
        match target {
            Target::Next => self.next.as_ref(),
            Target::Step(id) => Some(id),
            Target::Leave => None,
        }
    }
}

impl StepKind {
    /// Whether a contact can stand on such a step, so that its id must stay.
    pub const fn holds(&self) -> bool {
        match self {
            Self::Send(_) | Self::Wait(_) | Self::Notify(_) => true,
            // A shared code is there at once.
            Self::Coupon(coupon) => matches!(coupon.code, Code::Pool { .. }),
            Self::Branch(_)
            | Self::Split(_)
            | Self::Set(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::Goto(_)
            | Self::Exit => false,
        }
    }

    /// The event it waits for.
    pub const fn awaits(&self) -> Option<&EventKind> {
        match self {
            Self::Wait(Wait::Event { on, .. }) => Some(on),
            Self::Wait(Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } | Wait::Date { .. })
            | Self::Send(_)
            | Self::Coupon(_)
            | Self::Notify(_)
            | Self::Branch(_)
            | Self::Split(_)
            | Self::Set(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::Goto(_)
            | Self::Exit => None,
        }
    }

    /// Whether it surely takes time. A date may have passed, or not be known.
    pub const fn takes_time(&self) -> bool {
        match self {
            Self::Wait(Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } | Wait::Event { .. }) => true,
            Self::Wait(Wait::Date { .. })
            | Self::Send(_)
            | Self::Branch(_)
            | Self::Split(_)
            | Self::Set(_)
            | Self::Coupon(_)
            | Self::Notify(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::Goto(_)
            | Self::Exit => false,
        }
    }

    /// The conditions it asks, in the order of the file.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let (own, arms): (_, &[Arm]) = match self {
            Self::Send(send) => (send.when.as_ref(), &[]),
            Self::Branch(arms) => (None, arms),
            Self::Wait(_)
            | Self::Split(_)
            | Self::Set(_)
            | Self::Coupon(_)
            | Self::Notify(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::Goto(_)
            | Self::Exit => (None, &[]),
        };
        own.into_iter()
            .chain(arms.iter().filter_map(|arm| arm.when.as_ref()))
    }

    pub const fn as_send(&self) -> Option<&Send> {
        if let Self::Send(send) = self {
            Some(send)
        } else {
            None
        }
    }

    pub const fn as_wait(&self) -> Option<&Wait> {
        if let Self::Wait(wait) = self {
            Some(wait)
        } else {
            None
        }
    }

    pub const fn as_goto(&self) -> Option<&Goto> {
        if let Self::Goto(goto) = self {
            Some(goto)
        } else {
            None
        }
    }

    pub fn as_branch(&self) -> Option<&[Arm]> {
        if let Self::Branch(arms) = self {
            Some(arms)
        } else {
            None
        }
    }

    /// The journey it starts.
    pub const fn as_start(&self) -> Option<&JourneyId> {
        if let Self::Start(journey) = self {
            Some(journey)
        } else {
            None
        }
    }

    /// The field that names the kind in a file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::Wait(_) => "wait",
            Self::Branch(_) => "branch",
            Self::Split(_) => "split",
            Self::Set(_) => "set",
            Self::Coupon(_) => "coupon",
            Self::Notify(_) => "notify",
            Self::Start(_) => "start",
            Self::Stop(_) => "stop",
            Self::Goto(_) => "goto",
            Self::Exit => "exit",
        }
    }
}
