//! The settings of the whole store, in the Store object. Used by `edge`; shards hold copies in `meta`.

use super::Error;
use super::sql::Sql;

/// The keys of `setting`. The text form is stored and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The number of shards, fixed at install.
    Shards,
    /// Fixed at install.
    Jurisdiction,
    /// Fingerprint of `HASH_KEY`, fixed at install.
    HashKey,
    Switches,
    /// The stop switch alone, as an older version kept it.
    Stopped,
    /// Offset of the development clock, in milliseconds.
    ClockOffset,
    CatalogHash,
    /// The news that are being told to the shards.
    News,
}

impl Key {
    const fn name(&self) -> &'static str {
        match self {
            Self::Shards => "shards",
            Self::Jurisdiction => "jurisdiction",
            Self::HashKey => "hash_key",
            Self::Switches => "switches",
            Self::Stopped => "stopped",
            Self::ClockOffset => "clock_offset",
            Self::CatalogHash => "catalog_hash",
            Self::News => "news",
        }
    }
}

/// # Errors
/// When the statement fails.
pub fn get(sql: &dyn Sql, key: &Key) -> Result<Option<String>, Error> {
    let row = sql.first("SELECT value FROM setting WHERE key = ?1", &[key.name().into()])?;
    row.map(|row| row.text("value").map(str::to_owned)).transpose()
}

/// Every setting with its stored name, sorted: what the operator pages show.
///
/// # Errors
/// When the statement fails.
pub fn all(sql: &dyn Sql) -> Result<Vec<(String, String)>, Error> {
    let rows = sql.query("SELECT key, value FROM setting ORDER BY key", &[])?;
    rows.iter()
        .map(|row| Ok((row.text("key")?.to_owned(), row.text("value")?.to_owned())))
        .collect()
}

/// Writes 1 row, 0 when the value is held already.
///
/// # Errors
/// When the statement fails.
pub fn set(sql: &dyn Sql, key: &Key, value: &str) -> Result<(), Error> {
    sql.run(
        "INSERT INTO setting (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        &[key.name().into(), value.into()],
    )
}

/// For what is fixed at install: the value that was set first, which is `value` on the first call.
/// Writes 1 row then, 0 ever after.
///
/// # Errors
/// When the statement fails.
pub fn set_once(sql: &dyn Sql, key: &Key, value: &str) -> Result<String, Error> {
    if let Some(held) = get(sql, key)? {
        return Ok(held);
    }
    set(sql, key, value)?;
    Ok(value.to_owned())
}

/// Writes 1 row, 0 when there is none.
///
/// # Errors
/// When the statement fails.
pub fn remove(sql: &dyn Sql, key: &Key) -> Result<(), Error> {
    sql.run("DELETE FROM setting WHERE key = ?1", &[key.name().into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures;

    #[test]
    fn what_is_fixed_at_install_stays() {
        let sql = fixtures::store();
        assert_eq!(set_once(&sql, &Key::Shards, "4").as_deref(), Ok("4"));
        assert_eq!(set_once(&sql, &Key::Shards, "8").as_deref(), Ok("4"));
        assert_eq!(get(&sql, &Key::Shards), Ok(Some("4".to_owned())));
    }

    #[test]
    fn settings_come_and_go() {
        let sql = fixtures::store();
        let stopped = Key::Stopped;
        set(&sql, &stopped, "1").unwrap();
        assert_eq!(sql.written_by(|sql| set(sql, &stopped, "1")), 0);
        let names: Vec<String> = all(&sql).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["schema", "stopped"]);
        remove(&sql, &stopped).unwrap();
        assert_eq!(get(&sql, &stopped), Ok(None));
    }
}
