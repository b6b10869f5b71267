//! Which addresses of others the Worker fetches: pages of the open web, never a host of somebody's own network.
//!
//! Called by the check of `store.yaml` for addresses that a store writes there, and by the edge for each redirect. It looks at
//! the text alone: where a name leads is the platform's to resolve, which lets a Worker reach public addresses only.

/// Longest address.
const MAX_BYTES: usize = 2_000;
/// Names that never lead into the open web.
const PRIVATE_ENDS: [&str; 9] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
];

/// Why an address is not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the address must start with `https://`")]
    Insecure,
    #[error("the address names no host of the open web: write it as `https://shop.example/feed.xml`")]
    Private,
    #[error("the address holds a character that an address cannot have, or is too long")]
    Unreadable,
}

/// Whether this may be fetched. `at_home` lets the machine itself through, for development.
///
/// # Errors
/// Why not. Every unusual spelling of a host is refused: a number, a name without a dot, a user before it.
pub fn check(url: &str, at_home: bool) -> Result<(), Error> {
    if url.len() > MAX_BYTES || !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(Error::Unreadable);
    }
    let (secure, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
        Some(_) | None => return Err(Error::Insecure),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    if !port.parse::<u16>().is_ok_and(|port| port > 0) || port.starts_with('+') {
        return Err(Error::Private);
    }
    if matches!(host, "127.0.0.1" | "localhost") && at_home {
        return Ok(());
    }
    if !secure {
        return Err(Error::Insecure);
    }
    if is_public(host) {
        Ok(())
    } else {
        Err(Error::Private)
    }
}

/// A name of at least two labels whose last one is a word: addresses in numbers, in whatever notation, end in digits.
fn is_public(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let plain = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let [.., _, last] = labels.as_slice() else {
        return false;
    };
    labels.iter().all(plain)
        && last.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && !PRIVATE_ENDS.contains(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_web_are_fetched() {
        for url in [
            "https://shop.example/feed.xml",
            "HTTPS://Shop.Example/feed.xml",
            "https://shop.example:8443/feed?token=a%20b&x=1",
            "https://xn--80ak6aa92e.xn--p1ai/yml",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_private_host_is_not_reached_in_any_spelling() {
        for url in [
            "https://127.0.0.1/",
            "https://10.0.0.8/feed",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0x7f000001/",
            "https://127.1/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[fd00::1]:80/",
            "https://[::ffff:10.0.0.1]/",
            "https://localhost/",
            "https://localhost:8787/",
            "https://a.localhost/",
            "https://printer.local/",
            "https://db.internal/",
            "https://metadata.google.internal/",
            "https://nas.lan/",
            "https://intranet/",
            "https://shop.example@10.0.0.1/",
            "https://10.0.0.1#shop.example/",
            "https://10.0.0.1?shop.example/",
            "https://shop.example./",
            "https://.example/",
            "https://shop..example/",
            "https://shop.example:0/",
            "https://shop.example:+80/",
            "https://shop.example:80:90/",
            "https://",
        ] {
            assert_eq!(check(url, false), Err(Error::Private), "{url}");
        }
        for url in [
            "http://shop.example/",
            "ftp://shop.example/",
            "shop.example/feed",
            "file:///etc/passwd",
            "http://127.0.0.1:9000/",
        ] {
            assert_eq!(check(url, false), Err(Error::Insecure), "{url}");
        }
        for url in [
            "https://shop.example\\@10.0.0.1/",
            "https://sh op.example/",
            "https://shop.example/\n",
            "https://магазин.рф/",
        ] {
            assert_eq!(check(url, false), Err(Error::Unreadable), "{url}");
        }
    }

    #[test]
    fn development_reaches_its_own_machine_and_no_other() {
        assert_eq!(check("http://127.0.0.1:9000/feed.xml", true), Ok(()));
        assert_eq!(check("http://localhost/feed.xml", true), Ok(()));
        assert_eq!(check("https://10.0.0.1/", true), Err(Error::Private));
        assert_eq!(check("http://127.0.0.1@10.0.0.1/", true), Err(Error::Insecure));
    }
}
