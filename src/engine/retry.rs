//! When to try again: a pure function of the attempt, the provider's hint and the message.

use super::ids::bucket;
use crate::domain::time::{Delay, Timestamp};

/// First pause; each further one doubles.
pub const BASE: Delay = Delay::from_seconds(5);
/// Longest pause of our own making. A provider may ask for longer.
pub const CEILING: Delay = Delay::from_hours(1);
/// Longest hint we follow: a day covers every provider's daily quota.
pub const HINT_CEILING: Delay = Delay::from_hours(26);

/// The time of the next attempt, after `attempt` attempts were made.
///
/// Follows the provider's hint when there is one, else doubles from [`BASE`] to [`CEILING`]; up to a fifth is added
/// by a hash of `seed` and the attempt, so that a crowd spreads out the same way on every replay.
pub fn next_attempt_at(now: Timestamp, attempt: u32, hint: Option<Delay>, seed: &str) -> Timestamp {
    let pause = match hint {
        Some(hint) => hint.min(HINT_CEILING).as_millis().max(1000),
        None => {
            let doubled = BASE
                .as_millis()
                .saturating_mul(1_i64 << attempt.saturating_sub(1).min(20));
            doubled.min(CEILING.as_millis())
        }
    };
    let share = i64::from(bucket(&["retry", seed, &attempt.to_string()]));
    let jitter = (pause / 5).saturating_mul(share) / 10_000;
    now.plus(Delay::from_millis(pause.saturating_add(jitter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_an_hour_with_a_fifth_of_jitter() {
        let now = Timestamp::from_seconds(1_000_000);
        let pause = |attempt| next_attempt_at(now, attempt, None, "m").since(now).as_millis();
        for (attempt, base) in [
            (1, 5_000),
            (2, 10_000),
            (5, 80_000),
            (11, 3_600_000),
            (4_000_000_000, 3_600_000),
        ] {
            assert!(
                (base..=base + base / 5).contains(&pause(attempt)),
                "{attempt}: {}",
                pause(attempt)
            );
        }
    }

    #[test]
    fn a_hint_is_followed_within_reason() {
        let now = Timestamp::from_seconds(1_000_000);
        let pause = |hint| next_attempt_at(now, 1, Some(hint), "m").since(now);
        assert!(pause(Delay::from_seconds(30)) >= Delay::from_seconds(30));
        assert!(pause(Delay::ZERO) >= Delay::from_seconds(1));
        assert!(pause(Delay::from_days(400)) <= Delay::from_hours(32));
    }
}
