//! How time alone can change what a condition says: the numbers that counts of days are compared with, the windows in
//! which events are counted.
//!
//! Asked of conditions that passed the check. The engine wakes a contact by this and by nothing else, so whatever is
//! not understood here counts as changing every day.

use crate::domain::event::EventKind;
use crate::journey::segment::{Clock, Moment};
use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::PrattParser;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of days beyond this lie in no contact's future.
const DAYS_MAX: f64 = 36_500.0;

/// What a condition does with time.
#[derive(Debug, Default)]
struct Uses {
    after: BTreeMap<Moment, BTreeSet<u32>>,
    daily: BTreeSet<Moment>,
    windows: BTreeSet<(EventKind, u16)>,
}

/// Every clock of a condition, in a fixed order; one that has none changes only by what happens.
pub fn clocks(source: &str) -> Vec<Clock> {
    let mut uses = Uses::default();
    if super::fits(source)
        && let Ok(expression) = PrattParser::default().parse(source)
    {
        uses.walk(&expression);
    }
    let Uses {
        after,
        daily,
        windows,
    } = uses;
    let after = after.into_iter().filter(|(moment, _)| !daily.contains(moment));
    let after = after.map(|(moment, days)| Clock::After {
        moment,
        days: days.into_iter().collect(),
    });
    let windows = windows
        .into_iter()
        .map(|(event, days)| Clock::Window { event, days });
    let daily = daily.iter().map(|moment| Clock::Daily { moment: *moment });
    after.chain(daily).chain(windows).collect()
}

impl Uses {
    fn walk(&mut self, expression: &IdedExpr) {
        match &expression.expr {
            Expr::Call(call) => self.call(call),
            Expr::Select(select) => match moment_of(expression) {
                Some(moment) => {
                    self.daily.insert(moment);
                }
                None => self.walk(&select.operand),
            },
            Expr::Comprehension(loop_) => {
                let parts = [
                    &loop_.iter_range,
                    &loop_.accu_init,
                    &loop_.loop_cond,
                    &loop_.loop_step,
                    &loop_.result,
                ];
                parts.into_iter().for_each(|part| self.walk(part));
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.walk(element)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            self.walk(&entry.key);
                            self.walk(&entry.value);
                        }
                        EntryExpr::StructField(field) => self.walk(&field.value),
                    }
                }
            }
            // The check refuses these; their parts hold no time.
            Expr::Struct(_) | Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        }
    }

    fn call(&mut self, call: &CallExpr) {
        let name = call.func_name.as_str();
        if let [left, right] = call.args.as_slice() {
            let (moments, numbers) = (
                (moment_of(left), moment_of(right)),
                (number_of(left), number_of(right)),
            );
            let compared = match (moments, numbers) {
                ((Some(moment), None), (_, Some(number))) => Some((moment, name, number)),
                ((None, Some(moment)), (Some(number), _)) => Some((moment, mirrored(name), number)),
                _ => None,
            };
            let days = compared.and_then(|(moment, name, number)| Some((moment, turns(name, number)?)));
            if let Some((moment, days)) = days {
                // A comparison that never turns over needs no clock.
                if !days.is_empty() {
                    self.after.entry(moment).or_default().extend(days);
                }
                return;
            }
            if let (Expr::Literal(LiteralValue::String(event)), Some(days)) = (&left.expr, number_of(right))
                && name == "count"
            {
                let event = EventKind::from(event.inner().to_owned());
                self.windows.insert((event, whole(days)));
                return;
            }
        }
        let target = call.target.as_deref();
        target
            .into_iter()
            .chain(&call.args)
            .for_each(|part| self.walk(part));
    }
}

/// The day counts at which `count <operator> number` turns over; none for another operator.
fn turns(operator: &str, number: f64) -> Option<Vec<u32>> {
    let (next, from) = (number.floor() + 1.0, number.ceil());
    let days = match operator {
        operators::GREATER | operators::LESS_EQUALS => vec![next],
        operators::GREATER_EQUALS | operators::LESS => vec![from],
        // Turns at the day itself and at the one after it; a number with a fraction is never equal.
        operators::EQUALS | operators::NOT_EQUALS => vec![from, next],
        _ => return None,
    };
    // Day 0 is where every count begins.
    let days = days.into_iter().filter(|day| (1.0..=DAYS_MAX).contains(day));
    Some(days.map(|day| u32::from(whole(day))).collect())
}

fn mirrored(operator: &str) -> &str {
    match operator {
        operators::GREATER => operators::LESS,
        operators::GREATER_EQUALS => operators::LESS_EQUALS,
        operators::LESS => operators::GREATER,
        operators::LESS_EQUALS => operators::GREATER_EQUALS,
        other => other,
    }
}

/// `contact.days_since_order` and its kin.
fn moment_of(expression: &IdedExpr) -> Option<Moment> {
    let Expr::Select(select) = &expression.expr else {
        return None;
    };
    let of_contact = matches!(&select.operand.expr, Expr::Ident(name) if name == "contact");
    Moment::of_field(&select.field).filter(|_| of_contact && !select.test)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of days are small")]
fn number_of(expression: &IdedExpr) -> Option<f64> {
    match &expression.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(*number.inner() as f64),
        Expr::Literal(LiteralValue::Double(number)) => Some(*number.inner()),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, and the range was checked"
)]
fn whole(days: f64) -> u16 {
    days as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> String {
        let clocks = clocks(source);
        let told: Vec<String> = clocks
            .iter()
            .map(|clock| match clock {
                Clock::After { moment, days } => format!("{moment:?} {days:?}"),
                Clock::Daily { moment } => format!("{moment:?} daily"),
                Clock::Window { event, days } => format!("{event} {days}"),
            })
            .collect();
        told.join(", ")
    }

    #[test]
    fn what_time_changes() {
        let table = [
            ("contact.orders > 3", ""),
            ("contact.days_since_order > 60", "LastOrder [61]"),
            ("contact.days_since_order >= 60", "LastOrder [60]"),
            ("contact.days_since_order < 60", "LastOrder [60]"),
            ("contact.days_since_order <= 60", "LastOrder [61]"),
            ("contact.days_since_order == 60", "LastOrder [60, 61]"),
            ("contact.days_since_order != 60", "LastOrder [60, 61]"),
            ("60 < contact.days_since_order", "LastOrder [61]"),
            ("60 >= contact.days_since_order", "LastOrder [61]"),
            ("contact.days_since_order > 59.5", "LastOrder [60]"),
            ("contact.days_since_order >= 59.5", "LastOrder [60]"),
            ("contact.days_since_order >= 0", ""),
            ("contact.days_since_order < 100000", ""),
            (
                "contact.days_since_open > 30 && !(contact.days_since_open > 90) || contact.days_since_click < 7",
                "LastOpen [31, 91], LastClick [7]",
            ),
            ("contact.days_since_order > contact.orders", "LastOrder daily"),
            ("contact.days_since_order % 7 == 0", "LastOrder daily"),
            ("contact.days_since_order in [30, 60]", "LastOrder daily"),
            (
                "double(contact.days_since_mail) > contact.average_interval",
                "LastMail daily",
            ),
            (
                "contact.days_since_signup > 5 && contact.days_since_signup % 7 == 0",
                "Signup daily",
            ),
            (
                "contact.days_since_order > contact.days_since_first_order",
                "LastOrder daily, FirstOrder daily",
            ),
            (
                "contact.tags.exists(tag, tag == 'x' && contact.days_since_order > 3)",
                "LastOrder [4]",
            ),
            (
                "count('Product Viewed', 30) >= 3 && count('Quiz Taken', 7) == 0",
                "Product Viewed 30, Quiz Taken 7",
            ),
            (
                "count('Product Viewed', 30) > count('Product Viewed', 7)",
                "Product Viewed 7, Product Viewed 30",
            ),
        ];
        for (source, expected) in table {
            assert_eq!(told(source), expected, "{source}");
        }
    }
}
