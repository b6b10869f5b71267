//! Whether a base address can only mean this machine: guards the dev routes, and tests.
//!
//! A wrong yes would open time travel on a store that mails people, so every unusual spelling is a no.

use std::net::Ipv4Addr;

/// True for `http` or `https` on `localhost`, 127.0.0.0/8 in plain dotted form, or `[::1]`, with an optional port.
pub fn is_loopback(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    if !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
        return false;
    }
    // Browsers drop tabs and newlines and take a backslash for a slash: `http://evil.example\@localhost`.
    if url
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\' || !c.is_ascii())
    {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    host_of(authority).is_some_and(|host| {
        host.eq_ignore_ascii_case("localhost")
            || host == "[::1]"
            || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// The host without its port; `None` when what follows the host is not a port.
fn host_of(authority: &str) -> Option<&str> {
    let end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    let port_ok = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok() && !digits.starts_with('+'),
        None => port.is_empty(),
    };
    port_ok.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn this_machine_is_recognised() {
        for url in [
            "http://127.0.0.1:8025",
            "https://127.9.8.7/x?y#z",
            "HTTP://LocalHost:1/",
            "http://[::1]:9/a",
            "http://localhost",
        ] {
            assert!(is_loopback(url), "{url}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for url in [
            "",
            "localhost",
            "ftp://localhost",
            "https://api.resend.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com/",
            "http://example.com\\@localhost",
            "http://example.com#@localhost",
            "http://local\thost",
            "http://127.1",
            "http://0x7f.0.0.1",
            "http://2130706433",
            "http://0177.0.0.1",
            "http://128.0.0.1",
            "http://0.0.0.0",
            "http://[::2]",
            "http://[::ffff:127.0.0.1]",
            "http://[::1]evil.example",
            "http://localhost:80:evil",
            "http://localhost:+8",
            "http://ⓛocalhost",
            "http://:80",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
