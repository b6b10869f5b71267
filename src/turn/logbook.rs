//! The logbook: what became of what sources delivered, for operators. `edge::logbook` hands over lines of what left no other
//! row; `edge::admin` asks every shard for a page, and answers with what this file makes of them.

use super::call::Answer;
use super::{Error, Turn};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::SourceName;
use crate::domain::logbook::{Asked, Line};
use crate::domain::shard::ShardIndex;
use crate::settings::Settings;
use crate::store::logbook;
use form_urlencoded::Serializer;
use serde_json::{Value, json};

/// Lines of a page, unless somebody asks for fewer or more.
pub const LIMIT: u32 = 100;

/// The shard that keeps a line: the same for each repetition of a delivery, and not one for all.
pub fn shard_of(settings: &Settings, line: &Line) -> ShardIndex {
    let place = Identifier {
        kind: IdentifierKind::Anonymous,
        source: SourceName::built_in("logbook").as_str().to_owned(),
        value: line.id.clone(),
    };
    settings.shards.of_identifier(&settings.hash(&place))
}

impl Turn<'_> {
    /// Writes 1 row for each line that is new.
    pub(super) fn keep_lines(&self, lines: &[Line]) -> Result<Answer, Error> {
        for line in lines {
            logbook::keep(self.sql, line)?;
        }
        Ok(Answer::Done)
    }

    pub(super) fn log(&self, asked: &Asked) -> Result<Answer, Error> {
        Ok(Answer::Log(logbook::page(self.sql, asked)?))
    }
}

/// A page as `GET /admin/log` shows it, of lines of whichever shards answered, in any order.
pub fn answer(asked: &Asked, mut lines: Vec<Line>, unanswered: &[String]) -> Value {
    lines.sort_by(|one, other| (other.received_at, &other.id).cmp(&(one.received_at, &one.id)));
    let most = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    lines.truncate(most);
    let last = lines.last().filter(|_| lines.len() == most);
    json!({
        "lines": lines.iter().map(in_json).collect::<Vec<_>>(),
        "next": last.map(|line| next(asked, line)),
        "unanswered": unanswered,
    })
}

/// Where the next page is had.
fn next(asked: &Asked, last: &Line) -> String {
    let mut query = Serializer::new(String::new());
    if let [source] = asked.sources.as_slice() {
        query.append_pair("source", source);
    }
    if let Some(verdict) = asked.verdict {
        query.append_pair("verdict", verdict.as_str());
    }
    if asked.limit != LIMIT {
        query.append_pair("limit", &asked.limit.to_string());
    }
    query.append_pair("before", &last.place().to_text());
    format!("/admin/log?{}", query.finish())
}

fn in_json(line: &Line) -> Value {
    json!({
        "received_at": line.received_at.to_rfc3339(), "source": line.source, "topic": line.topic, "id": line.id,
        "verdict": line.verdict, "reason": line.reason, "by": if line.polled { "poll" } else { "webhook" },
    })
}
