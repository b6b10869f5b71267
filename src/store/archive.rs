//! Orders that are past their time become totals of their contact. Called by `retention`.

use super::sql::{Row, Sql};
use super::{Error, contact, order};
use crate::domain::ids::ContactId;
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;
use crate::engine::intake::purchases_of;
use crate::engine::state::Document;

/// Sums up and deletes the orders from before `before`, of the contacts behind `after` up to and with `until`. One whose
/// document cannot be read, or has no room, keeps its orders. Returns how many went. Writes 1 row for each, and 1 for each
/// contact.
///
/// # Errors
/// When a statement fails or an order cannot be read.
pub(super) fn sum_up(
    sql: &dyn Sql,
    after: &str,
    until: &str,
    before: Timestamp,
    currency: Currency,
) -> Result<u32, Error> {
    let contacts = sql.query(
        "SELECT DISTINCT contact_id FROM orders
         WHERE contact_id > ?1 AND contact_id <= ?2 AND placed_at < ?3 AND status_at < ?3",
        &[after.into(), until.into(), before.into()],
    )?;
    let mut gone = 0;
    for row in &contacts {
        gone += of_contact(sql, row, before, currency)?;
    }
    Ok(gone)
}

fn of_contact(sql: &dyn Sql, row: &Row, before: Timestamp, currency: Currency) -> Result<u32, Error> {
    let id = row.parsed("contact_id", ContactId::parse)?;
    let old = order::before(sql, &id, before)?;
    match contact::load(sql, &id) {
        Ok(Some(held)) => match &held.document {
            Document::Live(live) => {
                let mut contact = live.as_ref().clone();
                contact.archived = contact.archived.plus(&purchases_of(old.iter(), currency));
                match contact::save(sql, &contact, Some(&held), held.slot.as_ref()) {
                    Err(Error::TooLarge { .. }) => return Ok(0),
                    saved => saved?,
                }
            }
            // Whoever it was merged into has them, too.
            Document::Moved { .. } | Document::Erased { .. } => {}
        },
        Ok(None) => {}
        Err(Error::Corrupt { .. }) => return Ok(0),
        Err(error) => return Err(error),
    }
    order::delete_before(sql, &id, before)?;
    Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
}
