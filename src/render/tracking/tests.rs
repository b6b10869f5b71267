//! Links of finished mails: which are changed, which stay, and that nothing else moves.

use super::*;
use crate::render::links::LinkKeys;
use proptest::prelude::*;

const BASE: &str = "https://mail.shop.example";
const RECOVERY: &str = "https://shop.example/recover?key=a%2Fb&sig=x";
const REFERRAL: &str = "https://shop.example/?ref=HHZG04926D80";

fn keys() -> LinkKeys {
    LinkKeys::parse("0123456789abcdef0123456789abcdef").unwrap()
}

fn utm() -> Tags {
    Tags::of(
        &[("utm_source", "wend"), ("utm_content", "nudge")],
        &["shop.example"],
    )
}

/// The mail as it is tracked, with each tracked link as `→ target`.
fn tracked(html: &str, text: &str, clicks: bool, opens: bool, utm: Tags) -> Rendered {
    let (keys, message) = (
        keys(),
        MessageId::from_digest("00112233445566778899aabbccddeeff00112233"),
    );
    let to = EmailAddress::parse("nadia@example.com").unwrap();
    let tracker = Tracker {
        keys: &keys,
        base_url: BASE,
        message: &message,
        to: &to,
        clicks,
        opens,
        utm,
        untouched: REFERRAL,
        untagged: Some(RECOVERY),
    };
    let mail = tracker.track(Rendered {
        subject: "Hi".to_owned(),
        html: html.to_owned(),
        text: text.to_owned(),
    });
    let opened = |text: &str| {
        let mut parts = text.split("https://mail.shop.example/c/");
        let mut read = parts.next().unwrap().to_owned();
        for part in parts {
            let end = part
                .find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
                .unwrap_or(part.len());
            let (of, target) = keys.verify_click(&part[..end]).unwrap();
            assert_eq!(of, message);
            read.push_str(&format!("→ {target}{}", &part[end..]));
        }
        read
    };
    Rendered {
        html: opened(&mail.html),
        text: opened(&mail.text),
        ..mail
    }
}

fn html(html: &str) -> String {
    tracked(html, "", true, false, utm()).html
}

fn text(text: &str) -> String {
    tracked("", text, true, false, utm()).text
}

#[test]
fn links_of_the_html_part_lead_over_ours() {
    for (written, expected) in [
        (
            r#"<a href="https://shop.example/">x</a>"#,
            r#"<a href="→ https://shop.example/?utm_source=wend&utm_content=nudge">x</a>"#,
        ),
        (
            r"<A style='x' HREF='https://other.example/a?b=1&amp;c=2#d'>",
            r#"<A style='x' HREF="→ https://other.example/a?b=1&c=2#d">"#,
        ),
        (
            "<a href=https://other.example/a/>",
            r#"<a href="→ https://other.example/a/">"#,
        ),
        (
            r#"<a href="https://other.example/?a=1&#38;copy=2&lt;">"#,
            r#"<a href="→ https://other.example/?a=1&copy=2<">"#,
        ),
        (
            r#"<a href=" https://other.example/ ">"#,
            r#"<a href="→ https://other.example/">"#,
        ),
        (
            r#"<a href="HTTPS://Other.Example/A">"#,
            r#"<a href="→ https://Other.Example/A">"#,
        ),
        (
            r#"<a href="https://bücher.example/ж?q=ü">"#,
            r#"<a href="→ https://bücher.example/ж?q=ü">"#,
        ),
        (
            r#"<a href="https://other.example/%7e%2F?a=b+c%20d">"#,
            r#"<a href="→ https://other.example/%7e%2F?a=b+c%20d">"#,
        ),
        (
            r#"<map><area href="https://other.example/"></map>"#,
            r#"<map><area href="→ https://other.example/"></map>"#,
        ),
        (
            r#"<a title="a > b" href="https://other.example/" href="https://second.example/">"#,
            r#"<a title="a > b" href="→ https://other.example/" href="https://second.example/">"#,
        ),
        (
            r#"<a href="https://shop.example/?utm_source=own&amp;x=1#f">"#,
            r#"<a href="→ https://shop.example/?utm_source=own&x=1&utm_content=nudge#f">"#,
        ),
    ] {
        assert_eq!(html(written), expected);
    }
}

#[test]
fn a_signed_recovery_link_is_led_to_byte_for_byte() {
    let escaped = RECOVERY.replace('&', "&amp;");
    assert_eq!(
        html(&format!("<a href=\"{escaped}\">")),
        format!("<a href=\"→ {RECOVERY}\">")
    );
    assert_eq!(text(RECOVERY), format!("→ {RECOVERY}"));
}

#[test]
fn what_is_no_link_of_the_stores_stays_as_it_is() {
    let long = format!("<a href=\"https://other.example/{}\">", "x".repeat(2100));
    for written in [
        r#"<a href="mailto:help@shop.example">"#,
        r#"<a href="tel:+44">"#,
        r##"<a href="#top">"##,
        r#"<a href="/cart">"#,
        r#"<a href="//shop.example/">"#,
        r#"<a href="javascript:alert(1)">"#,
        r#"<a href="">"#,
        "<a name=x>",
        r#"<a href="https://">"#,
        r#"<a href="https://shop.example/a b">"#,
        r#"<a href="{{unsubscribe}}">"#,
        r#"<a href="https://mail.shop.example/u/AcTF">"#,
        r#"<a href="https://mail.shop.example/m/AcTF">"#,
        r#"<a href="https://shop.example/?ref=HHZG04926D80">"#,
        r#"<a data-no-track href="https://shop.example/recover?signature=1&amp;b=2">"#,
        r#"<a href="https://shop.example/" DATA-NO-TRACK="yes">"#,
        r#"<link href="https://shop.example/a.css">"#,
        r#"<img src="https://shop.example/a.png">"#,
        r#"<!--[if mso]><v:roundrect href="https://shop.example/"><a href="https://shop.example/"><![endif]-->"#,
        r#"<style>a[href="https://shop.example/"] { color: red }</style>"#,
        r#"<title><a href="https://shop.example/"></title>"#,
        r#"<p>&lt;a href="https://shop.example/"&gt; https://shop.example/</p>"#,
        r#"<a href="https://shop.example/"#,
        &long,
    ] {
        assert_eq!(html(written), written);
    }
}

#[test]
fn links_of_the_text_part_lead_over_ours() {
    for (written, expected) in [
        ("See https://other.example/a.", "See → https://other.example/a."),
        (
            "(https://other.example/a_(b)) <https://other.example>",
            "(→ https://other.example/a_(b)) <→ https://other.example>",
        ),
        (
            "Shop:\nhttps://shop.example/#f\nBye",
            "Shop:\n→ https://shop.example/?utm_source=wend&utm_content=nudge#f\nBye",
        ),
        ("https://bücher.example/ж, and", "→ https://bücher.example/ж, and"),
        (
            "ftp://other.example help@shop.example shop.example",
            "ftp://other.example help@shop.example shop.example",
        ),
        (
            "https://mail.shop.example/u/AcTF",
            "https://mail.shop.example/u/AcTF",
        ),
        (
            "Yours: https://shop.example/?ref=HHZG04926D80",
            "Yours: https://shop.example/?ref=HHZG04926D80",
        ),
    ] {
        assert_eq!(text(written), expected);
    }
}

#[test]
fn a_link_marked_in_the_html_part_stays_in_the_text_part() {
    let url = "https://shop.example/recover?a=1&signature=2";
    let marked = format!("<a data-no-track href='{}'>", url.replace('&', "&amp;"));
    let written = format!("{url}\nhttps://other.example/");
    let mail = tracked(&marked, &written, true, false, utm());
    assert_eq!(mail.html, marked);
    assert_eq!(mail.text, format!("{url}\n→ https://other.example/"));
}

#[test]
fn each_of_the_three_can_be_off() {
    let written = "<body><a href=\"https://shop.example/?a=1\">x</a></body></html>\n";
    let untouched = tracked(written, "https://shop.example/", false, false, Tags::default());
    assert_eq!(
        (untouched.html.as_str(), untouched.text.as_str()),
        (written, "https://shop.example/")
    );
    assert_eq!(
        tracked(written, "", false, false, utm()).html,
        written.replace("?a=1", "?a=1&#38;utm_source=wend&#38;utm_content=nudge")
    );
    assert_eq!(
        tracked(written, "", true, false, Tags::default()).html,
        written.replace("https", "→ https")
    );
}

#[test]
fn the_picture_stands_at_the_end_of_the_body_and_says_nothing() {
    for (written, before) in [
        ("<body><p>x</p></body></html>\n", "<body><p>x</p>"),
        ("<p>x</p>", "<p>x</p>"),
        ("<!-- </body> --><p>x</p></BODY>", "<!-- </body> --><p>x</p>"),
    ] {
        let mail = tracked(written, "x", false, true, Tags::default());
        let (head, rest) = mail
            .html
            .split_once("<img src=\"https://mail.shop.example/o/")
            .unwrap();
        assert_eq!(head, before);
        let (token, rest) = rest.split_once('"').unwrap();
        assert!(keys().verify(Purpose::Open, token).is_ok());
        assert!(rest.starts_with(" alt=\"\" width=\"1\" height=\"1\""));
        assert_eq!(mail.text, "x");
    }
}

proptest! {
    /// With nothing to do nothing is done, and with tracking only what stands in links changes.
    #[test]
    fn the_rest_of_a_mail_does_not_move(
        words in prop::collection::vec(prop::sample::select(vec![
            "<p>", "</p>", "<b title='x>y'>", "<!-- ", " -->", "&amp;", "ж", " ", "<a href=\"", "\">", "<a href=", "'",
            "https://other.example/", "mailto:a@b.example", "<style>", "</style>", "</body>", "1 < 2",
        ]), 0..20),
    ) {
        let written = words.concat();
        let off = tracked(&written, &written, false, false, Tags::default());
        prop_assert_eq!(&off.html, &written);
        prop_assert_eq!(&off.text, &written);
        let on = tracked(&written, "", true, false, Tags::default());
        let plain = |html: &str| html.replace("→ ", "").replace(['"', '\''], "").replace("&amp;", "&").replace(' ', "");
        prop_assert_eq!(plain(&on.html), plain(&written));
    }
}
