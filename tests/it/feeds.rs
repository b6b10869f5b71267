//! Product feeds: what each format gives, whatever the pieces its bytes come in, and what a feed cannot do to us.

use proptest::prelude::*;
use std::fmt::Write as _;
use wend::domain::feed::Format;
use wend::domain::money::Currency;
use wend::domain::offer::Offer;
use wend::domain::time::Timestamp;
use wend::journey::feed_check::SHOPS;
use wend::journey::store_check;
use wend::sources::SourceKind;
use wend::sources::feed::{FeedError, FeedReader, Terms};

pub fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/feeds/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn terms() -> Terms {
    Terms {
        format: None,
        currency: Currency::parse("GBP").unwrap(),
        source: None,
        now: Timestamp::parse_rfc3339("2026-01-06T16:00:00Z").unwrap(),
    }
}

/// The offers of a feed whose bytes come in pieces of this size; and how many had no id.
fn read(bytes: &[u8], step: usize, terms: Terms) -> Result<(Vec<Offer>, u32), FeedError> {
    let mut reader = FeedReader::new(terms);
    let mut offers = Vec::new();
    for piece in bytes.chunks(step) {
        reader.push(piece)?;
        offers.extend(reader.take());
    }
    reader.finish()?;
    offers.extend(reader.take());
    Ok((offers, reader.nameless()))
}

fn shown(name: &str, terms: Terms) -> String {
    let (offers, nameless) = read(&fixture(name), 64 << 10, terms).unwrap();
    let mut text = serde_json::to_string_pretty(&offers).unwrap();
    writeln!(text, "\nwithout an id: {nameless}").unwrap();
    text
}

#[test]
fn yml_gives_its_offers() {
    insta::assert_snapshot!(shown("yml_catalog.xml", terms()));
}

#[test]
fn google_s_rss_gives_its_offers() {
    insta::assert_snapshot!(shown("google_merchant.xml", terms()));
}

#[test]
fn google_s_atom_gives_its_offers_under_the_ids_of_the_shop() {
    let source = Some(SourceKind::Shopify);
    insta::assert_snapshot!(shown("google_merchant_atom.xml", Terms { source, ..terms() }));
}

#[test]
fn google_s_table_gives_its_offers() {
    insta::assert_snapshot!(shown("google_merchant.tsv", terms()));
}

#[test]
fn a_shop_may_call_its_variant_by_the_sku_and_tell_it_in_the_address() {
    let source = Some(SourceKind::Shopify);
    for name in ["google_merchant.xml", "google_merchant.tsv"] {
        let (offers, _) = read(&fixture(name), 100, Terms { source, ..terms() }).unwrap();
        assert_eq!(offers[0].id, "44010229330195", "{name}");
    }
}

#[test]
fn a_sale_that_is_over_costs_what_it_did() {
    let now = Timestamp::parse_rfc3339("2026-02-06T16:00:00Z").unwrap();
    let (offers, _) = read(&fixture("google_merchant.xml"), 100, Terms { now, ..terms() }).unwrap();
    assert_eq!(offers[0].price.unwrap().to_string(), "28.00 GBP");
    assert_eq!(offers[0].compare_at, None);
}

#[test]
fn an_old_encoding_says_the_same() {
    let text = String::from_utf8(fixture("yml_catalog.xml")).unwrap();
    let (expected, _) = read(text.as_bytes(), 1_000, terms()).unwrap();
    for (name, encoding) in [
        ("windows-1251", encoding_rs::WINDOWS_1251),
        ("koi8-r", encoding_rs::KOI8_R),
    ] {
        // KOI8-R has no guillemets.
        let text = text.replace(['«', '»'], "'").replace("UTF-8", name);
        let (bytes, _, lossy) = encoding.encode(&text);
        assert!(!lossy, "{name}");
        let (offers, _) = read(&bytes, 7, terms()).unwrap();
        assert_eq!(offers.len(), expected.len());
        assert_eq!(offers[0].title.as_deref(), Some("Футболка 'Север'"), "{name}");
        assert_eq!(offers[0].categories, expected[0].categories);
    }
}

const ALL: [&str; 4] = [
    "yml_catalog.xml",
    "google_merchant.xml",
    "google_merchant_atom.xml",
    "google_merchant.tsv",
];

#[test]
fn a_format_that_store_yaml_says_must_be_it() {
    let formats = [Format::Yml, Format::Rss, Format::Atom, Format::Tsv];
    for (name, own) in ALL.iter().zip(formats) {
        for format in formats {
            let terms = Terms {
                format: Some(format),
                ..terms()
            };
            let result = read(&fixture(name), 100, terms).map(drop);
            let expected = if format == own {
                Ok(())
            } else {
                Err(FeedError::OtherFormat)
            };
            assert_eq!(result, expected, "{name} as {format:?}");
        }
    }
    for other in ["<html><body/></html>", "name\tprice\nx\t1\n", "<a", ""] {
        assert!(read(other.as_bytes(), 1, terms()).is_err(), "{other}");
    }
}

#[test]
fn a_feed_that_breaks_off_is_never_taken_for_whole() {
    for name in &ALL[..3] {
        let text = String::from_utf8(fixture(name)).unwrap();
        let whole = text.trim_end();
        for (cut, _) in whole.char_indices() {
            let result = read(&whole.as_bytes()[..cut], 1_000, terms());
            assert!(result.is_err(), "{name} cut at {cut}");
        }
        assert!(read(whole.as_bytes(), 1_000, terms()).is_ok());
    }
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_offers(
        (which, cuts) in (0..ALL.len(), prop::collection::vec(1..400_usize, 1..40)),
        times in 1..60_usize,
    ) {
        // Longer than one look, so that tags are torn.
        let text = String::from_utf8(fixture(ALL[which])).unwrap();
        let comment = format!("<!-- {} -->", "x".repeat(times * 500));
        let text = match text.split_once("?>") {
            Some((head, rest)) => format!("{head}?>{comment}{rest}"),
            None => text,
        };
        let bytes = text.as_bytes();
        let mut reader = FeedReader::new(terms());
        let (mut offers, mut at) = (Vec::new(), 0);
        for cut in cuts.iter().cycle() {
            let end = (at + cut).min(bytes.len());
            reader.push(&bytes[at..end]).unwrap();
            offers.extend(reader.take());
            at = end;
            if at == bytes.len() {
                break;
            }
        }
        reader.finish().unwrap();
        offers.extend(reader.take());
        prop_assert_eq!(offers, read(bytes, bytes.len(), terms()).unwrap().0);
    }
}

#[test]
fn store_yaml_says_what_is_wrong_with_a_feed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/store.yaml");
    let held = std::fs::read_to_string(path).unwrap();
    let findings = |catalogue: &str| store_check::parse(&format!("{held}\ncatalogue: {catalogue}\n"));
    for good in [
        "{}",
        "{ price_drop: 10 }",
        "{ feeds: [{ url: 'https://shop.example/feed.xml', format: yml, every: 1h, source: shopify }] }",
    ] {
        assert!(findings(good).is_ok(), "{good}: {:?}", findings(good));
    }
    for (wrong, said) in [
        ("{ feed: [] }", "unknown field `feed`; did you mean `feeds`?"),
        ("{ price_drop: 0 }", "from 1 to 90"),
        (
            "{ feeds: [{ url: 'http://shop.example/' }] }",
            "must start with `https://`",
        ),
        (
            "{ feeds: [{ url: 'https://10.0.0.1/' }] }",
            "no host of the open web",
        ),
        (
            "{ feeds: [{ url: 'https://магазин.рф/' }] }",
            "a character that an address cannot have",
        ),
        (
            "{ feeds: [{ url: 'https://a.example/', format: xml }] }",
            "`xml` is not valid here",
        ),
        (
            "{ feeds: [{ url: 'https://a.example/', every: 1m }] }",
            "from `15m` to `7d`",
        ),
        (
            "{ feeds: [{ url: 'https://a.example/', source: shopfy }] }",
            "did you mean `shopify`?",
        ),
        (
            "{ feeds: [{ url: 'https://a.example/' }, { url: 'https://a.example/' }] }",
            "listed twice",
        ),
    ] {
        let found = findings(wrong).unwrap_err();
        let text: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(text.iter().any(|text| text.contains(said)), "{wrong}: {text:?}");
    }
}

/// What waits after each piece is what the piece brought: the reader itself holds no more than a torn tag.
#[test]
fn a_long_feed_is_never_held_whole() {
    const OFFERS: usize = 20_000;
    let mut reader = FeedReader::new(terms());
    let head = yml("", "").replace("</offers></shop></yml_catalog>", "");
    reader.push(head.as_bytes()).unwrap();
    let (mut found, mut most) = (0, 0);
    let mut piece = String::new();
    for id in 0..OFFERS {
        let about = "слово ".repeat(id % 50);
        write!(
            piece,
            "<offer id=\"{id}\"><name>Кружка {id}</name><description>{about}</description></offer>"
        )
        .unwrap();
        if piece.len() > 60_000 {
            reader.push(piece.as_bytes()).unwrap();
            let taken = reader.take().len();
            found += taken;
            most = most.max(taken);
            piece.clear();
        }
    }
    piece.push_str("</offers></shop></yml_catalog>");
    reader.push(piece.as_bytes()).unwrap();
    reader.finish().unwrap();
    found += reader.take().len();
    assert_eq!(found, OFFERS);
    assert!(most < 400, "{most} at once");
}

/// A YML feed around these lines.
fn yml(before: &str, offers: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>{before}<yml_catalog><shop><offers>{offers}</offers></shop></yml_catalog>"
    )
}

#[test]
fn nothing_is_fetched_or_expanded() {
    let named = yml(
        "<!DOCTYPE yml_catalog SYSTEM \"shops.dtd\">",
        "<offer id=\"1\"><name>a&lt;b&#x21;&nbsp;&evil;c &amp;amp; d</name></offer>",
    );
    let (offers, _) = read(named.as_bytes(), 10, terms()).unwrap();
    assert_eq!(offers[0].title.as_deref(), Some("a<b!  c &amp; d"));

    let laughs = "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;\">]>";
    let file = "<!DOCTYPE a [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    for before in [laughs, file] {
        let text = yml(before, "<offer id=\"1\"><name>&lol2;&f;</name></offer>");
        assert_eq!(read(text.as_bytes(), 100, terms()), Err(FeedError::Entities));
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_not_read() {
    let deep = yml("", &"<a>".repeat(100_000));
    assert_eq!(read(deep.as_bytes(), 4_096, terms()), Err(FeedError::TooDeep));
    let endless = yml("", &format!("<offer id=\"{}", "x".repeat(400_000)));
    assert_eq!(read(endless.as_bytes(), 4_096, terms()), Err(FeedError::TooLong));
    let line = format!("id\ttitle\n1\t\"{}", "x".repeat(400_000));
    assert_eq!(read(line.as_bytes(), 4_096, terms()), Err(FeedError::TooLong));
    // A long description is left out, and its offer read.
    let text = "слово ".repeat(15_000);
    let told = yml(
        "",
        &format!("<offer id=\"1\"><description><![CDATA[{text}]]></description><price>10</price></offer>"),
    );
    let (offers, _) = read(told.as_bytes(), 1_000, terms()).unwrap();
    assert_eq!(offers[0].price.unwrap().to_string(), "10.00 GBP");
}

#[test]
fn what_an_offer_says_is_made_fit() {
    let text = yml(
        "",
        "<offer id=\" 7 \" available=\"false\"><url>javascript:alert(1)</url><picture>https://cdn.example/a b.jpg</picture>\
         <price>1e9</price><oldprice>5</oldprice><name>Two\nlines\t\u{7f}</name></offer><offer><name>nameless</name></offer>",
    );
    let (offers, nameless) = read(text.as_bytes(), 50, terms()).unwrap();
    assert_eq!(nameless, 1);
    let only = &offers[0];
    assert_eq!(
        (only.id.as_str(), only.title.as_deref()),
        ("7", Some("Two lines"))
    );
    assert_eq!(
        (&only.url, &only.image, only.price, only.compare_at),
        (&None, &None, None, None)
    );
    assert!(!only.available);
}

#[test]
fn tags_that_do_not_close_each_other_are_no_feed() {
    let text = yml("", "<offer id=\"1\"><name>a</price></offer>");
    assert_eq!(read(text.as_bytes(), 100, terms()), Err(FeedError::Malformed));
}

#[test]
fn a_feed_may_use_the_ids_of_every_shop_there_is() {
    let names: Vec<&str> = SourceKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let unnamed: Vec<&&str> = names.iter().filter(|name| !SHOPS.contains(name)).collect();
    assert_eq!(unnamed, [&"stripe", &"events"]);
    assert!(SHOPS.iter().all(|shop| names.contains(shop)));
}
