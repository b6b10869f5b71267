//! What `decide` must know besides the contact's document. Called by `edge` in the turn, before it decides.

use super::sql::Sql;
use super::{Error, enrollment, event, order};
use crate::domain::event::Event;
use crate::domain::ids::ContactId;
use crate::engine::state::{Counted, Facts};

/// Most orders read with all they hold.
pub const MAX_ORDERS_READ: u32 = 100;
/// Most further orders read for the contact's totals, without their lines. Nobody comes near it; beyond, the oldest no
/// longer count.
pub const MAX_BARE_ORDERS_READ: u32 = 10_000;
/// Most ended enrollments read, latest end first.
pub const MAX_ENDED_READ: u32 = 500;

/// The facts about a contact, and about the event that is to be applied, if it is one.
///
/// `checkout_closed` comes from the directory, whose row may be in another shard: the caller has read it there. For
/// an event that was seen before, the rest is left out. The event's own order is always among the orders. Counted
/// events are read by whoever knows what is counted.
///
/// # Errors
/// When a statement fails or a row cannot be read.
pub fn load_facts(
    sql: &dyn Sql,
    contact: &ContactId,
    event: Option<&Event>,
    checkout_closed: bool,
) -> Result<Facts, Error> {
    if let Some(event) = event
        && event::seen(sql, contact, &event.id)?
    {
        return Ok(Facts {
            seen: true,
            checkout_closed,
            ..Facts::default()
        });
    }
    let mut orders = order::list(sql, contact, MAX_ORDERS_READ)?;
    if let Some(key) = event.and_then(Event::order_key)
        && orders.len() >= MAX_ORDERS_READ as usize
    {
        // Its order sums up all of them anew, and is written back: that one with its lines.
        let older = order::list_bare(sql, contact, MAX_ORDERS_READ, MAX_BARE_ORDERS_READ)?;
        orders.extend(older.into_iter().filter(|order| order.key != key));
        if !orders.iter().any(|order| order.key == key) {
            orders.extend(order::get(sql, contact, &key)?);
        }
    }
    Ok(Facts {
        seen: false,
        in_ledger: false,
        checkout_closed,
        objection: None,
        orders,
        ended: enrollment::list(sql, contact, MAX_ENDED_READ)?,
        counted: Counted::new(),
    })
}
