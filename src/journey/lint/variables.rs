//! Variables of a journey against the emails that it sends: what they show must be declared, and what is declared shown.

use super::Lint;
use crate::journey::condition::Use;
use crate::journey::finding::{hint, nearest};
use crate::journey::parse::Subject;
use crate::journey::shape::Carries;
use crate::journey::step::StepKind;
use std::collections::BTreeSet;

impl Lint<'_> {
    pub(super) fn variables(&mut self) {
        let journey = &self.parsed.journey;
        let carries = Carries::any_of(&journey.trigger.on);
        for (number, variable) in journey.variables.iter().enumerate() {
            let subject = Subject::VariableValue(number);
            self.expression(Use::Shown, &variable.value, subject, carries);
        }
        if self.parsed.is_complete() {
            self.shown();
        }
    }

    fn shown(&mut self) {
        let journey = &self.parsed.journey;
        let declared: Vec<&str> = journey
            .variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        let mut shown: BTreeSet<&str> = BTreeSet::new();
        for (number, step) in journey.steps.iter().enumerate() {
            let StepKind::Send(send) = &step.kind else {
                continue;
            };
            let Some(names) = self.names.templates.variables.get(send.email.as_str()) else {
                continue;
            };
            shown.extend(names.keys().map(String::as_str));
            let missing = names
                .iter()
                .filter(|(name, _)| !declared.contains(&name.as_str()));
            for (name, (file, place)) in missing {
                let advice = nearest(name, declared.iter().copied()).map_or_else(
                    || format!("; declare it, as `variables: {{ {name}: {{ value: event.properties.{name}, otherwise: \"\" }} }}`"),
                    |near| format!("; did you mean `{near}`?"),
                );
                let message = format!(
                    "email `{}` shows `variables.{name}` ({file}:{}), which this journey does not declare{advice}",
                    send.email, place.line
                );
                self.report(Subject::StepName(number), message);
            }
        }
        for (number, name) in declared.iter().enumerate() {
            if !shown.contains(name) {
                let names: Vec<&str> = shown.iter().copied().collect();
                let message = format!(
                    "no email of this journey shows `variables.{name}`{}",
                    hint(name, &names)
                );
                self.report(Subject::Variable(number), message);
            }
        }
    }
}
