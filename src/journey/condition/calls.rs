//! Kinds of operators and functions: what each takes and gives.
//!
//! The list is what the crate offers without its optional features; a function more here is one that fails at run time.

use super::{Checker, Kind, is_name, is_segments, unify};
use crate::journey::finding::unknown;
use crate::journey::segment::WINDOW_DAYS_MAX;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

/// Functions written `f(x)`.
const FUNCTIONS: [&str; 6] = ["size", "int", "double", "string", "has", "count"];
/// Functions written `x.f(…)`.
const METHODS: [&str; 9] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "exists",
    "all",
    "exists_one",
    "filter",
    "map",
];

impl Checker<'_> {
    pub fn call(&mut self, expression: &IdedExpr, call: &CallExpr) -> Kind {
        let name = call.func_name.as_str();
        match (&call.target, call.args.as_slice()) {
            (Some(target), args) => self.method(expression, name, target, args),
            (None, args) if name == "count" => self.count(expression, args),
            (None, [only]) => self.unary(expression, name, only),
            (None, [left, right]) if !is_name(name) => self.binary(expression, name, left, right),
            (None, [condition, yes, no]) if name == operators::CONDITIONAL => {
                self.expect(condition, &Kind::Bool);
                let (yes, no) = (self.kind_of(yes), self.kind_of(no));
                unify(yes, no)
            }
            (None, args) => {
                for arg in args {
                    self.kind_of(arg);
                }
                self.unknown_function(expression, name, &FUNCTIONS)
            }
        }
    }

    fn unary(&mut self, expression: &IdedExpr, name: &str, operand: &IdedExpr) -> Kind {
        match name {
            operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => {
                self.expect(operand, &Kind::Bool);
                Kind::Bool
            }
            operators::NEGATE => match self.kind_of(operand) {
                kind @ (Kind::Int | Kind::Double | Kind::Any) => kind,
                other => self.report(
                    self.start(operand),
                    &format!("`-` needs a number, this is {other}"),
                ),
            },
            "size" => self.size(operand),
            "int" | "double" | "string" => {
                let kind = self.kind_of(operand);
                let fits = match kind {
                    Kind::Int | Kind::Double | Kind::Text | Kind::MaybeText | Kind::Any => true,
                    Kind::Bool => name == "string",
                    Kind::Null | Kind::List(_) | Kind::Map | Kind::Record(_) => false,
                };
                if !fits {
                    return self.report(self.start(operand), &format!("`{name}()` cannot convert {kind}"));
                }
                match name {
                    "int" => Kind::Int,
                    "double" => Kind::Double,
                    _ => Kind::Text,
                }
            }
            _ => {
                self.kind_of(operand);
                self.unknown_function(expression, name, &FUNCTIONS)
            }
        }
    }

    fn binary(&mut self, expression: &IdedExpr, name: &str, left: &IdedExpr, right: &IdedExpr) -> Kind {
        match name {
            operators::LOGICAL_AND | operators::LOGICAL_OR => {
                self.expect(left, &Kind::Bool);
                self.expect(right, &Kind::Bool);
                Kind::Bool
            }
            operators::EQUALS | operators::NOT_EQUALS => self.compared(expression, left, right, true),
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
                self.compared(expression, left, right, false)
            }
            operators::IN => self.contained(expression, left, right),
            operators::INDEX => self.indexed(left, right),
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO => self.arithmetic(expression, name, left, right),
            _ => self.report(
                self.offset(expression),
                "this operator is not available in conditions",
            ),
        }
    }

    /// Numbers of both kinds compare with each other; apart from that, like with like.
    fn compared(&mut self, expression: &IdedExpr, left: &IdedExpr, right: &IdedExpr, equality: bool) -> Kind {
        let (a, b) = (self.kind_of(left), self.kind_of(right));
        let fits = match (&a, &b) {
            (Kind::Any, _)
            | (_, Kind::Any)
            | (Kind::Int | Kind::Double, Kind::Int | Kind::Double)
            | (Kind::Text | Kind::MaybeText, Kind::Text | Kind::MaybeText) => true,
            (Kind::MaybeText, Kind::Null) | (Kind::Null, Kind::MaybeText) | (Kind::Bool, Kind::Bool) => {
                equality
            }
            (Kind::List(a), Kind::List(b)) => equality && (a == b || **a == Kind::Any || **b == Kind::Any),
            (Kind::Null, other) | (other, Kind::Null) => {
                let message =
                    format!("{other} is never null here; a missing one has the empty value: 0, \"\" or []");
                self.report(self.offset(expression), &message);
                return Kind::Bool;
            }
            _ => false,
        };
        if !fits {
            self.report(self.offset(expression), &format!("cannot compare {a} with {b}"));
        }
        Kind::Bool
    }

    /// `count("Product Viewed", 30)`: both literal, because the build must know which events to read.
    fn count(&mut self, expression: &IdedExpr, args: &[IdedExpr]) -> Kind {
        const FORM: &str = "write `count(\"Product Viewed\", 30)`: an event's name and a number of days";
        let [event, days] = args else {
            let offset = self.offset(expression).saturating_sub("count".len());
            return self.report(offset, FORM);
        };
        match &event.expr {
            Expr::Literal(LiteralValue::String(name)) => {
                if let Some(message) = self.about.unknown_event(name.inner()) {
                    self.report(self.start(event), &message);
                }
            }
            _ => {
                self.report(self.start(event), FORM);
            }
        }
        match &days.expr {
            Expr::Literal(LiteralValue::Int(days)) if (1..=WINDOW_DAYS_MAX).contains(days.inner()) => {}
            Expr::Literal(LiteralValue::Int(_)) => {
                let message = format!("events are counted over 1 to {WINDOW_DAYS_MAX} days");
                self.report(self.start(days), &message);
            }
            _ => {
                self.report(self.start(days), FORM);
            }
        }
        Kind::Int
    }

    /// A segment that does not exist has no members, so that the condition would never hold.
    fn segment_name(&mut self, left: &IdedExpr, right: &IdedExpr) {
        let (Expr::Literal(LiteralValue::String(name)), Expr::Select(list)) = (&left.expr, &right.expr)
        else {
            return;
        };
        let known = self.about.segments.filter(|_| is_segments(list));
        if let Some(known) = known.filter(|known| !known.iter().any(|known| known == name.inner())) {
            let known = known.iter().map(String::as_str);
            self.report(self.start(left), &unknown("segment", name.inner(), known));
        }
    }

    fn contained(&mut self, expression: &IdedExpr, left: &IdedExpr, right: &IdedExpr) -> Kind {
        self.segment_name(left, right);
        let (a, b) = (self.kind_of(left), self.kind_of(right));
        match &b {
            Kind::Any => {}
            Kind::Map if matches!(a, Kind::Text | Kind::MaybeText | Kind::Any) => {}
            Kind::List(element) => {
                let like = unify(a.clone(), (**element).clone()) != Kind::Any;
                if !like && a != Kind::Any && **element != Kind::Any {
                    self.report(self.offset(expression), &format!("this list never holds {a}"));
                }
            }
            Kind::Text | Kind::MaybeText => {
                self.report(
                    self.offset(expression),
                    "`in` searches lists; in a text, use `.contains(…)`",
                );
            }
            Kind::Bool | Kind::Int | Kind::Double | Kind::Null | Kind::Map | Kind::Record(_) => {
                self.report(
                    self.offset(expression),
                    &format!("`in` searches lists, this is {b}"),
                );
            }
        }
        Kind::Bool
    }

    fn indexed(&mut self, base: &IdedExpr, index: &IdedExpr) -> Kind {
        let (kind, by) = (self.kind_of(base), self.kind_of(index));
        match (kind, by) {
            (Kind::Any, _) | (Kind::Map, Kind::Text | Kind::MaybeText | Kind::Any) => Kind::Any,
            (Kind::List(element), Kind::Int | Kind::Any) => *element,
            (Kind::Record(_), _) => {
                self.report(self.start(index), "write the field with a dot, as `event.value`")
            }
            (kind, by) => self.report(self.start(index), &format!("{kind} has no entry for {by}")),
        }
    }

    fn arithmetic(&mut self, expression: &IdedExpr, name: &str, left: &IdedExpr, right: &IdedExpr) -> Kind {
        let (a, b) = (self.kind_of(left), self.kind_of(right));
        let (adds, divides_whole) = (name == operators::ADD, name == operators::MODULO);
        let sign = name.trim_matches('_');
        match (a, b) {
            (Kind::Any, _) | (_, Kind::Any) => Kind::Any,
            (Kind::Int, Kind::Int) => Kind::Int,
            (Kind::Double, Kind::Double) if !divides_whole => Kind::Double,
            (Kind::Text | Kind::MaybeText, Kind::Text | Kind::MaybeText) if adds => Kind::Text,
            (Kind::List(a), Kind::List(b)) if adds => Kind::List(Box::new(unify(*a, *b))),
            (Kind::Int, Kind::Double) | (Kind::Double, Kind::Int) => {
                let message = format!(
                    "`{sign}` does not mix whole and decimal numbers; write `1.0` for `1`, or `double(…)`"
                );
                self.report(self.offset(expression), &message)
            }
            (a, b) => self.report(
                self.offset(expression),
                &format!("`{sign}` does not work on {a} and {b}"),
            ),
        }
    }

    fn method(&mut self, expression: &IdedExpr, name: &str, target: &IdedExpr, args: &[IdedExpr]) -> Kind {
        match (name, args) {
            ("size", []) => self.size(target),
            ("contains" | "startsWith" | "endsWith", [arg]) => {
                let kind = self.kind_of(target);
                match kind {
                    Kind::Text | Kind::MaybeText | Kind::Any => {}
                    Kind::List(_) if name == "contains" => {
                        self.report(self.start(target), "in a list, search with `x in list`");
                    }
                    other => {
                        self.report(
                            self.start(target),
                            &format!("`{name}` searches a text, this is {other}"),
                        );
                    }
                }
                self.expect(arg, &Kind::Text);
                Kind::Bool
            }
            (_, args) => {
                self.kind_of(target);
                if METHODS.contains(&name) {
                    let message = format!("`{name}` does not take {} arguments", args.len());
                    return self.report(self.offset(expression).saturating_sub(name.len()), &message);
                }
                self.unknown_function(expression, name, &METHODS)
            }
        }
    }

    fn size(&mut self, operand: &IdedExpr) -> Kind {
        match self.kind_of(operand) {
            Kind::List(_) | Kind::Map | Kind::Text | Kind::MaybeText | Kind::Any => Kind::Int,
            other => self.report(
                self.start(operand),
                &format!("only a list, map or text has a size, this is {other}"),
            ),
        }
    }

    /// Checks an operand whose kind the operator dictates.
    fn expect(&mut self, operand: &IdedExpr, wanted: &Kind) {
        let kind = self.kind_of(operand);
        let fits = kind == *wanted || kind == Kind::Any || (*wanted == Kind::Text && kind == Kind::MaybeText);
        if !fits {
            self.report(self.start(operand), &format!("expected {wanted}, this is {kind}"));
        }
    }

    fn unknown_function(&mut self, expression: &IdedExpr, name: &str, known: &[&str]) -> Kind {
        let offset = self.offset(expression).saturating_sub(name.len());
        self.report(offset, &unknown("function", name, known.iter().copied()))
    }
}
