//! What a picture of a journey shows: cards, the ways between them, and the panel of what ends it. No positions yet.
//!
//! The engine's flat steps become chains within forks again, because people think in arms that meet. What does not fit
//! that shape (a `goto`, steps only a goal leads to) is a jump or a chain of its own, so every step is drawn once.

mod panel;
mod words;

use super::Subjects;
use crate::domain::ids::StepId;
use crate::journey::definition::Journey;
use crate::journey::step::Target;
use std::collections::BTreeSet;

/// Everything a picture shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    pub title: String,
    /// Name of the file, stage and the like.
    pub subtitle: String,
    pub chain: Chain,
    /// Chains that no step leads into: where a goal leads, or what nobody gets to.
    pub apart: Vec<Chain>,
    pub panel: Vec<Section>,
}

/// Cards below each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    pub items: Vec<Item>,
    pub end: End,
}

/// How a chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Goes on behind the fork around it.
    Open,
    /// The card above said all: every way from here ends within it.
    Closed,
    /// Out of the journey, which no card says.
    Leaves,
    /// Goes on at a step that stands elsewhere.
    At(StepId),
}

/// A card and what hangs below it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub card: Card,
    /// None: straight on.
    pub arms: Vec<Arm>,
    /// Where it jumps before it goes on.
    pub jump: Option<StepId>,
}

/// An alternative below a card.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arm {
    pub label: Label,
    pub chain: Chain,
}

/// What stands on an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    Words(String),
    /// A condition, set as code.
    Code(String),
    /// The share and the name of an arm.
    Share(u8, String),
}

/// What stands in a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    /// None for what is no step: the trigger, the end.
    pub step: Option<StepId>,
    pub look: Look,
    /// The small line on top: what it does.
    pub does: String,
    pub heading: String,
    pub lines: Vec<Line>,
}

/// A line below a heading, or of the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Strong(String),
    Words(String),
    Code(String),
}

/// Colour and sign of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    Trigger,
    Marketing,
    Transactional,
    Wait,
    Listen,
    Fork,
    Note,
    Journey,
    Back,
    End,
}

/// A part of the panel at the side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub heading: String,
    pub lines: Vec<Line>,
}

/// The picture's content.
pub(super) fn model(journey: &Journey, subjects: &Subjects) -> Model {
    let mut walk = Walk {
        journey,
        subjects,
        drawn: BTreeSet::new(),
    };
    let first = journey.first_step().map(|step| &step.id);
    let mut chain = walk.chain(first, None);
    let trigger = Item {
        card: words::trigger(journey),
        arms: Vec::new(),
        jump: None,
    };
    chain.items.insert(0, trigger);
    let mut apart = Vec::new();
    for step in &journey.steps {
        if !walk.drawn.contains(&step.id) {
            let mut chain = walk.chain(Some(&step.id), None);
            let by_goal = journey
                .goal
                .as_ref()
                .is_some_and(|goal| goal.then == Target::Step(step.id.clone()));
            let card = words::apart(by_goal);
            let (arms, jump) = (Vec::new(), None);
            chain.items.insert(0, Item { card, arms, jump });
            apart.push(chain);
        }
    }
    Model {
        title: journey.title.clone(),
        subtitle: panel::subtitle(journey),
        chain,
        apart,
        panel: panel::panel(journey),
    }
}

/// Follows the steps, each once.
struct Walk<'a> {
    journey: &'a Journey,
    subjects: &'a Subjects,
    drawn: BTreeSet<&'a StepId>,
}

impl<'a> Walk<'a> {
    /// The steps from `start` up to where the arms around them meet.
    fn chain(&mut self, start: Option<&'a StepId>, until: Option<&'a StepId>) -> Chain {
        let mut items = Vec::new();
        let mut at = start;
        loop {
            if at == until {
                return Chain {
                    items,
                    end: End::Open,
                };
            }
            let Some(id) = at else {
                let end = End::Leaves;
                return Chain { items, end };
            };
            let Some(step) = self
                .journey
                .step(id)
                .filter(|step| !self.drawn.contains(&step.id))
            else {
                let end = End::At(id.clone());
                return Chain { items, end };
            };
            self.drawn.insert(&step.id);
            let ways = words::ways(step);
            let mut arms = Vec::new();
            for (label, target) in ways.arms {
                let chain = if *target == Target::Leave {
                    let (items, end) = (Vec::new(), End::Leaves);
                    Chain { items, end }
                } else {
                    self.chain(step.resolved(target), step.next.as_ref())
                };
                arms.push(Arm { label, chain });
            }
            let meets = arms.is_empty() || arms.iter().any(|arm| is_open(&arm.chain));
            items.push(Item {
                card: words::card(step, self.subjects),
                arms,
                jump: ways.jump.cloned(),
            });
            if ways.ends || !meets {
                let end = End::Closed;
                return Chain { items, end };
            }
            at = step.next.as_ref();
        }
    }
}

/// Whether the chain leads to what follows the fork it is in.
pub(super) fn is_open(chain: &Chain) -> bool {
    match chain.end {
        End::Open => true,
        End::Closed | End::Leaves | End::At(_) => false,
    }
}
