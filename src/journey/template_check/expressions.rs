//! Names within the expressions of a template.

use super::{Walker, is_variable_name};
use crate::journey::email_shape::{ADDRESS, CONFIRM, REFERRAL, Shape, UNSUBSCRIBE};
use crate::journey::finding::unknown;
use crate::journey::project::TEMPLATES;
use askama_parser::expr::BinOp;
use askama_parser::node::CondTest;
use askama_parser::{AssociatedItem, Expr, Span, WithSpan};

/// Names that askama itself provides.
const BUILT_IN: [&str; 3] = ["self", "caller", "super"];
/// Methods that give back what they are called on, as far as names are concerned.
const TRANSPARENT: [&str; 5] = ["iter", "as_deref", "as_ref", "clone", "as_str"];

impl<'a> Walker<'a> {
    /// Checks the names of an expression and says what is known of its value.
    pub fn expr(&mut self, expr: &WithSpan<Box<Expr<'a>>>) -> Option<Shape> {
        match &***expr {
            Expr::Var(name) => self.var(name, expr.span()),
            Expr::AssociatedItem(base, item) => {
                let shape = self.expr(base);
                self.field(shape, item)
            }
            Expr::Call(call) => {
                self.refuse_call(&call.path);
                for arg in &call.args {
                    self.expr(arg);
                }
                self.called(&call.path)
            }
            Expr::Group(inner) | Expr::Try(inner) => self.expr(inner),
            Expr::Unary(_, inner) => {
                let shape = self.expr(inner);
                // `!x` is no text any more; `*x` and `&x` are what they were.
                shape.filter(|shape| !matches!(shape, Shape::Optional(_)))
            }
            Expr::Index(base, index) => {
                self.refuse_index(expr.span());
                self.expr(index);
                match self.expr(base) {
                    Some(Shape::List(element)) => Some(*element),
                    Some(
                        Shape::Text
                        | Shape::Number
                        | Shape::Optional(_)
                        | Shape::Record(_)
                        | Shape::Variables
                        | Shape::Declared(..),
                    )
                    | None => None,
                }
            }
            Expr::Filter(filter) => {
                self.all(&filter.arguments);
                Some(Shape::Text)
            }
            Expr::BinOp(_)
            | Expr::Range(_)
            | Expr::Array(_)
            | Expr::Tuple(_)
            | Expr::Concat(_)
            | Expr::ArrayRepeat(..)
            | Expr::Struct(_)
            | Expr::As(..)
            | Expr::NamedArgument(..)
            | Expr::LetCond(_) => {
                self.parts(expr);
                None
            }
            Expr::RustMacro(path, _) => {
                self.refuse_macro(path);
                None
            }
            Expr::IsDefined(_)
            | Expr::IsNotDefined(_)
            | Expr::BoolLit(_)
            | Expr::NumLit(..)
            | Expr::StrLit(_)
            | Expr::CharLit(_)
            | Expr::Path(_)
            | Expr::FilterSource
            | Expr::ArgumentPlaceholder => None,
        }
    }

    /// Expressions of which only the parts have names.
    fn parts(&mut self, expr: &Expr<'a>) {
        match expr {
            Expr::BinOp(operation) => self.operation(operation),
            Expr::Range(range) => range.lhs.iter().chain(&range.rhs).for_each(|end| {
                self.expr(end);
            }),
            Expr::Array(items) | Expr::Tuple(items) | Expr::Concat(items) => self.all(items),
            Expr::ArrayRepeat(item, count) => {
                self.expr(item);
                self.expr(count);
            }
            Expr::Struct(literal) => {
                for value in literal.fields.iter().filter_map(|field| field.value.as_ref()) {
                    self.expr(value);
                }
            }
            Expr::As(inner, _) | Expr::NamedArgument(_, inner) => {
                self.expr(inner);
            }
            Expr::LetCond(test) => self.condition(test),
            _ => {}
        }
    }

    /// The two sides of an operation, and whether it always comes to something.
    pub fn operation(&mut self, operation: &BinOp<'a>) {
        self.refuse_arithmetic(operation);
        self.expr(&operation.lhs);
        self.expr(&operation.rhs);
    }

    fn all(&mut self, exprs: &[WithSpan<Box<Expr<'a>>>]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    /// The test of an `if`, which may bind names for its branch.
    pub fn condition(&mut self, test: &CondTest<'a>) {
        let shape = self.expr(&test.expr);
        if let Some(target) = &test.target {
            self.target(target, shape);
        }
    }

    /// What is called is a method, whose object has names to check, or a function, which the compiler looks up.
    fn called(&mut self, path: &WithSpan<Box<Expr<'a>>>) -> Option<Shape> {
        if let Expr::AssociatedItem(base, method) = &***path {
            let shape = self.expr(base);
            return shape.filter(|_| TRANSPARENT.contains(&*method.name));
        }
        None
    }

    fn var(&mut self, name: &'a str, span: Span) -> Option<Shape> {
        if let Some(shape) = self.scopes.iter().rev().find_map(|scope| scope.get(name)) {
            return *shape;
        }
        let place = self.place(span);
        if let Some((name, shape)) = self.model().find(|(known, _)| *known == name) {
            if *name == REFERRAL {
                self.referral
                    .insert((format!("{TEMPLATES}/{}", self.file), place));
            }
            // Asked about is as good as shown: it is absent only where it may be.
            if !self.replaced && [UNSUBSCRIBE, CONFIRM].contains(name) {
                self.shown.insert(name);
            }
            if self.in_test {
                self.asked.push(name);
            } else if !self.replaced && !self.asked.contains(name) {
                let at = (format!("{TEMPLATES}/{}", self.file), place);
                self.used.entry(name).or_insert(at);
            }
            return Some(*shape);
        }
        let written_as_constant = name.starts_with(|c: char| c.is_ascii_uppercase());
        if !BUILT_IN.contains(&name) && !written_as_constant {
            let known = self.model().map(|(name, _)| *name);
            let local = self.scopes.iter().flat_map(|scope| scope.keys().copied());
            let message = unknown("name", name, known.chain(local));
            self.report(place, message);
        }
        None
    }

    fn field(&mut self, shape: Option<Shape>, item: &AssociatedItem<'a>) -> Option<Shape> {
        let place = self.place(item.name.span());
        match shape {
            Some(Shape::Record(fields)) => {
                let found = fields.iter().find(|(name, _)| *name == *item.name);
                if found.is_none() {
                    let message = unknown("name", &item.name, fields.iter().map(|(name, _)| *name));
                    self.report(place, message);
                }
                if let Some((name, _)) = found.filter(|(name, _)| *name == ADDRESS && !self.replaced) {
                    self.shown.insert(name);
                }
                found.map(|(_, shape)| *shape)
            }
            Some(Shape::Variables) => {
                if !is_variable_name(&item.name) {
                    self.report(
                        place,
                        format!(
                            "`{}` cannot be a variable: use lower-case letters, digits and `_`",
                            *item.name
                        ),
                    );
                    return None;
                }
                let at = (format!("{TEMPLATES}/{}", self.file), place);
                self.variables.entry((*item.name).to_owned()).or_insert(at);
                Some(Shape::Text)
            }
            Some(Shape::Declared(kind, fields)) => {
                let at = (format!("{TEMPLATES}/{}", self.file), place);
                let name = (kind, (*item.name).to_owned());
                self.declared.entry(name).or_insert(at);
                Some(Shape::Record(fields))
            }
            Some(Shape::Text | Shape::Number | Shape::List(_)) => {
                self.report(place, format!("there is no `{}` in this value", *item.name));
                None
            }
            Some(Shape::Optional(_)) => {
                self.report(
                    place,
                    "this value may be absent: take it out with `{% if let Some(x) = … %}` first",
                );
                None
            }
            None => None,
        }
    }
}
