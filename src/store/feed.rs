//! How the reading of each feed stands, in the Store object: a row a feed. Called by `turn::catalogue`.

use super::Error;
use super::error::to_json;
use super::sql::Sql;
use crate::domain::feed::FeedState;
use std::collections::BTreeMap;

/// Far more than an address, a reason and some times.
const MAX_BYTES: usize = 16 << 10;

/// All of them, by the feed's key. One that another version wrote and this one cannot read begins anew.
///
/// # Errors
/// When the statement fails.
pub fn all(sql: &dyn Sql) -> Result<BTreeMap<String, FeedState>, Error> {
    let rows = sql.query("SELECT feed, state FROM feed ORDER BY feed", &[])?;
    rows.iter()
        .map(|row| {
            let state = serde_json::from_str(row.text("state")?).unwrap_or_default();
            Ok((row.text("feed")?.to_owned(), state))
        })
        .collect()
}

/// Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, feed: &str, state: &FeedState) -> Result<(), Error> {
    let body = to_json("state of feed", feed, state, MAX_BYTES)?;
    sql.run(
        "INSERT INTO feed (feed, state) VALUES (?1, ?2) ON CONFLICT (feed) DO UPDATE SET state = excluded.state",
        &[feed.into(), body.into()],
    )
}

/// Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn remove(sql: &dyn Sql, feed: &str) -> Result<(), Error> {
    sql.run("DELETE FROM feed WHERE feed = ?1", &[feed.into()])
}
