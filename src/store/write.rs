//! Writes a decision: the contact's row and one statement a change. Called by `edge` as the last thing of a storage
//! turn.
//!
//! Every statement is made before the first one runs, because a Durable Object does not take back what was written
//! when a later step returns an error.

use super::contact::{self, Loaded};
use super::sql::{Sql, Statement};
use super::{Error, consent, enrollment, event, message, order};
use crate::domain::consent::ConsentRecord;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{ContactId, IdentifierHash, MessageId};
use crate::engine::decision::{Change, Decision};
use crate::engine::schedule::Slot;

/// What a decision wrote, where that is not what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Applied {
    /// Messages that could not get the outcome decided for them: they have one, or do not exist. Worth a log line.
    pub refused: Vec<MessageId>,
}

/// Writes `decision` over the contact's row as it was loaded (`held`; none for a contact known only now), with its
/// new place in the schedule.
///
/// Rows: an event without effect 2 (event, document), one that enrolls 4 (event, document and slot, intent), one
/// that was seen before 0. An order, an ended enrollment, an intent, an outcome, a change of consent: 1 each. `hash` is
/// the keyed hash by which the ledger of consent knows an address.
///
/// # Errors
/// Before anything is written, when something is too large or cannot be serialised; else when a statement fails.
pub fn apply(
    sql: &dyn Sql,
    held: Option<&Loaded>,
    decision: &Decision,
    slot: Option<&Slot>,
    hash: &dyn Fn(&EmailAddress) -> IdentifierHash,
) -> Result<Applied, Error> {
    let contact = &decision.contact.id;
    let refused = refused(sql, contact, &decision.changes)?;
    let mut statements = Vec::with_capacity(decision.changes.len() + 1);
    for change in &decision.changes {
        statements.push(statement(contact, change, hash)?);
    }
    let nothing_known = held.is_none() && decision.changes.is_empty();
    if !nothing_known {
        statements.extend(contact::save_statement(&decision.contact, held, slot)?);
    }
    for statement in &statements {
        statement.run(sql)?;
    }
    Ok(Applied { refused })
}

/// Writes one change outside a decision: what ends in the shard that a merged contact leaves.
///
/// # Errors
/// When it cannot be serialised or the statement fails.
pub fn change(
    sql: &dyn Sql,
    contact: &ContactId,
    change: &Change,
    hash: &dyn Fn(&EmailAddress) -> IdentifierHash,
) -> Result<(), Error> {
    statement(contact, change, hash)?.run(sql)
}

fn statement(
    contact: &ContactId,
    change: &Change,
    hash: &dyn Fn(&EmailAddress) -> IdentifierHash,
) -> Result<Statement, Error> {
    match change {
        Change::RecordConsent(change) => Ok(consent::put_statement(
            contact,
            &ConsentRecord {
                address: hash(&change.email),
                state: change.state,
                signal: change.signal.clone(),
                event: change.event.clone(),
                recorded_at: change.at,
            },
        )),
        Change::RecordEvent(event) => event::record_statement(contact, event),
        Change::PutOrder(order) => order::put_statement(contact, order),
        Change::EndEnrollment(ended) => Ok(enrollment::put_statement(contact, ended)),
        Change::ReachGoal { enrollment, at } => Ok(enrollment::goal_statement(contact, enrollment, *at)),
        Change::PutMessage(message) => Ok(message::put_statement(contact, message)),
        Change::MoveStream {
            message,
            stream,
            lane,
        } => Ok(message::stream_statement(contact, message, *stream, *lane)),
        Change::SettleMessage { message, how, at } => {
            Ok(message::settle_statement(contact, message, how, *at))
        }
    }
}

/// Messages whose row is not where their outcome can be reached from. The statement leaves such a row alone.
fn refused(sql: &dyn Sql, contact: &ContactId, changes: &[Change]) -> Result<Vec<MessageId>, Error> {
    let mut refused = Vec::new();
    for change in changes {
        let Change::SettleMessage { message, how, .. } = change else {
            continue;
        };
        let intent = changes.iter().find_map(|change| match change {
            Change::PutMessage(intent) if intent.id == *message => Some(intent.state),
            Change::PutMessage(_)
            | Change::RecordEvent(_)
            | Change::PutOrder(_)
            | Change::RecordConsent(_)
            | Change::EndEnrollment(_)
            | Change::ReachGoal { .. }
            | Change::MoveStream { .. }
            | Change::SettleMessage { .. } => None,
        });
        let state = message::state(sql, contact, message)?.or(intent);
        if !state.is_some_and(|held| held.may_become(message::settled_state(how))) {
            refused.push(message.clone());
        }
    }
    Ok(refused)
}
