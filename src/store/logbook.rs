//! The logbook of a shard: what became of what sources delivered, newest first. Used by `turn::logbook`.
//!
//! What left a row anyway is read from that one: an event in the history, one that waits for its person, a call that was
//! refused, a document that could not be had, a request about personal data. No index serves this: whoever asks reads the
//! rows of the shard once, and a webhook writes none more. Only what leaves nothing else has a row in `delivery`.

use super::Error;
use super::error::to_json;
use super::parked::PARKED_FOR;
use super::sql::{Row, Sql, Value};
use crate::domain::logbook::{Asked, Line, Verdict};
use crate::domain::time::Delay;

/// How long such rows are kept, and how many of them in a shard.
pub const KEPT_FOR: Delay = Delay::from_days(30);
pub const MAX_KEPT: u32 = 2_000;
/// Rows that go at once when there are too many.
const GOING: u32 = 200;
/// Most lines of one topic and verdict in an hour: a shop that posts each change of its stock fills neither the log nor
/// the bill.
pub const MAX_IN_AN_HOUR: u32 = 60;
/// Longest list of sources.
const MAX_SOURCES_BYTES: usize = 4096;

/// Keeps a line. Writes 1 row; none for a delivery that has one, or of whose topic enough are kept; and 1 for each of the
/// oldest that go when there are too many.
///
/// # Errors
/// When a statement fails.
pub fn keep(sql: &dyn Sql, line: &Line) -> Result<(), Error> {
    let key = format!("{}:{}:{}", line.source, line.topic, line.id);
    let hour_ago = line.received_at.minus(Delay::from_hours(1));
    let row = sql.first(
        "SELECT count(*) AS n, coalesce(sum(id = ?1), 0) AS same,
           coalesce(sum(source = ?2 AND topic = ?3 AND verdict = ?4 AND at > ?5), 0) AS lately
         FROM delivery",
        &[
            key.as_str().into(),
            line.source.as_str().into(),
            line.topic.as_str().into(),
            line.verdict.as_str().into(),
            hour_ago.into(),
        ],
    )?;
    let counts = row.map_or(Ok((0, 0, 0)), |row| {
        Ok::<_, Error>((row.count("n")?, row.count("same")?, row.count("lately")?))
    });
    let (held, same, lately) = counts?;
    if same > 0 || lately >= MAX_IN_AN_HOUR {
        return Ok(());
    }
    if held >= MAX_KEPT {
        sql.run(
            "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery ORDER BY at, id LIMIT ?1)",
            &[GOING.into()],
        )?;
    }
    sql.run(
        "INSERT INTO delivery (id, at, source, topic, name, verdict, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO NOTHING",
        &[
            key.into(),
            line.received_at.into(),
            line.source.as_str().into(),
            line.topic.as_str().into(),
            line.id.as_str().into(),
            line.verdict.as_str().into(),
            line.reason.as_deref().into(),
        ],
    )
}

/// The newest lines before a place.
///
/// # Errors
/// When a statement fails or a row cannot be read.
pub fn page(sql: &dyn Sql, asked: &Asked) -> Result<Vec<Line>, Error> {
    let heads: Vec<String> = asked.sources.iter().map(|source| format!("{source}:")).collect();
    let heads = to_json("sources", "", &heads, MAX_SOURCES_BYTES)?;
    let params: [Value; 4] = [
        asked.before.at.into(),
        asked.before.id.as_str().into(),
        heads.into(),
        asked.limit.into(),
    ];
    let mut lines = Vec::new();
    for (verdict, statement) in PARTS {
        if asked
            .verdict
            .is_none_or(|wanted| verdict.is_none_or(|of| of == wanted))
        {
            for row in sql.query(statement, &params)? {
                lines.push(read(&row, verdict)?);
            }
        }
    }
    lines.retain(|line| asked.verdict.is_none_or(|wanted| line.verdict == wanted));
    lines.sort_by(|one, other| (other.received_at, &other.id).cmp(&(one.received_at, &one.id)));
    lines.truncate(usize::try_from(asked.limit).unwrap_or(usize::MAX));
    Ok(lines)
}

/// The verdict of a table's rows, and the statement; none where each row says its own. `?1` and `?2` are the place, `?3`
/// what ids begin with, `?4` the most rows.
const PARTS: [(Option<Verdict>, &str); 6] = [
    // The inner one reads no bodies but those that are shown.
    (
        Some(Verdict::Accepted),
        "SELECT page.event_id AS id, page.received_at AS at, event.kind AS topic, NULL AS reason, NULL AS verdict,
           json_extract(event.body, '$.polled') AS polled
         FROM (SELECT contact_id, event_id, received_at FROM event
               WHERE (received_at < ?1 OR (received_at = ?1 AND event_id < ?2))
                 AND substr(event_id, 1, instr(event_id, ':')) IN (SELECT value FROM json_each(?3))
               ORDER BY received_at DESC, event_id DESC LIMIT ?4) AS page
         JOIN event ON event.contact_id = page.contact_id AND event.event_id = page.event_id",
    ),
    (
        Some(Verdict::Parked),
        "SELECT id, at - 2592000000 AS at, json_extract(body, '$.kind') AS topic, NULL AS reason, NULL AS verdict,
           json_extract(body, '$.polled') AS polled
         FROM (SELECT event_id AS id, max(until) AS at, body FROM parked
               WHERE substr(event_id, 1, instr(event_id, ':')) IN (SELECT value FROM json_each(?3))
               GROUP BY event_id)
         WHERE at - 2592000000 < ?1 OR (at - 2592000000 = ?1 AND id < ?2)
         ORDER BY at DESC, id DESC LIMIT ?4",
    ),
    (
        Some(Verdict::Rejected),
        "SELECT id, at, coalesce(json_extract(body, '$.call.event'), json_extract(body, '$.call.type'), '') AS topic,
           reason, NULL AS verdict, NULL AS polled
         FROM dead_letter
         WHERE what = 'refused call' AND (at < ?1 OR (at = ?1 AND id < ?2))
           AND substr(id, 1, instr(id, ':')) IN (SELECT value FROM json_each(?3))
         ORDER BY at DESC, id DESC LIMIT ?4",
    ),
    (
        Some(Verdict::Failed),
        "SELECT substr(id, 16) AS id, at, json_extract(body, '$.notice.topic') AS topic, reason, NULL AS verdict,
           NULL AS polled
         FROM dead_letter
         WHERE id >= 'forward:notice:' AND id < 'forward:notice;' AND (at < ?1 OR (at = ?1 AND substr(id, 16) < ?2))
           AND substr(id, 16, instr(substr(id, 16), ':')) IN (SELECT value FROM json_each(?3))
         ORDER BY at DESC, id DESC LIMIT ?4",
    ),
    (
        Some(Verdict::Accepted),
        "SELECT id, at, kind AS topic, NULL AS reason, NULL AS verdict, NULL AS polled FROM privacy_request
         WHERE (at < ?1 OR (at = ?1 AND id < ?2))
           AND substr(id, 1, instr(id, ':')) IN (SELECT value FROM json_each(?3))
         ORDER BY at DESC, id DESC LIMIT ?4",
    ),
    (
        None,
        "SELECT name AS id, at, topic, reason, verdict, source, NULL AS polled FROM delivery
         WHERE (at < ?1 OR (at = ?1 AND name < ?2))
           AND source || ':' IN (SELECT value FROM json_each(?3))
         ORDER BY at DESC, name DESC LIMIT ?4",
    ),
];

// The statement of parked events has the figure written out.
const _: () = assert!(PARKED_FOR.as_millis() == 2_592_000_000, "see PARTS");

fn read(row: &Row, verdict: Option<Verdict>) -> Result<Line, Error> {
    let id = row.text("id")?.to_owned();
    let source = match verdict {
        Some(_) => id.split_once(':').map_or("", |(source, _)| source).to_owned(),
        None => row.text("source")?.to_owned(),
    };
    Ok(Line {
        received_at: row.time("at")?,
        source,
        topic: row.opt_text("topic")?.unwrap_or_default().to_owned(),
        id,
        verdict: match verdict {
            Some(verdict) => verdict,
            None => row.parsed("verdict", |word| Verdict::parse(word).ok_or("no verdict"))?,
        },
        reason: row.opt_text("reason")?.map(str::to_owned),
        polled: row.opt_integer("polled")?.is_some_and(|polled| polled != 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::logbook::Place;
    use crate::store::fixtures::{at, shard};

    fn line(number: u32) -> Line {
        let topic = format!("topic-{}", number / MAX_IN_AN_HOUR);
        let id = format!("{number:05}");
        Line::new(
            at(0),
            "shopify",
            &topic,
            &id,
            Verdict::Ignored,
            "the topic is not used",
        )
    }

    #[test]
    fn a_line_costs_a_row_and_its_repetition_none() {
        let sql = shard();
        assert_eq!(sql.written_by(|sql| keep(sql, &line(1))), 1);
        assert_eq!(sql.written_by(|sql| keep(sql, &line(1))), 0);
        let asked = Asked {
            sources: vec!["shopify".to_owned()],
            verdict: None,
            before: Place::after_all_of(at(0)),
            limit: 10,
        };
        assert_eq!(page(&sql, &asked), Ok(vec![line(1)]));
        let of_another = Asked {
            sources: vec!["events".to_owned()],
            ..asked.clone()
        };
        assert_eq!(page(&sql, &of_another), Ok(Vec::new()));
        let before = Asked {
            before: line(1).place(),
            ..asked
        };
        assert_eq!(page(&sql, &before), Ok(Vec::new()));
    }

    #[test]
    fn a_full_shard_lets_the_oldest_go_in_one_statement() {
        let sql = shard();
        for number in 0..MAX_KEPT {
            keep(&sql, &line(number)).unwrap();
        }
        assert_eq!(
            sql.written_by(|sql| keep(sql, &line(MAX_KEPT))),
            u64::from(GOING) + 1
        );
        assert_eq!(sql.written_by(|sql| keep(sql, &line(MAX_KEPT + 1))), 1);
    }
}
