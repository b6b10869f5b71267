//! Ended enrollments: what re-entry, cooldowns and reports look back on. Running ones are in the contact's
//! document. Used by `facts` and `write`.

use super::Error;
use super::sql::{Row, Sql, Statement};
use crate::domain::event::EventKind;
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, JourneyId, SegmentName, StepId};
use crate::domain::time::Timestamp;
use crate::engine::state::{EndReason, Ended};
use std::collections::BTreeMap;

/// Records the end of an enrollment. Writes 1 row, 0 when it is there.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, contact: &ContactId, ended: &Ended) -> Result<(), Error> {
    put_statement(contact, ended).run(sql)
}

pub(super) fn put_statement(contact: &ContactId, ended: &Ended) -> Statement {
    Statement::new(
        "INSERT INTO enrollment (contact_id, enrollment_id, journey, key, started_at, ended_at, step, reason, detail,
           arms, holdout, goal_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
        vec![
            contact.into(),
            (&ended.id).into(),
            (&ended.journey).into(),
            (&ended.key).into(),
            ended.started_at.into(),
            ended.ended_at.into(),
            (&ended.step).into(),
            ended.reason.as_str().into(),
            detail(&ended.reason).into(),
            arms_text(&ended.arms).into(),
            u32::from(ended.held_out).into(),
            ended.goal_at.into(),
        ],
    )
}

/// Ended enrollments of a contact, latest end first.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn list(sql: &dyn Sql, contact: &ContactId, limit: u32) -> Result<Vec<Ended>, Error> {
    let rows = sql.query(
        "SELECT enrollment_id, journey, key, started_at, ended_at, step, reason, detail, arms, holdout, goal_at
         FROM enrollment
         WHERE contact_id = ?1 ORDER BY ended_at DESC, enrollment_id LIMIT ?2",
        &[contact.into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Enrollments of all contacts that did not go through to the end of their journey, latest first. For the development
/// outbox: it reads every row.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn left_early(sql: &dyn Sql, limit: u32) -> Result<Vec<(ContactId, Ended)>, Error> {
    let rows = sql.query(
        "SELECT * FROM enrollment WHERE reason <> ?1 ORDER BY ended_at DESC, enrollment_id LIMIT ?2",
        &[EndReason::Completed.as_str().into(), limit.into()],
    )?;
    rows.iter()
        .map(|row| Ok((row.parsed("contact_id", ContactId::parse)?, read(row)?)))
        .collect()
}

fn read(row: &Row) -> Result<Ended, Error> {
    let detail = row.opt_text("detail")?;
    Ok(Ended {
        id: row.parsed("enrollment_id", EnrollmentId::parse)?,
        journey: row.parsed("journey", JourneyId::parse)?,
        key: row.parsed("key", EnrollmentKey::parse)?,
        started_at: row.time("started_at")?,
        ended_at: row.time("ended_at")?,
        step: row.parsed("step", StepId::parse)?,
        reason: row.parsed("reason", |word| reason(word, detail))?,
        arms: arms(row.opt_text("arms")?.unwrap_or_default()),
        held_out: row.count("holdout")? > 0,
        goal_at: row.opt_time("goal_at")?,
    })
}

/// A goal that was reached after the run had ended. Writes 1 row, 0 when it is known already.
pub(super) fn goal_statement(contact: &ContactId, enrollment: &EnrollmentId, at: Timestamp) -> Statement {
    Statement::new(
        "UPDATE enrollment SET goal_at = ?3 WHERE contact_id = ?1 AND enrollment_id = ?2 AND goal_at IS NULL",
        vec![contact.into(), enrollment.into(), at.into()],
    )
}

/// `length=short,offer=none`: the arm of each split, by its step. Names hold neither sign.
fn arms_text(arms: &BTreeMap<StepId, String>) -> Option<String> {
    let texts: Vec<String> = arms.iter().map(|(split, arm)| format!("{split}={arm}")).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

fn arms(text: &str) -> BTreeMap<StepId, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .filter_map(|(split, arm)| Some((StepId::parse(split).ok()?, arm.to_owned())))
        .collect()
}

/// The part of a reason that its word does not say.
fn detail(reason: &EndReason) -> Option<&str> {
    match reason {
        EndReason::Exited(kind) => Some(kind.as_str()),
        EndReason::EnteredSegment(segment) | EndReason::LeftSegment(segment) => Some(segment.as_str()),
        EndReason::Completed
        | EndReason::TimedOut
        | EndReason::Restarted
        | EndReason::CheckoutTaken
        | EndReason::StepRemoved
        | EndReason::JourneyRemoved
        | EndReason::TooManyEnrollments
        | EndReason::StepLimit
        | EndReason::Merged
        | EndReason::Left
        | EndReason::GoalReached
        | EndReason::Stopped
        | EndReason::Retired => None,
    }
}

fn reason(word: &str, detail: Option<&str>) -> Result<EndReason, String> {
    let plain = [
        EndReason::Completed,
        EndReason::TimedOut,
        EndReason::Restarted,
        EndReason::CheckoutTaken,
        EndReason::StepRemoved,
        EndReason::JourneyRemoved,
        EndReason::TooManyEnrollments,
        EndReason::StepLimit,
        EndReason::Merged,
        EndReason::Left,
        EndReason::GoalReached,
        EndReason::Stopped,
        EndReason::Retired,
    ];
    let exited = EndReason::Exited(EventKind::from(detail.unwrap_or_default().to_owned()));
    let segment = detail.and_then(|detail| SegmentName::parse(detail).ok());
    let crossed = segment.into_iter().flat_map(|name| {
        [
            EndReason::EnteredSegment(name.clone()),
            EndReason::LeftSegment(name),
        ]
    });
    plain
        .into_iter()
        .chain([exited])
        .chain(crossed)
        .find(|reason| reason.as_str() == word)
        .ok_or_else(|| format!("`{word}` is not a reason"))
}
