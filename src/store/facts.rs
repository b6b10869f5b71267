//! What `decide` must know besides the contact's document. Called by `edge` in the turn, before it decides.

use super::sql::Sql;
use super::{Error, enrollment, event, order};
use crate::domain::event::Event;
use crate::domain::ids::ContactId;
use crate::engine::state::{Counted, Facts};

/// Most orders read: older ones live on in the contact's totals.
pub const MAX_ORDERS_READ: u32 = 100;
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
        && !orders.iter().any(|order| order.key == key)
    {
        orders.extend(order::get(sql, contact, &key)?);
    }
    Ok(Facts {
        seen: false,
        checkout_closed,
        orders,
        ended: enrollment::list(sql, contact, MAX_ENDED_READ)?,
        counted: Counted::new(),
    })
}
