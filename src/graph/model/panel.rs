//! A journey's rules in words: what acts at any moment, how often it starts, and the line below its title.

use super::words::span;
use super::{Line, Section};
use crate::journey::definition::{
    Condition, ExitRule, Goal, Journey, Key, Match, Reenter, Refresh, Stage, Status,
};
use crate::journey::step::Target;

/// The line below the title.
pub(super) fn subtitle(journey: &Journey) -> String {
    let stage = match journey.stage {
        Stage::Awareness => "awareness",
        Stage::Consideration => "consideration",
        Stage::Decision => "decision",
        Stage::Retention => "retention",
        Stage::Advocacy => "advocacy",
    };
    let mut parts = vec![
        journey.id.to_string(),
        format!("{stage} stage"),
        format!("{} lane", journey.lane.as_str()),
    ];
    parts.extend(match journey.status {
        Status::Active => None,
        Status::Paused => Some("paused".to_owned()),
        Status::Frozen => Some("frozen".to_owned()),
        Status::Draining => Some("draining: nobody comes in".to_owned()),
        Status::Retired => Some("retired".to_owned()),
        Status::Draft => Some("draft: not live".to_owned()),
    });
    parts.join(" · ")
}

/// What acts at any moment, and who comes in.
pub(super) fn panel(journey: &Journey) -> Vec<Section> {
    let mut sections = Vec::new();
    let key = noun(journey.trigger.key);
    if !journey.exit.is_empty() || !journey.exit_segments.is_empty() {
        let heading = "Leaves when".to_owned();
        let borders = journey.exit_segments.iter();
        let borders =
            borders.map(|border| Line::Strong(format!("{} {}", border.crossing.as_str(), border.segment)));
        let rules = journey.exit.iter().flat_map(|rule| exit(rule, key));
        let lines = rules.chain(borders).collect();
        sections.push(Section { heading, lines });
    }
    sections.extend(journey.goal.as_ref().map(goal));
    if journey.holdout > 0 {
        let lines = vec![
            Line::Strong(format!("{} % of contacts", journey.holdout)),
            Line::Words("go the same way and are sent nothing".to_owned()),
        ];
        let heading = "Holdout".to_owned();
        sections.push(Section { heading, lines });
    }
    sections.extend(hours(journey));
    sections.push(again(journey));
    sections
}

/// When its mails may go out, and how many.
fn hours(journey: &Journey) -> Option<Section> {
    let mut lines = Vec::new();
    lines.extend(journey.window.map(|window| Line::Strong(window.to_string())));
    lines.extend(
        journey
            .timezone
            .map(|zone| Line::Words(format!("{} unless known", zone.name()))),
    );
    lines.extend(journey.throttle.map(|throttle| {
        Line::Words(format!(
            "at most {} mails in {}",
            throttle.mails,
            span(throttle.per)
        ))
    }));
    let heading = "Sends at".to_owned();
    (!lines.is_empty()).then_some(Section { heading, lines })
}

/// What a run is about.
const fn noun(key: Key) -> &'static str {
    match key {
        Key::Contact => "contact",
        Key::Checkout => "checkout",
        Key::Order => "order",
        Key::Product => "product",
    }
}

fn exit(rule: &ExitRule, key: &str) -> Vec<Line> {
    let mut lines = vec![Line::Strong(rule.on.as_str().to_owned())];
    lines.extend(match rule.matching {
        Match::Contact => None,
        Match::Key => Some(Line::Words(format!("of the same {key}"))),
        Match::Checkout => Some(Line::Words(
            "of this checkout, or when the cart is older".to_owned(),
        )),
    });
    if let Some(Condition(when)) = &rule.when {
        lines.push(Line::Code(when.trim().to_owned()));
    }
    lines
}

fn goal(goal: &Goal) -> Section {
    let mut lines = vec![
        Line::Strong(goal.on.as_str().to_owned()),
        Line::Words(format!("within {} of the start", span(goal.within))),
    ];
    if let Some(Condition(when)) = &goal.when {
        lines.push(Line::Code(when.trim().to_owned()));
    }
    lines.extend(match &goal.then {
        Target::Next => None,
        Target::Step(step) => Some(Line::Words(format!("then to {step}"))),
        Target::Leave => Some(Line::Words("then leaves".to_owned())),
    });
    let heading = "Goal".to_owned();
    Section { heading, lines }
}

fn again(journey: &Journey) -> Section {
    let key = noun(journey.trigger.key);
    let mut lines = vec![Line::Strong(match journey.reenter {
        Reenter::Once => format!("Once per {key}"),
        Reenter::Restart => format!("Each time, anew per {key}"),
        Reenter::Parallel => "Each time, beside earlier runs".to_owned(),
        Reenter::After(delay) => format!("Per {key} once in {}", span(delay)),
    })];
    lines.extend(match journey.trigger.refresh {
        Refresh::None => None,
        Refresh::Data => Some(Line::Words("a later event brings newer data".to_owned())),
        Refresh::DataAndWait => Some(Line::Words(
            "a later event brings newer data and starts the wait anew".to_owned(),
        )),
    });
    if let Some(cooldown) = journey.cooldown {
        lines.push(Line::Words(format!(
            "{} between two starts of a contact",
            span(cooldown)
        )));
    }
    let heading = "How often".to_owned();
    Section { heading, lines }
}
