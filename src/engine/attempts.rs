//! How often somebody may try to sign in: a few times, and then at a rate that guesses nothing.
//!
//! Called by the `Store`, which keeps the tries of each network in memory. Scripts that show their token in a header do
//! not come here, so nobody can shut them out.

use crate::domain::time::{Delay, Timestamp};
use std::collections::BTreeMap;

/// Tries in one [`WINDOW`].
const MOST: u32 = 10;
const WINDOW: Delay = Delay::from_minutes(15);
/// Networks kept in mind; when more try at once, the new ones wait.
const NETWORKS: usize = 1_000;

/// The tries of each network since its first.
#[derive(Debug, Default)]
pub struct Attempts(BTreeMap<String, (Timestamp, u32)>);

impl Attempts {
    /// Counts a try. When it is one too many, says when the next may be made.
    ///
    /// # Errors
    /// With that time.
    pub fn count(&mut self, network: &str, now: Timestamp) -> Result<(), Timestamp> {
        self.0.retain(|_, (since, _)| now < since.plus(WINDOW));
        if !self.0.contains_key(network) && self.0.len() >= NETWORKS {
            return Err(now.plus(WINDOW));
        }
        let (since, tries) = self.0.entry(network.to_owned()).or_insert((now, 0));
        if *tries >= MOST {
            return Err(since.plus(WINDOW));
        }
        *tries += 1;
        Ok(())
    }

    /// Whoever signed in was no guesser.
    pub fn forget(&mut self, network: &str) {
        self.0.remove(network);
    }
}

/// The network of an address: all of IPv4, the first half of IPv6, of which everybody has plenty.
pub fn network(address: &str) -> String {
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V6(six)) => {
            let [a, b, c, d, ..] = six.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        Ok(std::net::IpAddr::V4(_)) | Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_then_a_quarter_of_an_hour_and_nobody_else_waits() {
        let (mut attempts, now) = (Attempts::default(), Timestamp::from_seconds(1_790_000_000));
        for _ in 0..MOST {
            assert_eq!(attempts.count("192.0.2.1", now), Ok(()));
        }
        let later = now.plus(Delay::from_minutes(14));
        assert_eq!(attempts.count("192.0.2.1", later), Err(now.plus(WINDOW)));
        assert_eq!(attempts.count("192.0.2.2", later), Ok(()));
        assert_eq!(attempts.count("192.0.2.1", now.plus(WINDOW)), Ok(()));
        attempts.forget("192.0.2.1");
        assert_eq!(attempts.0.len(), 1);
    }

    #[test]
    fn a_crowd_fills_no_memory() {
        let (mut attempts, now) = (Attempts::default(), Timestamp::from_seconds(1_790_000_000));
        for number in 0..=NETWORKS {
            let known = attempts.count(&number.to_string(), now);
            assert_eq!(known.is_err(), number == NETWORKS, "{number}");
        }
        assert_eq!(attempts.count("0", now), Ok(()), "one that is known may go on");
    }

    #[test]
    fn an_ipv6_network_is_one_whoever_in_it_asks() {
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
