//! What a warm-up has let out, day by day, in the Store object.
//!
//! Shards take places for the mails that they are about to claim, and give back those that no mail took: one row for
//! each time, not for each mail. A shard that dies in between has sent fewer than the day allows, never more.

use super::Error;
use super::sql::Sql;
use serde::{Deserialize, Serialize};

/// A day of a warm-up, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub day: String,
    pub taken: u32,
    pub limit: u32,
}

/// Takes up to `wanted` places of the day's limit. Writes 1 row, 0 when none is left.
///
/// # Errors
/// When a statement fails.
pub fn take(sql: &dyn Sql, day: &str, limit: u32, wanted: u32) -> Result<u32, Error> {
    let row = sql.first("SELECT taken FROM warm_up WHERE day = ?1", &[day.into()])?;
    let taken = row.map_or(Ok(0), |row| row.count("taken"))?;
    let granted = limit.saturating_sub(taken).min(wanted);
    if granted > 0 {
        sql.run(
            "INSERT INTO warm_up (day, taken, day_max) VALUES (?1, ?2, ?3)
             ON CONFLICT (day) DO UPDATE SET taken = taken + excluded.taken, day_max = excluded.day_max",
            &[day.into(), granted.into(), limit.into()],
        )?;
    }
    Ok(granted)
}

/// Gives places back that no mail took. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn give_back(sql: &dyn Sql, day: &str, places: u32) -> Result<(), Error> {
    sql.run(
        "UPDATE warm_up SET taken = max(taken - CAST(?2 AS INTEGER), 0) WHERE day = ?1",
        &[day.into(), places.into()],
    )
}

/// The last day that anything was taken of.
///
/// # Errors
/// When the statement fails.
pub fn latest(sql: &dyn Sql) -> Result<Option<Day>, Error> {
    let row = sql.first("SELECT * FROM warm_up ORDER BY day DESC LIMIT 1", &[])?;
    row.map(|row| {
        Ok(Day {
            day: row.text("day")?.to_owned(),
            taken: row.count("taken")?,
            limit: row.count("day_max")?,
        })
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::store;

    #[test]
    fn a_day_is_used_up_and_the_next_one_is_not() {
        let sql = store();
        assert_eq!(latest(&sql), Ok(None));
        assert_eq!(take(&sql, "2026-12-01", 50, 20), Ok(20));
        assert_eq!(
            sql.written_by(|sql| take(sql, "2026-12-01", 50, 120).map(drop)),
            1
        );
        assert_eq!(sql.written_by(|sql| take(sql, "2026-12-01", 50, 1).map(drop)), 0);
        give_back(&sql, "2026-12-01", 7).unwrap();
        assert_eq!(take(&sql, "2026-12-01", 50, 120), Ok(7));
        assert_eq!(take(&sql, "2026-12-02", 70, 3), Ok(3));
        let day = "2026-12-02".to_owned();
        let (taken, limit) = (3, 70);
        assert_eq!(latest(&sql), Ok(Some(Day { day, taken, limit })));
    }
}
