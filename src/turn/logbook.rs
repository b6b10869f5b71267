//! The logbook: what became of what sources delivered, for operators. `edge::logbook` hands over lines of what left no other
//! row, and asks every shard for a page.

use super::call::Answer;
use super::{Error, Turn};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::SourceName;
use crate::domain::logbook::{Asked, Line};
use crate::domain::shard::ShardIndex;
use crate::settings::Settings;
use crate::store::logbook;

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
