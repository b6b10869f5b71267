//! Databases lent to worlds: to make one costs more than what many a story plays, so a world that is over gives its own
//! back, emptied, to the next one of the thread.

use super::error::Failure;
use crate::store::migrate::{SHARD, STORE, Schema, migrate, stamp};
use crate::store::rusqlite::Sqlite;
use crate::store::{self, Row, Sql, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// Most databases kept for one thread: those of two stores with sixteen shards.
const MAX_KEPT: usize = 34;

thread_local! {
    static KEPT: RefCell<Vec<(Class, Rc<Sqlite>)>> = const { RefCell::new(Vec::new()) };
}

/// Whose tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Shard,
    Store,
}

/// A database with tables and without rows, for as long as the value lives.
pub struct Lent {
    class: Class,
    sql: Rc<Sqlite>,
    /// Rows written in earlier lives.
    before: u64,
}

impl Class {
    const fn schema(self) -> &'static Schema {
        match self {
            Self::Shard => &SHARD,
            Self::Store => &STORE,
        }
    }
}

impl Lent {
    /// # Errors
    /// When SQLite cannot start.
    pub(super) fn new(class: Class) -> Result<Self, Failure> {
        let kept = KEPT.with_borrow_mut(|kept| {
            let at = kept.iter().position(|(held, _)| *held == class)?;
            Some(kept.swap_remove(at).1)
        });
        let sql = match kept {
            Some(sql) => sql,
            None => {
                let sql = Sqlite::in_memory()?;
                migrate(&sql, class.schema())?;
                Rc::new(sql)
            }
        };
        let before = sql.rows_written();
        Ok(Self { class, sql, before })
    }

    /// One storage turn: see [`Sqlite::turn`].
    pub(super) fn turn<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        self.sql.turn(work)
    }

    pub(super) fn find_text(&self, text: &str) -> Result<Option<Row>, store::Error> {
        self.sql.find_text(text)
    }

    pub(super) fn count_rows(&self) -> Result<usize, store::Error> {
        self.sql.count_rows()
    }

    fn empty(&self) -> Result<(), store::Error> {
        self.sql.clear()?;
        stamp(&*self.sql, self.class.schema())
    }

    /// Table rows written in this life.
    pub fn rows_written(&self) -> u64 {
        self.sql.rows_written() - self.before
    }
}

impl Sql for Lent {
    fn query(&self, text: &'static str, params: &[Value]) -> Result<Vec<Row>, store::Error> {
        self.sql.query(text, params)
    }

    fn whole(&self, work: &mut dyn FnMut() -> bool) -> Result<(), store::Error> {
        self.sql.whole(work)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.rows_written() > 0 && self.empty().is_err() {
            // One that cannot be emptied is not lent again.
            return;
        }
        // A thread that ends keeps nothing.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < MAX_KEPT {
                kept.push((self.class, Rc::clone(&self.sql)));
            }
        });
    }
}
