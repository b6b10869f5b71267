//! The session of an operator who signed in: a value for a cookie that says until when, signed.
//!
//! Called by the admin routes. The key is derived from `ADMIN_TOKEN`, so a token that is changed signs everybody out, and
//! nothing is stored. The value gives nothing of the token away.

use super::{Secrets, hmac_sha256, same};
use crate::domain::time::{Delay, Timestamp};

/// A working day: then one signs in again.
pub const LIFETIME: Delay = Delay::from_hours(12);

const VERSION: &str = "1";

/// A session from now on.
pub fn issue(token: &str, now: Timestamp) -> String {
    let until = now.plus(LIFETIME).as_seconds().to_string();
    format!("{VERSION}.{until}.{}", hex::encode(seal(token, &until)))
}

/// Whether the session was issued under one of these tokens and is not over.
pub fn holds(tokens: &Secrets, value: &str, now: Timestamp) -> bool {
    let mut parts = value.split('.');
    let (Some(VERSION), Some(until), Some(given), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Ok(given) = hex::decode(given) else {
        return false;
    };
    let ends = until.parse().map(Timestamp::from_seconds);
    // One that ends later than it could was not made by us, whatever its seal.
    let in_time =
        ends.is_ok_and(|ends| now < ends && ends <= now.plus(LIFETIME).plus(Delay::from_minutes(1)));
    in_time && tokens.iter().any(|token| same(&seal(token, until), &given))
}

fn seal(token: &str, until: &str) -> [u8; 32] {
    hmac_sha256(token.as_bytes(), &[b"wend/1/admin-session/", until.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    /// The expected value comes from
    /// `printf wend/1/admin-session/1790043200 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef`.
    #[test]
    fn it_is_signed_and_ends() {
        let value = issue(TOKEN, NOW);
        assert_eq!(
            value,
            "1.1790043200.7bf67614adc44c56d5d287b568e06826e3f5208c478a1a739b47480d0b7a968c"
        );
        let tokens = Secrets::new(TOKEN);
        assert!(holds(&tokens, &value, NOW));
        assert!(holds(
            &tokens,
            &value,
            NOW.plus(LIFETIME).minus(Delay::from_seconds(1))
        ));
        assert!(!holds(&tokens, &value, NOW.plus(LIFETIME)));
    }

    #[test]
    fn a_token_that_is_changed_signs_everybody_out_and_a_rotation_does_not() {
        let value = issue("old", NOW);
        assert!(holds(&Secrets::new("new old"), &value, NOW));
        assert!(!holds(&Secrets::new("new"), &value, NOW));
        assert!(!holds(&Secrets::new(""), &value, NOW));
    }

    #[test]
    fn nothing_else_is_one() {
        let (tokens, value) = (Secrets::new(TOKEN), issue(TOKEN, NOW));
        let seal = value.rsplit('.').next().unwrap();
        for forged in [
            String::new(),
            TOKEN.to_owned(),
            value.replace("1790043200", "1790043201"),
            format!("2.1790043200.{seal}"),
            format!("{value}.x"),
            value[..value.len() - 2].to_owned(),
            format!("1.99999999999999999999.{seal}"),
        ] {
            assert!(!holds(&tokens, &forged, NOW), "{forged}");
        }
        let far = "1900000000";
        let sealed = format!("1.{far}.{}", hex::encode(super::seal(TOKEN, far)));
        assert!(!holds(&tokens, &sealed, NOW), "no session is for years");
    }
}
