//! Orders of a contact, with the status they stand at. Used by `facts` and `write`; what a report changes is
//! decided by `domain::order`.

use super::error::to_json;
use super::sql::{Row, Sql, Statement};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::ids::{ContactId, MessageId, OrderKey};
use crate::domain::money::{Currency, Money};
use crate::domain::order::Order;
use crate::domain::time::Timestamp;

/// Most lines of an order that are stored; further ones are left out.
pub const MAX_ITEMS: usize = 250;

/// Writes an order over the one held. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, contact: &ContactId, order: &Order) -> Result<(), Error> {
    put_statement(contact, order)?.run(sql)
}

pub(super) fn put_statement(contact: &ContactId, order: &Order) -> Result<Statement, Error> {
    let items = order.items.get(..MAX_ITEMS).unwrap_or(&order.items);
    let items = to_json("order", order.key.as_str(), items, MAX_VALUE_BYTES)?;
    Ok(Statement::new(
        "INSERT INTO orders (contact_id, order_key, status, status_at, placed_at, number, total, currency,
           attributed_to, items)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (contact_id, order_key) DO UPDATE SET
           status = excluded.status, status_at = excluded.status_at, placed_at = excluded.placed_at,
           number = excluded.number, total = excluded.total, currency = excluded.currency,
           attributed_to = excluded.attributed_to, items = excluded.items",
        vec![
            contact.into(),
            (&order.key).into(),
            order.status.as_str().into(),
            order.status_at.into(),
            order.placed_at.into(),
            order.number.as_deref().into(),
            order.total.map(|total| total.amount.to_string()).into(),
            order.total.map(|total| total.currency.as_str().to_owned()).into(),
            order.attributed_to.as_ref().into(),
            items.into(),
        ],
    ))
}

/// One order of a contact.
///
/// # Errors
/// When the statement fails or the row cannot be read.
pub fn get(sql: &dyn Sql, contact: &ContactId, key: &OrderKey) -> Result<Option<Order>, Error> {
    let row = sql.first(
        "SELECT order_key, status, status_at, placed_at, number, total, currency, attributed_to, items
         FROM orders WHERE contact_id = ?1 AND order_key = ?2",
        &[contact.into(), key.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Orders of a contact, newest first.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn list(sql: &dyn Sql, contact: &ContactId, limit: u32) -> Result<Vec<Order>, Error> {
    let rows = sql.query(
        "SELECT order_key, status, status_at, placed_at, number, total, currency, attributed_to, items
         FROM orders WHERE contact_id = ?1 ORDER BY placed_at DESC, order_key DESC LIMIT ?2",
        &[contact.into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Orders of a contact after the first `skip` of [`list`], without their lines: for totals.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn list_bare(sql: &dyn Sql, contact: &ContactId, skip: u32, limit: u32) -> Result<Vec<Order>, Error> {
    let rows = sql.query(
        "SELECT order_key, status, status_at, placed_at, number, total, currency, attributed_to, '[]' AS items
         FROM orders WHERE contact_id = ?1 ORDER BY placed_at DESC, order_key DESC LIMIT ?2 OFFSET ?3",
        &[contact.into(), limit.into(), skip.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Orders of a contact that were placed, and last changed, before a time; without their lines.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub(super) fn before(sql: &dyn Sql, contact: &ContactId, before: Timestamp) -> Result<Vec<Order>, Error> {
    let rows = sql.query(
        "SELECT order_key, status, status_at, placed_at, number, total, currency, attributed_to, '[]' AS items
         FROM orders WHERE contact_id = ?1 AND placed_at < ?2 AND status_at < ?2",
        &[contact.into(), before.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Deletes what [`before`] gives. Writes 1 row for each.
///
/// # Errors
/// When the statement fails.
pub(super) fn delete_before(sql: &dyn Sql, contact: &ContactId, before: Timestamp) -> Result<(), Error> {
    sql.run(
        "DELETE FROM orders WHERE contact_id = ?1 AND placed_at < ?2 AND status_at < ?2",
        &[contact.into(), before.into()],
    )
}

fn read(row: &Row) -> Result<Order, Error> {
    let total = match row.opt_parsed("currency", Currency::parse)? {
        Some(currency) => Some(row.parsed("total", |amount| Money::parse(amount, currency))?),
        None => None,
    };
    Ok(Order {
        key: row.parsed("order_key", OrderKey::parse)?,
        status: row.word("status")?,
        status_at: row.time("status_at")?,
        placed_at: row.time("placed_at")?,
        number: row.opt_text("number")?.map(str::to_owned),
        total,
        items: row.json("items")?,
        attributed_to: row.opt_parsed("attributed_to", MessageId::parse)?,
    })
}
