//! Finds the tags of an HTML text and the places of their attributes, as the HTML standard's tokenizer does.
//!
//! Called by `tracking`, which changes links in a finished mail without touching anything else of it. What stands in
//! comments, in `<style>` or in `<title>` is no tag. Rules: <https://html.spec.whatwg.org/multipage/parsing.html#tokenization>.
//! A test compares it with a whole tokenizer (`html5gum`), which would add 50 KB to the Worker.

use std::ops::Range;

/// Elements whose content is text until their end tag.
const TEXT_ONLY: [&str; 8] = [
    "title", "textarea", "style", "script", "xmp", "iframe", "noembed", "noframes",
];

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'h> {
    /// As it is written, in any case.
    pub name: &'h str,
    /// Whether it is an end tag.
    pub ends: bool,
    /// Where its `<` stands.
    pub at: usize,
    /// Where what follows its `>` begins.
    pub after: usize,
    /// In their order; the first of a name counts.
    attributes: Vec<Attribute<'h>>,
}

/// One attribute of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'h> {
    pub name: &'h str,
    /// As it is written, with its entities; empty when there is none.
    pub value: &'h str,
    /// Where the value stands, its quotes included.
    pub place: Range<usize>,
}

impl<'h> Tag<'h> {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub fn attribute(&self, name: &str) -> Option<&Attribute<'h>> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// The tags of a text, in order.
pub fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut scanner = Scanner { html, at: 0 };
    std::iter::from_fn(move || scanner.next_tag())
}

struct Scanner<'h> {
    html: &'h str,
    at: usize,
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

impl<'h> Scanner<'h> {
    fn next_tag(&mut self) -> Option<Tag<'h>> {
        loop {
            let at = self.at + self.rest().find('<')?;
            self.at = at + 1;
            let ends = self.peek() == Some(b'/');
            if ends {
                self.at += 1;
            }
            match self.peek()? {
                byte if byte.is_ascii_alphabetic() => {
                    let tag = self.tag(at, ends)?;
                    if !ends {
                        self.skip_text_of(tag.name);
                    }
                    return Some(tag);
                }
                b'!' if !ends && self.rest().starts_with("!--") => self.skip_comment(),
                b'!' | b'?' => self.skip_past(">"),
                _ if ends => self.skip_past(">"),
                _ => {}
            }
        }
    }

    fn rest(&self) -> &'h str {
        self.html.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.html.as_bytes().get(self.at).copied()
    }

    fn skip_past(&mut self, end: &str) {
        self.at = match self.rest().find(end) {
            Some(found) => self.at + found + end.len(),
            None => self.html.len(),
        };
    }

    /// Takes all that is not in `stops`; stops stand for themselves, so the cut is between letters.
    fn take_until(&mut self, stops: impl Fn(u8) -> bool) -> &'h str {
        let rest = self.rest();
        let end = rest.bytes().position(stops).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn skip_comment(&mut self) {
        self.at += "!--".len();
        for whole in [">", "->"] {
            if self.rest().starts_with(whole) {
                self.at += whole.len();
                return;
            }
        }
        let rest = self.rest();
        let ends = ["-->", "--!>"].map(|end| rest.find(end).map(|at| at + end.len()));
        self.at += ends.into_iter().flatten().min().unwrap_or(rest.len());
    }

    /// Goes to the end tag of an element that holds text only.
    fn skip_text_of(&mut self, name: &str) {
        if !TEXT_ONLY.iter().any(|only| name.eq_ignore_ascii_case(only)) {
            return;
        }
        loop {
            let rest = self.rest();
            let Some(found) = rest.find("</") else {
                self.at = self.html.len();
                return;
            };
            let inside = rest.get(found + 2..).unwrap_or_default();
            let same = inside
                .get(..name.len())
                .is_some_and(|end| end.eq_ignore_ascii_case(name));
            let after = inside.as_bytes().get(name.len());
            if same && after.is_none_or(|byte| is_space(*byte) || matches!(byte, b'/' | b'>')) {
                self.at += found;
                return;
            }
            self.at += found + 2;
        }
    }

    /// None when the text ends within the tag: it is then no tag.
    fn tag(&mut self, at: usize, ends: bool) -> Option<Tag<'h>> {
        let name = self.take_until(|byte| is_space(byte) || matches!(byte, b'/' | b'>'));
        let mut attributes = Vec::new();
        loop {
            self.take_until(|byte| !is_space(byte) && byte != b'/');
            if self.peek()? == b'>' {
                self.at += 1;
                return Some(Tag {
                    name,
                    ends,
                    at,
                    after: self.at,
                    attributes,
                });
            }
            attributes.push(self.attribute()?);
        }
    }

    fn attribute(&mut self) -> Option<Attribute<'h>> {
        let start = self.at;
        // A name may begin with `=`.
        self.at += usize::from(self.peek()? == b'=');
        self.take_until(|byte| is_space(byte) || matches!(byte, b'/' | b'>' | b'='));
        let name = self.html.get(start..self.at)?;
        let behind = self.at;
        self.take_until(|byte| !is_space(byte));
        if self.peek()? != b'=' {
            self.at = behind;
            return Some(Attribute {
                name,
                value: "",
                place: behind..behind,
            });
        }
        self.at += 1;
        self.take_until(|byte| !is_space(byte));
        let from = self.at;
        let value = match self.peek()? {
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                let value = self.take_until(|byte| byte == quote);
                self.peek()?;
                self.at += 1;
                value
            }
            b'>' => "",
            _ => self.take_until(|byte| is_space(byte) || byte == b'>'),
        };
        Some(Attribute {
            name,
            value,
            place: from..self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use html5gum::emitters::default::DefaultEmitter;
    use html5gum::{Token, Tokenizer};
    use proptest::prelude::*;

    type Read = Vec<(String, Vec<(String, String)>)>;

    fn lower(text: &str) -> String {
        text.to_ascii_lowercase()
    }

    fn ours(html: &str) -> Read {
        let read = |tag: Tag<'_>| {
            let mut attributes: Vec<(String, String)> = Vec::new();
            for attribute in &tag.attributes {
                let name = lower(attribute.name);
                if !attributes.iter().any(|(held, _)| *held == name) {
                    attributes.push((name, attribute.value.to_owned()));
                }
            }
            attributes.sort();
            (lower(tag.name), attributes)
        };
        tags(html).filter(|tag| !tag.ends).map(read).collect()
    }

    /// The same by a tokenizer that passes the standard's own tests.
    fn theirs(html: &str) -> Read {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let read = |token: Token<()>| match token {
            Token::StartTag(tag) => {
                let attributes = tag.attributes.iter();
                let mut attributes: Vec<(String, String)> = attributes
                    .map(|(name, value)| (text(name), text(value)))
                    .collect();
                attributes.sort();
                Some((text(&tag.name), attributes))
            }
            _ => None,
        };
        let tokens = Tokenizer::new_with_emitter(html, emitter);
        tokens.filter_map(|token| read(token.unwrap())).collect()
    }

    #[test]
    fn comments_styles_and_titles_hold_no_tags() {
        for (html, expected) in [
            ("<a href=x>", vec!["a"]),
            ("<!-- <a href=x> --><b>", vec!["b"]),
            ("<!--><a>", vec!["a"]),
            ("<!--a--!><b>", vec!["b"]),
            ("<!--[if mso]><a href=x><![endif]--><b>", vec!["b"]),
            ("<!--[if !mso]><!--><a href=x><!--<![endif]-->", vec!["a"]),
            (
                "<style>a > b { content: '<a href=x>' }</style><b>",
                vec!["style", "b"],
            ),
            ("<title><a href=x></title ><b>", vec!["title", "b"]),
            ("<!doctype html><p>1 < 2 <3 </ p><i>", vec!["p", "i"]),
            ("<a href='x", vec![]),
        ] {
            let names: Vec<String> = ours(html).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expected, "{html}");
        }
    }

    #[test]
    fn a_value_is_found_however_it_is_quoted() {
        for html in [
            "<A HREF=\"x y\">",
            "<a href='x y'>",
            "<a\n\thref = \"x y\" />",
            "<a title='a > b'href=\"x y\"href=z>",
        ] {
            let tag = tags(html).next().unwrap();
            let href = tag.attribute("href").unwrap();
            assert_eq!(href.value, "x y", "{html}");
            let place = &html[href.place.clone()];
            assert_eq!(place.trim_matches(['"', '\'']), "x y", "{html}");
        }
        let bare = tags("<a data-no-track href=x/>").next().unwrap();
        assert!(bare.attribute("data-no-track").is_some());
        assert_eq!(bare.attribute("href").unwrap().value, "x/");
    }

    fn pieces() -> impl Strategy<Value = String> {
        // No `&`: entities are the caller's business. No NUL, which the standard replaces.
        let piece = prop::sample::select(vec![
            "<",
            ">",
            "</",
            "/",
            "a",
            "A",
            " ",
            "\n",
            "=",
            "\"",
            "'",
            "!",
            "--",
            "-",
            "<!--",
            "-->",
            "--!>",
            "<a",
            "<a href=",
            "href",
            "<style>",
            "</style>",
            "</style ",
            "<title>",
            "</TITLE>",
            "</titles>",
            "<!doctype",
            "?",
            "<![endif]",
            "ж",
            "data-no-track",
            "https://shop.example/?a=1#b",
            "<br/>",
            "<p>",
            "[CDATA[",
            "<textarea>",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn it_reads_what_a_whole_tokenizer_reads(html in pieces()) {
            prop_assert_eq!(ours(&html), theirs(&html));
        }
    }
}
