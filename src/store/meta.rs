//! What a shard knows of itself: its installed place, what it has swept, where pruning stands. Used by `edge`.

use super::Error;
use super::sql::Sql;

/// The keys of `meta`. One more is one more variant; the text form is stored and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The name of this shard, as `g1-003`: an object that is called by another name refuses.
    Shard,
    /// The number of shards it was installed with.
    Shards,
    Jurisdiction,
    /// Fingerprint of the `HASH_KEY` it was installed with.
    HashKey,
    /// Hash of the catalog that the last complete sweep was made for.
    CatalogHash,
    /// The last contact that the running sweep has seen.
    SweepCursor,
    /// Where [`super::retention::prune`] stands.
    PruneCursor,
    /// The shard's copy of the switches.
    Switches,
    /// The stop switch alone, as an older version kept it.
    Stopped,
    /// How many mails the throttled journeys sent in their present stretch of time.
    Throttles,
    /// Public address of the Worker, as the last request to it had it: links in mails need it.
    Origin,
    /// How far the telling of news has come.
    News,
    /// What became of marketing, as it was counted last.
    MarketingCount,
}

impl Key {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shard => "shard",
            Self::Shards => "shards",
            Self::Jurisdiction => "jurisdiction",
            Self::HashKey => "hash_key",
            Self::CatalogHash => "catalog_hash",
            Self::SweepCursor => "sweep_cursor",
            Self::PruneCursor => "prune_cursor",
            Self::Switches => "switches",
            Self::Stopped => "stopped",
            Self::Throttles => "throttles",
            Self::Origin => "origin",
            Self::News => "news",
            Self::MarketingCount => "marketing_count",
        }
    }
}

/// # Errors
/// When the statement fails.
pub fn get(sql: &dyn Sql, key: Key) -> Result<Option<String>, Error> {
    let row = sql.first("SELECT value FROM meta WHERE key = ?1", &[key.as_str().into()])?;
    row.map(|row| row.text("value").map(str::to_owned)).transpose()
}

/// Writes 1 row, 0 when the value is held already.
///
/// # Errors
/// When the statement fails.
pub fn set(sql: &dyn Sql, key: Key, value: &str) -> Result<(), Error> {
    sql.run(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        &[key.as_str().into(), value.into()],
    )
}

/// Writes 1 row, 0 when there is none.
///
/// # Errors
/// When the statement fails.
pub fn remove(sql: &dyn Sql, key: Key) -> Result<(), Error> {
    sql.run("DELETE FROM meta WHERE key = ?1", &[key.as_str().into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures;

    #[test]
    fn a_value_is_written_once() {
        let sql = fixtures::shard();
        assert_eq!(get(&sql, Key::Shards), Ok(None));
        set(&sql, Key::Shards, "4").unwrap();
        assert_eq!(get(&sql, Key::Shards), Ok(Some("4".to_owned())));
        assert_eq!(sql.written_by(|sql| set(sql, Key::Shards, "4")), 0);
        assert_eq!(sql.written_by(|sql| set(sql, Key::Shards, "8")), 1);
        remove(&sql, Key::Shards).unwrap();
        assert_eq!(get(&sql, Key::Shards), Ok(None));
    }
}
