//! Products that webhooks told of, as lines of the logbook: read from the rows of their offers, and no row more. Called by
//! `turn::catalogue`.

use super::super::Error;
use super::super::error::to_json;
use super::super::sql::{Row, Sql};
use super::MAX_BATCH_BYTES;
use crate::domain::logbook::{Asked, Line, Verdict};

/// What such a line says it was.
const TOPIC: &str = "Product";
const TAKEN_AWAY: &str = "its shop took it away";

/// The newest lines before a place, one for each product: the last that its shop told of it, by the shop's own time. Reads every
/// offer: no index serves whoever looks now and then.
///
/// # Errors
/// When the statement fails.
pub fn page(sql: &dyn Sql, asked: &Asked) -> Result<Vec<Line>, Error> {
    if asked.verdict.is_some_and(|verdict| verdict != Verdict::Accepted) {
        return Ok(Vec::new());
    }
    let sources = to_json("sources", "", &asked.sources, MAX_BATCH_BYTES)?;
    let rows = sql.query(
        "SELECT space, id, at, deleted FROM
           (SELECT space, space || ':product:' || coalesce(doc ->> 'product', id) AS id,
              max(doc ->> 'told_at') AS at,
              coalesce(max(doc ->> 'told_at') FILTER (WHERE doc ->> 'deleted') = max(doc ->> 'told_at'), 0) AS deleted
            FROM offer WHERE space IN (SELECT value FROM json_each(?1)) AND doc ->> 'told_at' IS NOT NULL
            GROUP BY 1, 2)
         WHERE (at, id) < (?2, ?3) ORDER BY at DESC, id DESC LIMIT ?4",
        &[
            sources.into(),
            asked.before.at.into(),
            asked.before.id.as_str().into(),
            asked.limit.into(),
        ],
    )?;
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> Result<Line, Error> {
    let reason = if row.count("deleted")? > 0 { TAKEN_AWAY } else { "" };
    let (at, source, id) = (row.time("at")?, row.text("space")?, row.text("id")?);
    Ok(Line::new(at, source, TOPIC, id, Verdict::Accepted, reason))
}
