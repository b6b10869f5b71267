//! Expressions of a template that can stop the whole instance: what the compiler lets pass and only the data of a mail
//! shows to be wrong.
//!
//! In wasm there is nothing to catch a panic: every request that the instance is working on is lost with it.

use super::Walker;
use askama_parser::expr::BinOp;
use askama_parser::{Expr, Span, WithSpan};

/// Methods that take for granted that there is something.
const TAKES_OUT: [&str; 5] = ["unwrap", "expect", "unwrap_unchecked", "unwrap_err", "expect_err"];
/// Methods that stop on a number or a place that does not fit.
const CUTS: [&str; 8] = [
    "split_at",
    "chunks",
    "chunks_exact",
    "windows",
    "step_by",
    "div_euclid",
    "rem_euclid",
    "div_ceil",
];
/// Macros whose purpose it is to stop.
const STOPS: [&str; 10] = [
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
];

impl<'a> Walker<'a> {
    pub(super) fn refuse_index(&mut self, span: Span) {
        self.refuse(
            span,
            "`[…]` stops the sending when there is no such entry: take the first with `{% if let Some(item) = items.first() %}`, or go through all with `{% for item in items %}`, where `{% if loop.first %}` is the first",
        );
    }

    /// `x.unwrap()`, and `Option::unwrap(x)` too.
    pub(super) fn refuse_call(&mut self, path: &WithSpan<Box<Expr<'a>>>) {
        let (name, span) = match &***path {
            Expr::AssociatedItem(_, method) => (*method.name, method.name.span()),
            Expr::Path(parts) => match parts.last() {
                Some(last) => (*last.name, last.name.span()),
                None => return,
            },
            _ => return,
        };
        if TAKES_OUT.contains(&name) {
            self.refuse(
                span,
                &format!("`{name}` stops the sending when there is nothing: take it out with `{{% if let Some(x) = … %}}`"),
            );
        } else if CUTS.contains(&name) {
            self.refuse(
                span,
                &format!("`{name}` stops the sending when the number does not fit: write what always fits, as `.iter().take(n)` or `.iter().skip(n)`"),
            );
        }
    }

    pub(super) fn refuse_macro(&mut self, path: &[WithSpan<&'a str>]) {
        if let Some(name) = path.last().filter(|name| STOPS.contains(&***name)) {
            let message = format!("`{}!` stops the sending: ask with `{{% if %}}` instead", **name);
            self.refuse(name.span(), &message);
        }
    }

    pub(super) fn refuse_arithmetic(&mut self, operation: &BinOp<'a>) {
        let span = operation.rhs.span();
        let literal = |side: &WithSpan<Box<Expr<'a>>>| number(side);
        match operation.op {
            "/" | "/=" | "%" | "%=" if literal(&operation.rhs).is_none_or(is_zero) => {
                let sign = operation.op.trim_end_matches('=');
                let method = if sign == "/" { "checked_div" } else { "checked_rem" };
                self.refuse(
                    span,
                    &format!("`{sign}` by what may be 0 stops the sending: write `{{% if let Some(x) = a.{method}(b) %}}`, or divide by a number"),
                );
            }
            "-" | "-=" if literal(&operation.lhs).is_none() || literal(&operation.rhs).is_none() => self.refuse(
                span,
                "counts have no numbers below 0, and `-` would go there: write `a.saturating_sub(b)`, which ends at 0",
            ),
            _ => {}
        }
    }

    fn refuse(&mut self, span: Span, message: &str) {
        let place = self.place(span);
        self.report(place, message);
    }
}

/// The digits of a number that is written out.
fn number<'a>(side: &WithSpan<Box<Expr<'a>>>) -> Option<&'a str> {
    match &***side {
        Expr::NumLit(text, _) => Some(text),
        Expr::Group(inner) => number(inner),
        _ => None,
    }
}

/// `0`, `0_u8`, `0x00`, `0.0`.
fn is_zero(digits: &str) -> bool {
    let digits = digits
        .trim_start_matches("0x")
        .trim_start_matches("0b")
        .trim_start_matches("0o");
    let value = digits.split(['u', 'i', 'f']).next().unwrap_or(digits);
    value.chars().all(|c| matches!(c, '0' | '_' | '.'))
}
