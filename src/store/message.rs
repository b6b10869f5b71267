//! The ledger: every message from its intent to its final outcome. Used by `write`, the delivery loop and the
//! operator pages. Which outcome a message gets is decided elsewhere; here only the legal moves are possible.
//!
//! A claim writes no row here, the dispatch row says it. `attempt` counts the dispatches that came to an end.

use super::Error;
use super::error::to_json;
use super::sql::{Row, Sql, Statement};
use crate::domain::delivery_state::DeliveryState;
use crate::domain::ids::{ContactId, EmailName, EnrollmentId, JourneyId, MessageId, StepId};
use crate::domain::message::{Lane, Message, MessageState, Stream};
use crate::domain::time::Timestamp;
use crate::engine::decision::Settlement;
use crate::engine::defer::DeferReason;

/// Far more than all that can be told of one message.
const MAX_DELIVERY_BYTES: usize = 1024;

/// A ledger row with what the message itself does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub contact: ContactId,
    pub message: Message,
    /// What providers told of it after they took it.
    pub delivery: DeliveryState,
}

/// What became of an attempt to move a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    Done,
    /// It stands where that move does not exist: mostly because it was made before.
    Refused(MessageState),
    Missing,
}

/// How many messages of a state there are, by reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub state: MessageState,
    pub reason: Option<String>,
    pub count: u32,
}

/// Writes an intent. Writes 1 row, 0 when it is there: the id is derived from what the message is.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, contact: &ContactId, message: &Message) -> Result<(), Error> {
    put_statement(contact, message).run(sql)
}

pub(super) fn put_statement(contact: &ContactId, message: &Message) -> Statement {
    Statement::new(
        "INSERT INTO message (contact_id, message_id, journey, enrollment_id, step, email, variant, stream,
           lane, state, attempt, due_at, reason, provider, provider_id, settled_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT DO NOTHING",
        vec![
            contact.into(),
            (&message.id).into(),
            (&message.journey).into(),
            (&message.enrollment).into(),
            (&message.step).into(),
            (&message.email).into(),
            message.variant.as_str().into(),
            message.stream.as_str().into(),
            message.lane.as_str().into(),
            message.state.as_str().into(),
            message.attempt.into(),
            message.due_at.into(),
            message.reason.as_deref().into(),
            message.provider.as_deref().into(),
            message.provider_id.as_deref().into(),
            message.settled_at.into(),
        ],
    )
}

/// Writes 1 row, 0 for a message whose fate is known.
pub(super) fn stream_statement(
    contact: &ContactId,
    message: &MessageId,
    stream: Stream,
    lane: Lane,
) -> Statement {
    Statement::new(
        "UPDATE message SET stream = ?3, lane = ?4
         WHERE contact_id = ?1 AND message_id = ?2 AND settled_at IS NULL",
        vec![
            contact.into(),
            message.into(),
            stream.as_str().into(),
            lane.as_str().into(),
        ],
    )
}

/// Finds a message by its id alone: the id begins as the contact's does.
///
/// # Errors
/// When the statement fails or the row cannot be read.
pub fn get(sql: &dyn Sql, message: &MessageId) -> Result<Option<Stored>, Error> {
    let prefix = message.contact_prefix();
    let row = sql.first(
        "SELECT * FROM message WHERE contact_id >= ?1 AND contact_id < ?2 AND message_id = ?3",
        // `g` follows every hex digit.
        &[prefix.into(), format!("{prefix}g").into(), message.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Messages of a contact, latest due first.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn of_contact(sql: &dyn Sql, contact: &ContactId, limit: u32) -> Result<Vec<Stored>, Error> {
    let rows = sql.query(
        "SELECT * FROM message WHERE contact_id = ?1 ORDER BY due_at DESC, message_id LIMIT ?2",
        &[contact.into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Writes a final outcome, if the message may still get it. Writes 1 row, 0 otherwise.
///
/// # Errors
/// When a statement fails.
pub fn settle(
    sql: &dyn Sql,
    contact: &ContactId,
    message: &MessageId,
    how: &Settlement,
    at: Timestamp,
) -> Result<Moved, Error> {
    move_to(sql, contact, message, settled_state(how), || {
        settle_statement(contact, message, how, at)
    })
}

pub(super) fn settle_statement(
    contact: &ContactId,
    message: &MessageId,
    how: &Settlement,
    at: Timestamp,
) -> Statement {
    let state = settled_state(how);
    let (ended_dispatches, reason, provider, provider_id) = match how {
        Settlement::Accepted {
            provider,
            provider_id,
        } => (1, None, Some(provider.as_str()), provider_id.as_deref()),
        Settlement::Failed(reason) | Settlement::GivenUp(reason) => (1, Some(reason.as_str()), None, None),
        Settlement::Dropped(reason) => (0, Some(reason.as_str()), None, None),
        Settlement::Shadowed => (0, None, None, None),
    };
    Statement::new(
        "UPDATE message SET state = ?3, settled_at = ?4, attempt = attempt + CAST(?5 AS INTEGER),
           reason = coalesce(?6, reason), provider = coalesce(?7, provider),
           provider_id = coalesce(?8, provider_id)
         WHERE contact_id = ?1 AND message_id = ?2 AND instr(?9, ',' || state || ',') > 0",
        vec![
            contact.into(),
            message.into(),
            state.as_str().into(),
            at.into(),
            i64::from(ended_dispatches).into(),
            reason.into(),
            provider.into(),
            provider_id.into(),
            states_before(state).into(),
        ],
    )
}

/// Back to intended: the provider certainly did not take it, or its unknown fate allows another try.
/// Writes 1 row, 0 when that move does not exist.
///
/// # Errors
/// When a statement fails.
pub fn release(
    sql: &dyn Sql,
    contact: &ContactId,
    message: &MessageId,
    reason: &str,
) -> Result<Moved, Error> {
    move_to(sql, contact, message, MessageState::Intended, || {
        Statement::new(
            "UPDATE message SET state = 'intended', attempt = attempt + 1, reason = ?3
             WHERE contact_id = ?1 AND message_id = ?2",
            vec![contact.into(), message.into(), reason.into()],
        )
    })
}

/// Moves a message on without settling it: to `Unknown`. A reason of none keeps the one held.
/// Writes 1 row, 0 when that move does not exist.
///
/// # Errors
/// When a statement fails.
pub fn set_state(
    sql: &dyn Sql,
    contact: &ContactId,
    message: &MessageId,
    next: MessageState,
    reason: Option<&str>,
) -> Result<Moved, Error> {
    move_to(sql, contact, message, next, || {
        Statement::new(
            "UPDATE message SET state = ?3, reason = coalesce(?4, reason)
             WHERE contact_id = ?1 AND message_id = ?2",
            vec![
                contact.into(),
                message.into(),
                next.as_str().into(),
                reason.into(),
            ],
        )
    })
}

/// Notes why the gate put a message off; the reason stays with the row, so that it is counted. Writes 1 row, 0 when it
/// was put off for the same reason before.
///
/// # Errors
/// When the statement fails.
pub fn defer(
    sql: &dyn Sql,
    contact: &ContactId,
    message: &MessageId,
    reason: DeferReason,
) -> Result<(), Error> {
    sql.run(
        "UPDATE message SET reason = ?3
         WHERE contact_id = ?1 AND message_id = ?2 AND state = 'intended' AND reason IS NOT ?3",
        &[contact.into(), message.into(), reason.as_str().into()],
    )
}

/// Messages that wait for another try, those due last first: put off by the gate, or not taken by the provider. For
/// operators: it reads every row.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn waiting(sql: &dyn Sql, limit: u32) -> Result<Vec<Stored>, Error> {
    let rows = sql.query(
        "SELECT * FROM message WHERE state = 'intended' AND reason IS NOT NULL
         ORDER BY due_at DESC, message_id LIMIT ?1",
        &[limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Notes all that providers told of a message. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn tell(
    sql: &dyn Sql,
    contact: &ContactId,
    message: &MessageId,
    told: DeliveryState,
) -> Result<(), Error> {
    let text = to_json("delivery of message", message.as_str(), &told, MAX_DELIVERY_BYTES)?;
    sql.run(
        "UPDATE message SET delivery = ?3, clicked_at = ?4 WHERE contact_id = ?1 AND message_id = ?2",
        &[
            contact.into(),
            message.into(),
            text.into(),
            told.clicked_at.into(),
        ],
    )
}

/// Messages in one of the states, in the order of contact and id; the next page starts after the last one.
/// For operators: there is no index on the state, so this reads up to every row.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn list(
    sql: &dyn Sql,
    states: &[MessageState],
    after: Option<(&ContactId, &MessageId)>,
    limit: u32,
) -> Result<Vec<Stored>, Error> {
    let (contact, message) = after.map_or(("", ""), |(contact, message)| {
        (contact.as_str(), message.as_str())
    });
    let rows = sql.query(
        "SELECT * FROM message
         WHERE (contact_id, message_id) > (?1, ?2) AND instr(?3, ',' || state || ',') > 0
         ORDER BY contact_id, message_id LIMIT ?4",
        &[
            contact.into(),
            message.into(),
            word_list(states).into(),
            limit.into(),
        ],
    )?;
    rows.iter().map(read).collect()
}

/// Messages in one of the states, those due last first. For operators and the development outbox: it reads every row.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn latest(sql: &dyn Sql, states: &[MessageState], limit: u32) -> Result<Vec<Stored>, Error> {
    let rows = sql.query(
        "SELECT * FROM message WHERE instr(?1, ',' || state || ',') > 0
         ORDER BY due_at DESC, message_id LIMIT ?2",
        &[word_list(states).into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// How many messages there are of each state and reason, most first, the hundred largest groups. Reads every row.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn tally(sql: &dyn Sql) -> Result<Vec<Tally>, Error> {
    let rows = sql.query(
        "SELECT state, reason, count(*) AS n FROM message GROUP BY state, reason
         ORDER BY n DESC, state, reason LIMIT 100",
        &[],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Tally {
                state: row.parsed("state", state_of)?,
                reason: row.opt_text("reason")?.map(str::to_owned),
                count: row.count("n")?,
            })
        })
        .collect()
}

pub(super) fn state(
    sql: &dyn Sql,
    contact: &ContactId,
    message: &MessageId,
) -> Result<Option<MessageState>, Error> {
    let row = sql.first(
        "SELECT state FROM message WHERE contact_id = ?1 AND message_id = ?2",
        &[contact.into(), message.into()],
    )?;
    row.map(|row| row.parsed("state", state_of)).transpose()
}

fn move_to(
    sql: &dyn Sql,
    contact: &ContactId,
    message: &MessageId,
    next: MessageState,
    statement: impl FnOnce() -> Statement,
) -> Result<Moved, Error> {
    match state(sql, contact, message)? {
        None => Ok(Moved::Missing),
        Some(held) if held.may_become(next) => statement().run(sql).map(|()| Moved::Done),
        Some(held) => Ok(Moved::Refused(held)),
    }
}

pub(super) fn settled_state(how: &Settlement) -> MessageState {
    match how {
        Settlement::Accepted { .. } => MessageState::Accepted,
        Settlement::Dropped(_) => MessageState::Dropped,
        Settlement::Failed(_) => MessageState::Failed,
        Settlement::GivenUp(_) => MessageState::GivenUp,
        Settlement::Shadowed => MessageState::Shadowed,
    }
}

fn states_before(next: MessageState) -> String {
    let before: Vec<MessageState> = MessageState::ALL
        .into_iter()
        .filter(|held| held.may_become(next))
        .collect();
    word_list(&before)
}

/// `,intended,unknown,`: searched with `instr`, which needs no table of its own in the statement.
fn word_list(states: &[MessageState]) -> String {
    let mut list = String::from(",");
    for state in states {
        list.push_str(state.as_str());
        list.push(',');
    }
    list
}

fn state_of(word: &str) -> Result<MessageState, String> {
    MessageState::ALL
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| format!("`{word}` is not a state"))
}

fn read(row: &Row) -> Result<Stored, Error> {
    let message = Message {
        id: row.parsed("message_id", MessageId::parse)?,
        journey: row.parsed("journey", JourneyId::parse)?,
        enrollment: row.parsed("enrollment_id", EnrollmentId::parse)?,
        step: row.parsed("step", StepId::parse)?,
        email: row.parsed("email", EmailName::parse)?,
        variant: row.text("variant")?.to_owned(),
        stream: row.word("stream")?,
        lane: row.word("lane")?,
        state: row.parsed("state", state_of)?,
        attempt: row.count("attempt")?,
        due_at: row.time("due_at")?,
        reason: row.opt_text("reason")?.map(str::to_owned),
        provider: row.opt_text("provider")?.map(str::to_owned),
        provider_id: row.opt_text("provider_id")?.map(str::to_owned),
        settled_at: row.opt_time("settled_at")?,
    };
    Ok(Stored {
        contact: row.parsed("contact_id", ContactId::parse)?,
        message,
        delivery: row
            .opt_text("delivery")?
            .map(|text| row.parsed("delivery", |_| serde_json::from_str(text)))
            .transpose()?
            .unwrap_or_default(),
    })
}
