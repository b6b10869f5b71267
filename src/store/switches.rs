//! The switches: the `Store`'s own in `setting`, each shard's copy in `meta`. Used by `edge` and by a shard's turns.
//!
//! Both understand the single stop flag that an older version wrote, until the first change replaces it.

use super::Error;
use super::error::to_json;
use super::sql::Sql;
use super::{meta, setting};
use crate::domain::switches::Switches;

/// Thousands of paused journeys with their reasons.
const MAX_BYTES: usize = 1_000_000;

/// The `Store`'s.
///
/// # Errors
/// When the statement fails or what is stored cannot be read.
pub fn of_store(sql: &dyn Sql) -> Result<Switches, Error> {
    match setting::get(sql, &setting::Key::Switches)? {
        Some(text) => read(&text),
        None => Ok(flag(setting::get(sql, &setting::Key::Stopped)?.as_deref())),
    }
}

/// Writes 1 row, 0 when they are held already; 1 more for the flag of an older version, once.
///
/// # Errors
/// When a statement fails.
pub fn keep(sql: &dyn Sql, switches: &Switches) -> Result<(), Error> {
    setting::set(sql, &setting::Key::Switches, &written(switches)?)?;
    setting::remove(sql, &setting::Key::Stopped)
}

/// The text of a shard's copy, by which the edge knows what it has read before; none where nothing was ever switched.
///
/// # Errors
/// When the statement fails.
pub fn text_of_shard(sql: &dyn Sql) -> Result<Option<String>, Error> {
    match meta::get(sql, meta::Key::Switches)? {
        None => meta::get(sql, meta::Key::Stopped)?
            .map(|stopped| written(&flag(Some(&stopped))))
            .transpose(),
        text => Ok(text),
    }
}

/// A shard's copy.
///
/// # Errors
/// When the statement fails.
pub fn of_shard(sql: &dyn Sql) -> Result<Switches, Error> {
    Ok(read_copy(text_of_shard(sql)?.as_deref()))
}

/// What a shard's copy says. One that cannot be read stops all mail until cron has told the shard again.
pub fn read_copy(text: Option<&str>) -> Switches {
    let Some(text) = text else {
        return Switches::default();
    };
    read(text).unwrap_or_else(|_| flag(Some("1")))
}

/// Takes over what the `Store` says, unless something newer is held. Returns the version that is held then.
/// Writes 1 row, 0 when they are held already; 1 more for the flag of an older version, once.
///
/// # Errors
/// When a statement fails.
pub fn take_over(sql: &dyn Sql, told: &Switches) -> Result<u64, Error> {
    let held = of_shard(sql)?;
    if held.version > told.version {
        return Ok(held.version);
    }
    // A shard that was never told anything holds what says nothing.
    if held != *told {
        meta::set(sql, meta::Key::Switches, &written(told)?)?;
        meta::remove(sql, meta::Key::Stopped)?;
    }
    Ok(told.version)
}

fn read(text: &str) -> Result<Switches, Error> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt {
        what: "switches",
        id: String::new(),
        problem: error.to_string(),
    })
}

fn written(switches: &Switches) -> Result<String, Error> {
    to_json("switches", "", switches, MAX_BYTES)
}

fn flag(stopped: Option<&str>) -> Switches {
    Switches {
        stopped: stopped == Some("1"),
        ..Switches::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::switches::Change;
    use crate::domain::time::Timestamp;
    use crate::store::fixtures;

    fn stopped(before: &Switches, stopped: bool) -> Switches {
        let change = Change {
            stopped: Some(stopped),
            ..Change::default()
        };
        before.changed(&change, Timestamp::from_seconds(1_790_000_000))
    }

    #[test]
    fn the_flag_of_an_older_version_holds_until_the_first_change() {
        let (store, shard) = (fixtures::store(), fixtures::shard());
        setting::set(&store, &setting::Key::Stopped, "1").unwrap();
        meta::set(&shard, meta::Key::Stopped, "1").unwrap();
        let old = of_store(&store).unwrap();
        assert!(old.stopped && of_shard(&shard).unwrap().stopped);
        assert_eq!(shard.written_by(|sql| take_over(sql, &old).map(drop)), 0);
        let new = stopped(&old, false);
        assert_eq!(store.written_by(|sql| keep(sql, &new)), 2);
        assert_eq!(shard.written_by(|sql| take_over(sql, &new).map(drop)), 2);
        assert_eq!((of_store(&store), of_shard(&shard)), (Ok(new.clone()), Ok(new)));
    }

    #[test]
    fn what_is_told_late_overwrites_nothing_newer_and_what_is_told_again_writes_nothing() {
        let shard = fixtures::shard();
        let older = stopped(&Switches::default(), true);
        let newer = stopped(&older, false);
        assert_eq!(take_over(&shard, &newer), Ok(2));
        assert_eq!(take_over(&shard, &older), Ok(2));
        assert_eq!(of_shard(&shard), Ok(newer.clone()));
        assert_eq!(shard.written_by(|sql| take_over(sql, &newer).map(drop)), 0);
    }

    #[test]
    fn a_copy_that_cannot_be_read_stops_all_mail_until_it_is_told_again() {
        let shard = fixtures::shard();
        meta::set(&shard, meta::Key::Switches, "{").unwrap();
        assert!(of_shard(&shard).unwrap().stopped);
        assert_eq!(take_over(&shard, &Switches::default()), Ok(0));
        assert_eq!(of_shard(&shard), Ok(Switches::default()));
    }

    #[test]
    fn a_shard_that_is_told_nothing_new_writes_nothing() {
        let shard = fixtures::shard();
        assert_eq!(
            shard.written_by(|sql| take_over(sql, &Switches::default()).map(drop)),
            0
        );
    }
}
