//! Where the polls of shops stand, in the Store object. Used by `edge` at each tick of cron.
//!
//! A row is written when a look begins and when it ends: what ends with the process that asks is not asked at every tick.

use super::Error;
use super::error::to_json;
use super::sql::Sql;
use crate::domain::time::Timestamp;
use crate::engine::poll::{Look, Poll, Told};
use std::collections::BTreeMap;

/// Far more than some times, a reason and the mark of a page.
const MAX_BYTES: usize = 16 << 10;

/// The page to ask for now of this list; none before its time. Writes 1 row then, else none.
///
/// # Errors
/// When a statement fails or the row cannot be read.
pub fn begin(sql: &dyn Sql, feed: &str, now: Timestamp) -> Result<Option<Look>, Error> {
    let mut poll = get(sql, feed)?.unwrap_or_else(|| Poll::first(now));
    let look = poll.begin(feed, now);
    if look.is_some() {
        put(sql, feed, &poll)?;
    }
    Ok(look)
}

/// Takes over what came of a look, and says what to ask for next. Writes 1 row; none for a look that is not due any more.
///
/// # Errors
/// When a statement fails or the row cannot be read.
pub fn told(
    sql: &dyn Sql,
    feed: &str,
    look: &Look,
    told: Told,
    now: Timestamp,
) -> Result<Option<Look>, Error> {
    let Some(held) = get(sql, feed)? else {
        return Ok(None);
    };
    let mut poll = held.clone();
    let next = poll.told(feed, look, told, now);
    if poll != held {
        put(sql, feed, &poll)?;
    }
    Ok(next)
}

/// All of them, by list. One that another version wrote and this one cannot read is not shown: cron asks for this, and
/// must go on; the poll itself says what is wrong.
///
/// # Errors
/// When the statement fails.
pub fn all(sql: &dyn Sql) -> Result<BTreeMap<String, Poll>, Error> {
    let rows = sql.query("SELECT feed, body FROM poll", &[])?;
    let mut polls = BTreeMap::new();
    for row in &rows {
        if let Ok(poll) = row.json("body") {
            polls.insert(row.text("feed")?.to_owned(), poll);
        }
    }
    Ok(polls)
}

fn get(sql: &dyn Sql, feed: &str) -> Result<Option<Poll>, Error> {
    let row = sql.first("SELECT body FROM poll WHERE feed = ?1", &[feed.into()])?;
    row.map(|row| row.json("body")).transpose()
}

fn put(sql: &dyn Sql, feed: &str, poll: &Poll) -> Result<(), Error> {
    let body = to_json("poll of", feed, poll, MAX_BYTES)?;
    sql.run(
        "INSERT INTO poll (feed, body) VALUES (?1, ?2)
         ON CONFLICT (feed) DO UPDATE SET body = excluded.body",
        &[feed.into(), body.into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{at, store};

    const FEED: &str = "woocommerce/orders";

    fn page() -> Told {
        Told::Page {
            next: None,
            shop_time: None,
            listed: 0,
            new: 0,
        }
    }

    #[test]
    fn a_look_costs_two_rows_and_a_tick_that_is_not_due_none() {
        let sql = store();
        let mut look = None;
        assert_eq!(
            sql.written_by(|sql| begin(sql, FEED, at(0)).map(|due| look = due)),
            1
        );
        let look = look.unwrap();
        assert_eq!(sql.written_by(|sql| begin(sql, FEED, at(1)).map(|_| ())), 0);
        assert_eq!(
            sql.written_by(|sql| told(sql, FEED, &look, page(), at(2)).map(|_| ())),
            1
        );
        assert_eq!(
            sql.written_by(|sql| told(sql, FEED, &look, page(), at(3)).map(|_| ())),
            0
        );
        assert_eq!(sql.written_by(|sql| begin(sql, FEED, at(300)).map(|_| ())), 0);
        let held = all(&sql).unwrap();
        assert_eq!(held.keys().collect::<Vec<_>>(), [FEED]);
        assert!(begin(&sql, FEED, at(900)).unwrap().is_some());
    }

    #[test]
    fn of_a_list_that_nobody_began_nothing_is_taken_over() {
        let sql = store();
        let look = Poll::first(at(0)).begin(FEED, at(0)).unwrap();
        assert_eq!(told(&sql, FEED, &look, page(), at(0)), Ok(None));
        assert_eq!(all(&sql), Ok(BTreeMap::new()));
    }
}
