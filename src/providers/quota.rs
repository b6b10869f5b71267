//! When a used-up allowance of a plan is asked about again.
//!
//! Called by the providers. Waiting for it burns no attempt of a message; the delivery loop keeps count.

use super::answer;
use crate::domain::outcome::{Outcome, RetryLater, RetryReason};
use crate::domain::time::{Delay, Timestamp};
use chrono::{Datelike, Days, Months, NaiveTime};

/// Between two questions whether a quota is free again. A daily one is often a rolling window, so we ask several times a
/// day; a question costs one refused request.
const QUOTA_ASK_MIN: Delay = Delay::from_minutes(5);
const DAILY_ASK_MAX: Delay = Delay::from_hours(6);
const MONTHLY_ASK_MAX: Delay = Delay::from_hours(24);

/// Too many requests: of a second, unless the provider's words speak of a day or a month.
pub fn or_rate(words: &str, asked: Option<Delay>, now: Timestamp) -> Outcome {
    if answer::mentions(words, &["daily", "per day", "24 hours"]) {
        return Outcome::RetryLater(daily(asked, now));
    }
    if answer::mentions(words, &["monthly", "per month"]) {
        return Outcome::RetryLater(monthly(asked, now));
    }
    answer::slow_down(asked)
}

/// The day's allowance is used up. `asked` is what the provider asked for.
pub fn daily(asked: Option<Delay>, now: Timestamp) -> RetryLater {
    until(asked, now, DAILY_ASK_MAX, next_day(now))
}

/// The month's allowance is used up, or one of which it is not said when it ends.
pub fn monthly(asked: Option<Delay>, now: Timestamp) -> RetryLater {
    until(asked, now, MONTHLY_ASK_MAX, next_month(now))
}

/// Until the period's end in UTC, within our bounds. A `Retry-After` of seconds belongs to the rate, not the quota.
fn until(asked: Option<Delay>, now: Timestamp, ask_max: Delay, end: Timestamp) -> RetryLater {
    let after = match asked.filter(|asked| *asked >= QUOTA_ASK_MIN) {
        Some(asked) => asked,
        None => end.since(now).clamp(QUOTA_ASK_MIN, ask_max),
    };
    RetryLater {
        after: Some(after),
        reason: RetryReason::QuotaExceeded,
    }
}

/// The next midnight, UTC.
fn next_day(now: Timestamp) -> Timestamp {
    let tomorrow = now.to_chrono().date_naive().checked_add_days(Days::new(1));
    midnight(tomorrow.unwrap_or_default())
}

/// The first midnight of the next month, UTC.
fn next_month(now: Timestamp) -> Timestamp {
    let first = now.to_chrono().date_naive().with_day(1).unwrap_or_default();
    midnight(first.checked_add_months(Months::new(1)).unwrap_or_default())
}

fn midnight(day: chrono::NaiveDate) -> Timestamp {
    Timestamp::from_millis(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}
