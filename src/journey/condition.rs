//! The type check of conditions: CEL has none of its own, so this walks the expression against `shape`.
//!
//! Called by `lint` for every `when:`. Evaluation is the engine's, with another parser of the same crate that keeps no
//! places; that both read a condition alike is checked here too.

mod calls;
pub mod clocks;

use super::finding::{nearest, unknown};
use super::shape::{Carries, Kind, ROOTS, Record};
use crate::domain::event::EventKind;
use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, Expr, LiteralValue, SelectExpr, SourceInfo};
use cel::parser::{Parser, PrattParser};

/// Something wrong in a condition, at a byte of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub offset: usize,
    pub message: String,
}

/// What a condition is written for, and what it may name.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// What it may start from.
    pub roots: &'a [(&'static str, Record)],
    /// What the events bring that it is asked about.
    pub carries: Carries,
    /// Names of all segments; none in the condition of a segment, which cannot ask about others.
    pub segments: Option<&'a [String]>,
    /// Events of the store's own.
    pub events: &'a [String],
}

impl<'a> About<'a> {
    /// In a journey, about events that carry `carries`.
    pub const fn events(carries: Carries, segments: &'a [String], events: &'a [String]) -> Self {
        Self {
            roots: &ROOTS,
            carries,
            segments: Some(segments),
            events,
        }
    }

    /// In a segment, about the contact alone.
    pub const fn contact(events: &'a [String]) -> Self {
        Self {
            roots: &[("contact", Record::Contact)],
            carries: Carries::NOTHING,
            segments: None,
            events,
        }
    }

    /// What is wrong with the name of an event; none when there is such an event.
    pub fn unknown_event(&self, name: &str) -> Option<String> {
        let EventKind::Custom(name) = EventKind::from(name.to_owned()) else {
            return None;
        };
        if self.events.contains(&name) {
            return None;
        }
        let mut known: Vec<&str> = EventKind::known_names().collect();
        known.extend(self.events.iter().map(String::as_str));
        let hint = nearest(&name, known).map_or_else(
            || "; events of your own are declared under `events:` in store.yaml".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        );
        Some(format!("unknown event `{name}`{hint}"))
    }
}

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Something depends on it: it is true or false.
    Condition,
    /// It is shown to people: it is a text or a number.
    Shown,
}

impl Use {
    /// Why an expression of this kind cannot be used so.
    fn refusal(self, kind: &Kind) -> Option<String> {
        match (self, kind) {
            (Self::Condition, Kind::Bool)
            | (Self::Shown, Kind::Text | Kind::MaybeText | Kind::Int | Kind::Double | Kind::Any) => None,
            (Self::Condition, _) => Some(format!(
                "a condition is true or false, this is {kind}; compare it with something"
            )),
            (Self::Shown, _) => Some(format!("a variable is a text or a number, this is {kind}")),
        }
    }
}

/// Longer than any that a person reads.
const MAX_BYTES: usize = 1_000;
const MAX_NESTING: usize = 24;

/// Everything wrong with a condition.
pub fn check(source: &str, about: About<'_>) -> Vec<Problem> {
    check_for(Use::Condition, source, about)
}

/// Everything wrong with an expression.
pub fn check_for(what_for: Use, source: &str, about: About<'_>) -> Vec<Problem> {
    if let Some(message) = too_much(source) {
        return vec![Problem { offset: 0, message }];
    }
    let (expression, info) = match Parser::default().parse_with_source_info(source) {
        Ok(parsed) => parsed,
        Err(_) => return vec![syntax_problem(source)],
    };
    match PrattParser::default().parse(source) {
        Ok(other) if other == expression => {}
        Ok(_) | Err(_) => {
            let message = "this condition would be read in two ways; write it more simply".to_owned();
            return vec![Problem { offset: 0, message }];
        }
    }
    let mut checker = Checker {
        source,
        info: &info,
        about,
        bound: Vec::new(),
        problems: Vec::new(),
    };
    let kind = checker.kind_of(&expression);
    if checker.problems.is_empty()
        && let Some(message) = what_for.refusal(&kind)
    {
        let offset = checker.start(&expression);
        checker.problems.push(Problem { offset, message });
    }
    checker.problems
}

/// What no parser is given: each goes down into an expression by a call for each level, and the stack has an end.
fn too_much(source: &str) -> Option<String> {
    if source.len() > MAX_BYTES {
        let message = format!("this is longer than {MAX_BYTES} bytes; put parts of it into segments.yaml");
        return Some(message);
    }
    let (mut open, mut deepest) = (0_usize, 0);
    for character in source.chars() {
        match character {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    (deepest > MAX_NESTING).then(|| {
        format!(
            "this has more than {MAX_NESTING} brackets inside one another; put parts of it into segments.yaml"
        )
    })
}

/// Whether a condition is short and flat enough to be parsed.
pub(super) fn fits(source: &str) -> bool {
    too_much(source).is_none()
}

/// The Pratt parser's words are the shorter ones: "expecting expression".
fn syntax_problem(source: &str) -> Problem {
    let first = PrattParser::default()
        .parse(source)
        .err()
        .and_then(|all| all.errors.into_iter().next());
    let Some(error) = first else {
        let message = "this is not a condition".to_owned();
        return Problem { offset: 0, message };
    };
    let column = usize::try_from(error.pos.1).unwrap_or(1).max(1);
    let line = usize::try_from(error.pos.0).unwrap_or(1).max(1);
    let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let said = error.msg.trim_start_matches("Syntax error: ");
    let message = if said.contains("'='") {
        "`=` is not an operator; equality is `==`".to_owned()
    } else {
        let said = said.replace(
            "mismatched input '<EOF>' expecting",
            "it ends where there should be an",
        );
        format!("this is not a condition: {}", said.replace("<EOF>", "its end"))
    };
    Problem {
        offset: before + column - 1,
        message,
    }
}

struct Checker<'a> {
    source: &'a str,
    info: &'a SourceInfo,
    about: About<'a>,
    /// Variables of `exists`, `all`, `filter` and `map`, innermost last.
    bound: Vec<(String, Kind)>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// The kind of an expression; `Any` after a problem, so that one mistake is told once.
    fn kind_of(&mut self, expression: &IdedExpr) -> Kind {
        match &expression.expr {
            Expr::Literal(literal) => self.literal(expression, literal),
            Expr::Ident(name) => self.ident(expression, name),
            Expr::Select(select) => self.select(expression, select),
            Expr::Call(call) => self.call(expression, call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => {
                let kinds: Vec<Kind> = list
                    .elements
                    .iter()
                    .map(|element| self.kind_of(element))
                    .collect();
                let one = kinds.into_iter().reduce(unify).unwrap_or(Kind::Any);
                Kind::List(Box::new(one))
            }
            Expr::Map(_) => Kind::Map,
            Expr::Struct(_) | Expr::Unspecified => {
                self.report(self.start(expression), "this form is not available in conditions")
            }
        }
    }

    fn literal(&mut self, expression: &IdedExpr, literal: &LiteralValue) -> Kind {
        match literal {
            LiteralValue::Boolean(_) => Kind::Bool,
            LiteralValue::Int(_) => Kind::Int,
            LiteralValue::Double(_) => Kind::Double,
            LiteralValue::String(_) => Kind::Text,
            LiteralValue::Null => Kind::Null,
            LiteralValue::UInt(_) => self.report(self.start(expression), "write `1`, not `1u`"),
            LiteralValue::Bytes(_) => self.report(
                self.start(expression),
                "bytes are not available in conditions; leave out the `b`",
            ),
        }
    }

    fn ident(&mut self, expression: &IdedExpr, name: &str) -> Kind {
        if let Some((_, kind)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return kind.clone();
        }
        if let Some((_, record)) = self.about.roots.iter().find(|(root, _)| *root == name) {
            return Kind::Record(*record);
        }
        if ROOTS.iter().any(|(root, _)| *root == name) {
            let message = format!("`{name}` is not known here: a segment is about the contact alone");
            return self.report(self.start(expression), &message);
        }
        let roots = self.about.roots.iter().map(|(root, _)| *root);
        let known = roots.chain(self.bound.iter().map(|(bound, _)| bound.as_str()));
        let message = unknown("name", name, known.filter(|name| !name.starts_with('@')));
        self.report(self.start(expression), &message)
    }

    fn select(&mut self, expression: &IdedExpr, select: &SelectExpr) -> Kind {
        let base = self.kind_of(&select.operand);
        let offset = self.after_dot(expression, select);
        match base {
            Kind::Record(record) => {
                let Some(kind) = record.field(&select.field) else {
                    let fields = record.fields();
                    let message = unknown("field", &select.field, fields.iter().map(|(name, _)| *name));
                    return self.report(offset, &message);
                };
                if record == Record::Event && !self.about.carries.fills(&select.field) {
                    let message = format!(
                        "`event.{}` is always empty here: no event of this rule carries it",
                        select.field
                    );
                    return self.report(offset, &message);
                }
                if is_segments(select) && self.about.segments.is_none() {
                    let message = "a segment cannot ask about segments; write their conditions out";
                    return self.report(offset, message);
                }
                if select.test {
                    let message = format!(
                        "`{}` is always there; compare it with its empty value instead",
                        select.field
                    );
                    return self.report(offset, &message);
                }
                kind
            }
            Kind::Map | Kind::Any if select.test => Kind::Bool,
            Kind::Map | Kind::Any => Kind::Any,
            Kind::Bool
            | Kind::Int
            | Kind::Double
            | Kind::Text
            | Kind::MaybeText
            | Kind::Null
            | Kind::List(_) => self.report(offset, &format!("{base} has no field `{}`", select.field)),
        }
    }

    /// `exists` and its kin are loops over an accumulator after parsing.
    fn comprehension(&mut self, loop_: &ComprehensionExpr) -> Kind {
        let element = match self.kind_of(&loop_.iter_range) {
            Kind::List(element) => *element,
            Kind::Map => Kind::Text,
            Kind::Any => Kind::Any,
            other => {
                let message = format!("only a list can be searched, this is {other}");
                self.report(self.start(&loop_.iter_range), &message)
            }
        };
        let start = self.kind_of(&loop_.accu_init);
        self.bound.push((loop_.iter_var.clone(), element));
        self.bound.push((loop_.accu_var.clone(), start));
        self.kind_of(&loop_.loop_cond);
        let stepped = self.kind_of(&loop_.loop_step);
        if let Some((_, accumulator)) = self.bound.last_mut() {
            *accumulator = stepped;
        }
        let result = self.kind_of(&loop_.result);
        self.bound.truncate(self.bound.len().saturating_sub(2));
        result
    }

    fn report(&mut self, offset: usize, message: &str) -> Kind {
        let problem = Problem {
            offset,
            message: message.to_owned(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        Kind::Any
    }

    /// The crate's own offset of a node: an operator's sign, a select's dot, a call's parenthesis.
    fn offset(&self, expression: &IdedExpr) -> usize {
        self.info
            .offset_for(expression.id)
            .map_or(0, |(start, _)| usize::try_from(start).unwrap_or_default())
    }

    /// Where an expression begins for a reader.
    fn start(&self, expression: &IdedExpr) -> usize {
        match &expression.expr {
            Expr::Select(select) if !select.test => self.start(&select.operand),
            Expr::Call(call) => {
                let own = self.offset(expression);
                match (&call.target, call.args.first()) {
                    (Some(target), _) => self.start(target),
                    (None, _) if is_name(&call.func_name) => own.saturating_sub(call.func_name.len()),
                    (None, Some(first)) => own.min(self.start(first)),
                    (None, None) => own,
                }
            }
            Expr::Comprehension(loop_) => self.start(&loop_.iter_range),
            Expr::Literal(LiteralValue::Int(_) | LiteralValue::Double(_)) => {
                let own = self.offset(expression);
                // A negative literal is placed at its digits.
                let signed = self.source.get(..own).is_some_and(|before| before.ends_with('-'));
                if signed && own == 1 { 0 } else { own }
            }
            Expr::Select(_)
            | Expr::Literal(_)
            | Expr::Ident(_)
            | Expr::List(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => self.offset(expression),
        }
    }

    /// Where the field's name begins: after the dot, or after the parenthesis of `has`.
    fn after_dot(&self, expression: &IdedExpr, select: &SelectExpr) -> usize {
        let from = self.offset(expression);
        let rest = self.source.get(from..).unwrap_or_default();
        let base_start = if select.test {
            rest.rfind(&format!(".{}", select.field)).unwrap_or(0)
        } else {
            0
        };
        let rest = rest.get(base_start..).unwrap_or_default();
        let skipped = rest.len()
            - rest
                .trim_start_matches(|c: char| c == '.' || c.is_whitespace())
                .len();
        from + base_start + skipped
    }
}

/// Whether this is `contact.segments`.
fn is_segments(select: &SelectExpr) -> bool {
    let of_contact = matches!(&select.operand.expr, Expr::Ident(name) if name == "contact");
    of_contact && select.field == "segments"
}

fn is_name(function: &str) -> bool {
    function.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The kind that stands for both; `Any` knows less and gives way.
fn unify(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (Kind::Any, other) | (other, Kind::Any) => other,
        (Kind::List(a), Kind::List(b)) => Kind::List(Box::new(unify(*a, *b))),
        (Kind::Text, Kind::MaybeText | Kind::Null) | (Kind::MaybeText | Kind::Null, Kind::Text) => {
            Kind::MaybeText
        }
        (a, b) if a == b => a,
        _ => Kind::Any,
    }
}
