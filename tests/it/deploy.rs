//! What `npm run deploy` asks the host command before it builds.

use std::path::Path;
use std::process::{Command, Output};

fn lint(providers: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wend"))
        .args(["lint", "--providers", providers])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap()
}

#[test]
fn providers_that_may_not_carry_what_the_journeys_send_are_refused_with_what_to_do() {
    let refused = lint("cloudflare_email");
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stdout).unwrap();
    for part in [
        "EMAIL_PROVIDER names `cloudflare_email`",
        "sends marketing (step `",
        "EMAIL_PROVIDER = \"cloudflare_email resend\"",
    ] {
        assert!(said.contains(part), "{said}");
    }
    for named in ["cloudflare_email resend", "postmark", "outbox"] {
        assert!(lint(named).status.success(), "{named}");
    }
    let unknown = lint("resent");
    assert!(!unknown.status.success());
    assert!(
        String::from_utf8(unknown.stderr)
            .unwrap()
            .contains("names `resent`")
    );
}
