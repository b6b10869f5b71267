//! Tokens in the path of routes whose sender signs nothing: `/delivery/dashamail/<token>`.
//!
//! Each route has its own, derived from `HOOK_TOKEN`, so that one that leaks opens one route. `npm run doctor` prints
//! them; the routes check them. They must never be logged.

use super::{Secrets, hmac_sha256, same};

/// The setting that they are derived from.
pub const SETTING: &str = "HOOK_TOKEN";

/// Hex digits of a token: 128 bits.
const DIGITS: usize = 32;

/// The token of a route, named by its path without the token: `delivery/dashamail`.
pub fn derive(secret: &str, route: &str) -> String {
    let mut token = hex::encode(hmac_sha256(
        secret.as_bytes(),
        &[b"wend/1/route-token/", route.as_bytes()],
    ));
    token.truncate(DIGITS);
    token
}

/// Whether `given` is the token of the route under any of the secrets.
pub fn matches(secrets: &Secrets, route: &str, given: &str) -> bool {
    secrets
        .iter()
        .any(|secret| same(derive(secret, route).as_bytes(), given.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It stands in the settings of other companies: a change here would shut every such route. The expected value comes from
    /// `printf 'wend/1/route-token/delivery/dashamail' | openssl dgst -sha256 -hmac pinned-key`.
    #[test]
    fn the_token_is_pinned_and_each_route_has_its_own() {
        let token = derive("pinned-key", "delivery/dashamail");
        assert_eq!(token, "c06cc967c8a1b59c76309a6d3b53c6d3");
        assert_ne!(token, derive("pinned-key", "delivery/cloudflare_email"));
        assert_ne!(token, derive("other-key", "delivery/dashamail"));
    }

    #[test]
    fn any_secret_of_a_rotation_opens_its_route_and_none_opens_without_one() {
        let secrets = Secrets::new("new old");
        for secret in ["new", "old"] {
            assert!(matches(&secrets, "hooks/tilda", &derive(secret, "hooks/tilda")));
            assert!(!matches(
                &secrets,
                "hooks/insales",
                &derive(secret, "hooks/tilda")
            ));
        }
        for given in ["", "new", &derive("", "hooks/tilda")] {
            assert!(!matches(&secrets, "hooks/tilda", given), "{given}");
            assert!(!matches(&Secrets::new(" "), "hooks/tilda", given), "{given}");
        }
    }
}
