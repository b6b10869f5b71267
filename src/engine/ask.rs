//! Asks a condition, and remarks on it when it has no answer.
//!
//! A condition that fails at run time has none. The caller says what that means: everywhere no, in an exit rule doubt.

use super::condition::{Compiled, Error};
use super::decision::Remark;
use super::sight::Sight;
use crate::journey::definition::{Condition, Journey};

/// What a condition says, or why it says nothing.
pub(super) fn answer(condition: &Condition, sight: &Sight<'_>) -> Result<bool, Error> {
    Compiled::of(condition)?.holds(sight)
}

/// What a condition says; none when it fails at run time, which is remarked.
pub(super) fn holds(
    when: Option<&Condition>,
    sight: &Sight<'_>,
    journey: &Journey,
    remarks: &mut Vec<Remark>,
) -> Option<bool> {
    let Some(condition) = when else {
        return Some(true);
    };
    match answer(condition, sight) {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            let (journey, error) = (journey.id.to_string(), error.to_string());
            remarks.push(Remark::ConditionFailed { journey, error });
            None
        }
    }
}
