//! How offers go: a feed lists them no more, their shop took them away, or their feed left `store.yaml`. Called by
//! `turn::catalogue`.
//!
//! What went is out of stock at once and keeps its row for a while, so that it can be back in stock; then the row goes too.

use super::super::Error;
use super::super::error::to_json;
use super::super::sql::Sql;
use super::{MAX_BATCH_BYTES, count};
use crate::domain::offer::Offer;
use crate::domain::time::Timestamp;

/// Ids of a feed's offers that have not gone, after `after`, in order.
///
/// # Errors
/// When the statement fails.
pub fn listed(
    sql: &dyn Sql,
    (space, feed): (&str, &str),
    after: &str,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let rows = sql.query(
        "SELECT id FROM offer WHERE space = ?1 AND id > ?3 AND feed = ?2 AND gone_at IS NULL ORDER BY id LIMIT ?4",
        &[space.into(), feed.into(), after.into(), limit.into()],
    )?;
    rows.iter().map(|row| Ok(row.text("id")?.to_owned())).collect()
}

/// These are listed no more, but what a webhook told at `fresh` or later: it may be newer than the file that lacks it. Writes
/// 1 row each, and an index's; returns how many.
///
/// # Errors
/// When the statement fails.
pub fn unlist(
    sql: &dyn Sql,
    space: &str,
    ids: &[String],
    fresh: Timestamp,
    now: Timestamp,
) -> Result<u32, Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let ids = to_json("ids", space, &ids, MAX_BATCH_BYTES)?;
    // The time is cast: the object binds numbers as fractions.
    let rows = sql.query(
        "UPDATE offer SET available = 0, gone_at = CAST(?4 AS INTEGER)
         WHERE space = ?1 AND gone_at IS NULL AND id IN (SELECT value FROM json_each(?2))
           AND coalesce(doc ->> 'told_at', 0) < ?3
         RETURNING id",
        &[space.into(), ids.into(), fresh.into(), now.into()],
    )?;
    Ok(count(rows.len()))
}

// Two statements, as no index answers an OR of both. What was told later than this is let be.
const WITHDRAW_ITSELF: &str = "UPDATE offer
    SET available = 0, gone_at = CAST(?5 AS INTEGER),
        doc = iif(?4 IS NULL, doc, json_set(doc, '$.told_at', CAST(?4 AS INTEGER)))
    WHERE space = ?1 AND available = 1 AND id = ?2 AND id NOT IN (SELECT value FROM json_each(?3))
      AND (?4 IS NULL OR coalesce(doc ->> 'told_at', 0) <= ?4)";
// Named, as without figures of the tables the key's first column is thought to narrow as much.
const WITHDRAW_VARIANTS: &str = "UPDATE offer INDEXED BY offer_product
    SET available = 0, gone_at = CAST(?5 AS INTEGER),
        doc = iif(?4 IS NULL, doc, json_set(doc, '$.told_at', CAST(?4 AS INTEGER)))
    WHERE space = ?1 AND available = 1 AND doc ->> 'product' = ?2 AND id NOT IN (SELECT value FROM json_each(?3))
      AND (?4 IS NULL OR coalesce(doc ->> 'told_at', 0) <= ?4)";

/// A product of which a shop told all variants, those in `keep`, as of this time where it named one: the others are withdrawn.
/// Writes 1 row for each that was for sale, and two of indexes.
///
/// # Errors
/// When a statement fails.
pub fn withdraw_others(
    sql: &dyn Sql,
    (space, product): (&str, &str),
    keep: &[String],
    told_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Error> {
    let keep = to_json("ids", space, &keep, MAX_BATCH_BYTES)?;
    for text in [WITHDRAW_ITSELF, WITHDRAW_VARIANTS] {
        let keep = keep.as_str().into();
        sql.run(
            text,
            &[space.into(), product.into(), keep, told_at.into(), now.into()],
        )?;
    }
    Ok(())
}

/// The latest time at which a webhook told of a product or of its variants that are for sale.
///
/// # Errors
/// When the statement fails.
pub fn newest(sql: &dyn Sql, (space, product): (&str, &str)) -> Result<Option<Timestamp>, Error> {
    let row = sql.first(
        "SELECT max(told_at) AS told_at FROM (
           SELECT doc ->> 'told_at' AS told_at FROM offer WHERE space = ?1 AND id = ?2
           UNION ALL
           SELECT doc ->> 'told_at' FROM offer INDEXED BY offer_product
           WHERE space = ?1 AND available = 1 AND doc ->> 'product' = ?2)",
        &[space.into(), product.into()],
    )?;
    row.map_or(Ok(None), |row| row.opt_time("told_at"))
}

/// A product that its shop took away, as of this time. It leaves a mark, by which an older delivery that comes later is known,
/// also where nothing was known of it. Writes 1 row for the mark and 1 for each variant that was for sale, and their indexes';
/// none when it is told again.
///
/// # Errors
/// When a statement fails.
pub fn bury(
    sql: &dyn Sql,
    (space, product): (&str, &str),
    told_at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    let mark = Offer {
        id: product.to_owned(),
        told_at: Some(told_at),
        deleted: true,
        ..Offer::default()
    };
    let mark = to_json("offer", product, &mark, MAX_BATCH_BYTES)?;
    sql.run(
        "INSERT INTO offer (space, id, feed, available, gone_at, doc)
         VALUES (?1, ?2, '', 0, CAST(?5 AS INTEGER), ?3)
         ON CONFLICT (space, id) DO UPDATE
         SET available = 0, gone_at = coalesce(offer.gone_at, excluded.gone_at),
             doc = json_set(offer.doc, '$.told_at', CAST(?4 AS INTEGER), '$.deleted', json('true'))
         WHERE coalesce(offer.doc ->> 'told_at', 0) < ?4
            OR (offer.doc ->> 'told_at' = ?4 AND offer.doc ->> 'deleted' IS NULL)",
        &[
            space.into(),
            product.into(),
            mark.into(),
            told_at.into(),
            now.into(),
        ],
    )?;
    sql.run(
        WITHDRAW_VARIANTS,
        &[
            space.into(),
            product.into(),
            "[]".into(),
            told_at.into(),
            now.into(),
        ],
    )
}

const FORGET_GONE: &str = "DELETE FROM offer WHERE (space, id) IN
    (SELECT space, id FROM offer WHERE gone_at < ?1 LIMIT ?2)";

/// Takes away what went before this time, at most so many rows.
///
/// # Errors
/// When the statement fails.
pub fn forget_gone(sql: &dyn Sql, before: Timestamp, limit: u32) -> Result<(), Error> {
    sql.run(FORGET_GONE, &[before.into(), limit.into()])
}

/// Takes away offers of a feed that is read no more, at most so many. Returns how many.
///
/// # Errors
/// When the statement fails.
pub fn forget_feed(sql: &dyn Sql, feed: &str, limit: u32) -> Result<u32, Error> {
    let rows = sql.query(
        "DELETE FROM offer WHERE (space, id) IN (SELECT space, id FROM offer WHERE feed = ?1 LIMIT ?2) RETURNING id",
        &[feed.into(), limit.into()],
    )?;
    Ok(count(rows.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::store;
    use crate::store::sql::Value;

    /// A shop with 100,000 variants posts a product at each sale, and cron looks every five minutes.
    #[test]
    fn what_goes_is_found_without_reading_the_others() {
        let sql = store();
        let none = None::<Timestamp>;
        let product: Vec<Value> = vec!["".into(), "p".into(), "[]".into(), none.into(), none.into()];
        let since: Vec<Value> = vec![0_u32.into(), 9_u32.into()];
        for (text, params, expected) in [
            (
                WITHDRAW_ITSELF,
                &product,
                "SEARCH offer USING PRIMARY KEY (space=? AND id=?)",
            ),
            (
                WITHDRAW_VARIANTS,
                &product,
                "SEARCH offer USING INDEX offer_product (space=? AND <expr>=?)",
            ),
            (
                FORGET_GONE,
                &since,
                "SEARCH offer USING COVERING INDEX offer_gone (gone_at<?)",
            ),
        ] {
            let plan = sql
                .query(format!("EXPLAIN QUERY PLAN {text}").leak(), params)
                .unwrap();
            let plan: Vec<&str> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
            assert!(plan.contains(&expected), "{plan:?}");
        }
    }
}
