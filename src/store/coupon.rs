//! Pools of coupon codes, in the Store object: imported once, given out once each.
//!
//! Called by the `Store` for shards and operators. A code goes to an errand and stays with it, so that a try that is
//! made again after a crash gets the same one.

use super::Error;
use super::sql::Sql;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How many codes a pool holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub codes: u32,
    pub left: u32,
}

/// Adds codes to a pool and returns how many were new. Writes 2 rows a new code.
///
/// # Errors
/// When the statement fails.
pub fn import(sql: &dyn Sql, pool: &str, codes: &[String]) -> Result<u32, Error> {
    let before = size(sql, pool)?;
    let list = serde_json::to_string(codes).unwrap_or_default();
    sql.run(
        "INSERT INTO coupon (pool, code) SELECT ?1, value FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING",
        &[pool.into(), list.into()],
    )?;
    Ok(size(sql, pool)?.saturating_sub(before))
}

/// The code of an errand: the one it has, else the first that is left; none when the pool is empty.
///
/// # Errors
/// When a statement fails.
pub fn take(sql: &dyn Sql, pool: &str, errand: &str, now: Timestamp) -> Result<Option<String>, Error> {
    let held = sql.first("SELECT code FROM coupon WHERE errand = ?1", &[errand.into()])?;
    if let Some(row) = held {
        return row.text("code").map(|code| Some(code.to_owned()));
    }
    let free = sql.first(
        "SELECT code FROM coupon WHERE pool = ?1 AND errand IS NULL ORDER BY code LIMIT 1",
        &[pool.into()],
    )?;
    let Some(row) = free else { return Ok(None) };
    let code = row.text("code")?.to_owned();
    sql.run(
        "UPDATE coupon SET errand = ?3, taken_at = ?4 WHERE pool = ?1 AND code = ?2",
        &[pool.into(), code.as_str().into(), errand.into(), now.into()],
    )?;
    Ok(Some(code))
}

/// Every pool with what it holds, by name. Reads every row.
///
/// # Errors
/// When the statement fails.
pub fn pools(sql: &dyn Sql) -> Result<Vec<Pool>, Error> {
    let rows = sql.query(
        "SELECT pool, count(*) AS codes, count(*) - count(errand) AS unused FROM coupon GROUP BY pool ORDER BY pool",
        &[],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Pool {
                name: row.text("pool")?.to_owned(),
                codes: row.count("codes")?,
                left: row.count("unused")?,
            })
        })
        .collect()
}

fn size(sql: &dyn Sql, pool: &str) -> Result<u32, Error> {
    let row = sql.first("SELECT count(*) AS n FROM coupon WHERE pool = ?1", &[pool.into()])?;
    row.map_or(Ok(0), |row| row.count("n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::{STORE, migrate};
    use crate::store::rusqlite::Sqlite;

    fn codes(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_errand_gets_one_code_and_keeps_it() {
        let sql = Sqlite::in_memory().unwrap();
        migrate(&sql, &STORE).unwrap();
        assert_eq!(import(&sql, "comeback", &codes(&["B", "A", "A"])), Ok(2));
        assert_eq!(import(&sql, "comeback", &codes(&["A", "B"])), Ok(0));
        let now = Timestamp::from_seconds(9);
        let take = |errand| take(&sql, "comeback", errand, now).unwrap();
        assert_eq!(take("e1").as_deref(), Some("A"));
        let written = sql.rows_written();
        assert_eq!(take("e1").as_deref(), Some("A"));
        assert_eq!(sql.rows_written(), written, "asked again, nothing is written");
        assert_eq!(take("e2").as_deref(), Some("B"));
        assert_eq!(take("e3"), None);
        import(&sql, "comeback", &codes(&["C"])).unwrap();
        assert_eq!(take("e3").as_deref(), Some("C"));
        let pool = Pool {
            name: "comeback".to_owned(),
            codes: 3,
            left: 0,
        };
        assert_eq!(pools(&sql), Ok(vec![pool]));
    }
}
