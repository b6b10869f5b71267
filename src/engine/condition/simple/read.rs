//! Finds the simple form of an expression, as the parser writes it.

use super::{Comparison, Field, Operand, Quantifier, Search, Sign, Simple};
use crate::journey::shape::{Kind, ROOTS};
use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SelectExpr, operators};

/// Finds the simple form; each `None` means that there is none.
pub(super) struct Reader<'a> {
    /// What `exists` and `all` call the item they look at.
    item: Option<&'a str>,
}

impl Reader<'_> {
    pub const fn new() -> Self {
        Self { item: None }
    }

    pub fn read(&self, expression: &IdedExpr) -> Option<Simple> {
        match &expression.expr {
            Expr::Call(call) => self.call(call),
            Expr::Select(select) if select.test => {
                let map = self
                    .field(&select.operand)
                    .filter(|field| field.kind == Kind::Map)?;
                Some(Simple::In(Operand::Text(select.field.clone()), map))
            }
            Expr::Comprehension(looped) => self.items(looped),
            _ => self.operand(expression).map(Simple::Is),
        }
    }

    fn call(&self, call: &CallExpr) -> Option<Simple> {
        match (&call.target, call.args.as_slice()) {
            (None, [only]) if call.func_name == operators::LOGICAL_NOT => {
                Some(Simple::Not(Box::new(self.read(only)?)))
            }
            (None, [left, right]) => self.binary(&call.func_name, left, right),
            (Some(text), [part]) => {
                let search = Search::of(&call.func_name)?;
                Some(Simple::Search(search, self.operand(text)?, self.operand(part)?))
            }
            _ => None,
        }
    }

    fn binary(&self, operator: &str, left: &IdedExpr, right: &IdedExpr) -> Option<Simple> {
        let both = || Some(Box::new([self.read(left)?, self.read(right)?]));
        match operator {
            operators::LOGICAL_AND => both().map(Simple::And),
            operators::LOGICAL_OR => both().map(Simple::Or),
            operators::IN => {
                let value = self.operand(left)?;
                let Expr::List(list) = &right.expr else {
                    let list = self.field(right).filter(Field::is_list_or_map)?;
                    return Some(Simple::In(value, list));
                };
                // A list is made as a whole before it is searched, and literals cannot fail.
                let literal = |one: &IdedExpr| match &one.expr {
                    Expr::Literal(literal) => literal_of(literal),
                    _ => None,
                };
                let list: Option<Vec<Operand>> = list.elements.iter().map(literal).collect();
                Some(Simple::OneOf(value, list?))
            }
            _ => {
                let comparison = Comparison::of(operator)?;
                Some(Simple::Compare(
                    comparison,
                    self.operand(left)?,
                    self.operand(right)?,
                ))
            }
        }
    }

    /// `exists` and `all` as the parser writes them out: a loop over an accumulator.
    fn items(&self, looped: &ComprehensionExpr) -> Option<Simple> {
        let list = self.field(&looped.iter_range)?;
        if self.item.is_some() || looped.iter_var2.is_some() || !is_ident(&looped.result, &looped.accu_var) {
            return None;
        }
        let (Expr::Literal(LiteralValue::Boolean(start)), Expr::Call(step)) =
            (&looped.accu_init.expr, &looped.loop_step.expr)
        else {
            return None;
        };
        let quantifier = match (*start.inner(), step.func_name.as_str()) {
            (false, operators::LOGICAL_OR) => Quantifier::Exists,
            (true, operators::LOGICAL_AND) => Quantifier::All,
            _ => return None,
        };
        let [accumulator, inner] = step.args.as_slice() else {
            return None;
        };
        let item = Some(looped.iter_var.as_str());
        let inner = Reader { item }.read(inner)?;
        is_ident(accumulator, &looped.accu_var).then(|| Simple::Items(quantifier, list, Box::new(inner)))
    }

    fn operand(&self, expression: &IdedExpr) -> Option<Operand> {
        match &expression.expr {
            Expr::Literal(literal) => literal_of(literal),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => match (call.target.as_deref(), call.args.as_slice()) {
                (Some(list), []) | (None, [list]) if call.func_name == "size" => {
                    self.field(list).filter(Field::is_list_or_map).map(Operand::Size)
                }
                (None, [event, days]) if call.func_name == "count" => {
                    match (self.operand(event)?, self.operand(days)?) {
                        (Operand::Text(event), Operand::Int(days)) => Some(Operand::Count(event, days)),
                        _ => None,
                    }
                }
                (None, [left, right]) => {
                    let sign = Sign::of_operator(&call.func_name)?;
                    let both = [self.operand(left)?, self.operand(right)?];
                    Some(Operand::Sum(sign, Box::new(both)))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn select(&self, select: &SelectExpr) -> Option<Operand> {
        if select.test {
            return None;
        }
        if let (Expr::Ident(name), Some(item)) = (&select.operand.expr, self.item)
            && name == item
        {
            return Some(Operand::Item(select.field.clone()));
        }
        if let Some(map) = self
            .field(&select.operand)
            .filter(|field| field.kind == Kind::Map)
        {
            return Some(Operand::Entry(map, select.field.clone()));
        }
        self.root(select).map(Operand::Field)
    }

    fn field(&self, expression: &IdedExpr) -> Option<Field> {
        match &expression.expr {
            Expr::Select(select) if !select.test => self.root(select),
            _ => None,
        }
    }

    /// `contact.orders`.
    fn root(&self, select: &SelectExpr) -> Option<Field> {
        let Expr::Ident(name) = &select.operand.expr else {
            return None;
        };
        let (_, record) = ROOTS.into_iter().find(|(root, _)| root == name)?;
        // An item may be called like a root.
        let hidden = self.item == Some(name.as_str());
        let kind = record.field(&select.field).filter(|_| !hidden)?;
        Some(Field {
            record,
            name: select.field.clone(),
            kind,
        })
    }
}

fn is_ident(expression: &IdedExpr, wanted: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == wanted)
}

fn literal_of(literal: &LiteralValue) -> Option<Operand> {
    match literal {
        LiteralValue::Boolean(value) => Some(Operand::Bool(*value.inner())),
        LiteralValue::Int(value) => Some(Operand::Int(*value.inner())),
        LiteralValue::Double(value) => Some(Operand::Double(*value.inner())),
        LiteralValue::String(text) => Some(Operand::Text(text.inner().to_owned())),
        LiteralValue::Null => Some(Operand::Null),
        LiteralValue::Bytes(_) | LiteralValue::UInt(_) => None,
    }
}
