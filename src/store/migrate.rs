//! Brings an object's tables to the newest version. Called once when the object starts, before anything else.
//!
//! A step is a file in `schema/` and never changes after a release: a later need is a further file, and it only
//! adds. An older Worker can therefore run on newer tables, which is what a rollback does.

use super::Error;
use super::sql::Sql;

/// The tables of one class of object.
#[derive(Debug)]
pub struct Schema {
    /// Step n brings version n - 1 to version n.
    steps: &'static [&'static str],
    /// Whether the table with the version row exists.
    exists: &'static str,
    read: &'static str,
    write: &'static str,
}

/// A shard; its version is a row of `meta`.
pub const SHARD: Schema = Schema {
    steps: &[
        include_str!("schema/0001_shard.sql"),
        include_str!("schema/0002_shard.sql"),
        include_str!("schema/0003_shard.sql"),
        include_str!("schema/0004_shard.sql"),
        include_str!("schema/0005_shard.sql"),
        include_str!("schema/0006_shard.sql"),
        include_str!("schema/0007_shard.sql"),
    ],
    exists: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'",
    read: "SELECT value FROM meta WHERE key = 'schema'",
    write: "INSERT INTO meta (key, value) VALUES ('schema', ?1) \
            ON CONFLICT (key) DO UPDATE SET value = excluded.value",
};

/// The Store object; its version is a row of `setting`.
pub const STORE: Schema = Schema {
    steps: &[
        include_str!("schema/0001_store.sql"),
        include_str!("schema/0002_store.sql"),
        include_str!("schema/0003_store.sql"),
        include_str!("schema/0004_store.sql"),
        include_str!("schema/0005_store.sql"),
    ],
    exists: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'setting'",
    read: "SELECT value FROM setting WHERE key = 'schema'",
    write: "INSERT INTO setting (key, value) VALUES ('schema', ?1) \
            ON CONFLICT (key) DO UPDATE SET value = excluded.value",
};

/// Applies the steps that are missing and returns how many. Writes nothing when there are none.
///
/// # Errors
/// When a statement fails or the version row is not a number. The steps of one call commit together.
pub fn migrate(sql: &dyn Sql, schema: &Schema) -> Result<usize, Error> {
    let held = version(sql, schema)?;
    let missing = schema.steps.get(held..).unwrap_or_default();
    for step in missing {
        for statement in statements(step) {
            sql.run(statement, &[])?;
        }
    }
    if !missing.is_empty() {
        stamp(sql, schema)?;
    }
    Ok(missing.len())
}

/// Writes down that the tables are of the newest version.
///
/// # Errors
/// When the statement fails.
pub fn stamp(sql: &dyn Sql, schema: &Schema) -> Result<(), Error> {
    sql.run(schema.write, &[schema.steps.len().to_string().into()])
}

fn version(sql: &dyn Sql, schema: &Schema) -> Result<usize, Error> {
    if sql.first(schema.exists, &[])?.is_none() {
        return Ok(0);
    }
    match sql.first(schema.read, &[])? {
        Some(row) => row.parsed("value", str::parse::<usize>),
        None => Ok(0),
    }
}

/// The statements of a file: each ends with a semicolon at the end of a line.
fn statements(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.split_inclusive(";\n")
        .filter(|part| part.trim_end().ends_with(';'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery_state::DeliveryState;
    use crate::store::fixtures::{contact_id, message_id};
    use crate::store::message;
    use crate::store::rusqlite::Sqlite;

    #[test]
    fn a_second_run_does_nothing() {
        for schema in [SHARD, STORE] {
            let sql = Sqlite::in_memory().unwrap();
            assert_eq!(migrate(&sql, &schema), Ok(schema.steps.len()));
            let written = sql.rows_written();
            assert_eq!(migrate(&sql, &schema), Ok(0));
            assert_eq!(sql.rows_written(), written);
        }
    }

    #[test]
    fn a_newer_version_is_left_alone() {
        let sql = Sqlite::in_memory().unwrap();
        migrate(&sql, &SHARD).unwrap();
        (&sql as &dyn Sql).run(SHARD.write, &["99".into()]).unwrap();
        assert_eq!(migrate(&sql, &SHARD), Ok(0));
    }

    #[test]
    fn what_an_older_version_wrote_is_kept() {
        let old = Schema {
            steps: &SHARD.steps[..1],
            ..SHARD
        };
        let sql = Sqlite::in_memory().unwrap();
        assert_eq!(migrate(&sql, &old), Ok(1));
        let contact = contact_id("8c");
        (&sql as &dyn Sql)
            .run(
                "INSERT INTO message VALUES (?1, ?2, 'accepted', 1, 2, 3, 1, 'welcome', ?3, 'hello', 'hello', '', \
                 'marketing', 'marketing', 'resend', 're_1', NULL)",
                &[
                    (&contact).into(),
                    (&message_id(&contact, "01")).into(),
                    "ab".repeat(12).into(),
                ],
            )
            .unwrap();
        assert_eq!(migrate(&sql, &SHARD), Ok(SHARD.steps.len() - 1));
        let kept = message::get(&sql, &message_id(&contact, "01")).unwrap().unwrap();
        assert_eq!(kept.message.provider_id.as_deref(), Some("re_1"));
        assert_eq!(kept.delivery, DeliveryState::default());
    }

    #[test]
    fn no_statement_of_a_file_is_lost() {
        for schema in [SHARD, STORE] {
            for step in schema.steps {
                let creates = step
                    .lines()
                    .filter(|line| line.starts_with("CREATE ") || line.starts_with("ALTER "))
                    .count();
                assert_eq!(statements(step).count(), creates);
            }
        }
    }
}
