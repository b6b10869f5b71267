//! A finished mail's links, led over ours and tagged; and the picture that tells of an open.
//!
//! Called by `email` once a mail is rendered, so it works alike for what a template writes and what a value brings. It
//! changes the addresses of links and nothing else. What it never touches: our own links, what is no web address, links
//! marked `data-no-track`, and the link that the contact hands on to friends: whoever follows that one is not the contact.

use super::emails::Rendered;
use super::links::{LinkKeys, Purpose, is_own};
use super::tags::{Attribute, Tag, tags};
use super::utm::Tags;
use crate::domain::email::EmailAddress;
use crate::domain::entities;
use crate::domain::ids::MessageId;
use askama::filters::{Escaper as _, Html};
use linkify::{LinkFinder, LinkKind};

/// What marks a link, in a template, that must stay as it is.
const UNTOUCHED: &str = "data-no-track";

/// How the links of one mail are changed.
pub struct Tracker<'a> {
    pub keys: &'a LinkKeys,
    /// Public address of this Worker.
    pub base_url: &'a str,
    pub message: &'a MessageId,
    /// Whom the mail goes to.
    pub to: &'a EmailAddress,
    pub clicks: bool,
    pub opens: bool,
    pub utm: Tags,
    /// Stays as it is wherever it stands; empty for none.
    pub untouched: &'a str,
    /// An address that the storefront made for this one person. It may be signed as a whole, so it gets no tags.
    pub untagged: Option<&'a str>,
}

impl Tracker<'_> {
    /// The mail with its links changed, and the picture at its end.
    pub fn track(&self, mail: Rendered) -> Rendered {
        let marked = marked(&mail.html);
        Rendered {
            subject: mail.subject,
            html: self.html(&mail.html),
            text: self.text(&mail.text, &marked),
        }
    }

    /// What takes the place of an address; none when it stays.
    fn link(&self, url: &str) -> Option<String> {
        if !is_web(url) || url == self.untouched || is_own(self.base_url, url) {
            return None;
        }
        let tagged = if self.untagged == Some(url) {
            url.to_owned()
        } else {
            self.utm.added_to(url)
        };
        let tracked = self
            .clicks
            .then(|| self.keys.click_url(self.base_url, self.message, &tagged));
        tracked.flatten().or_else(|| (tagged != url).then_some(tagged))
    }

    fn html(&self, html: &str) -> String {
        let mut changed = String::with_capacity(html.len() * 2);
        let (mut copied, mut body_ends) = (0, None);
        for tag in tags(html) {
            if tag.ends && tag.is("body") {
                body_ends = Some(tag.at);
            }
            let Some(href) = href(&tag).filter(|_| tag.attribute(UNTOUCHED).is_none()) else {
                continue;
            };
            if let Some(link) = self.link(address(href).trim()) {
                changed.push_str(html.get(copied..href.place.start).unwrap_or_default());
                changed.push('"');
                changed.push_str(&escaped(&link));
                changed.push('"');
                copied = href.place.end;
            }
        }
        // Links stand before the end of the body, so what is copied next holds it.
        let end = body_ends.filter(|at| *at >= copied).unwrap_or(html.len());
        changed.push_str(html.get(copied..end).unwrap_or_default());
        if self.opens {
            changed.push_str(&self.pixel());
        }
        changed.push_str(html.get(end..).unwrap_or_default());
        changed
    }

    fn text(&self, text: &str, marked: &[String]) -> String {
        let mut finder = LinkFinder::new();
        finder.kinds(&[LinkKind::Url]);
        let (mut changed, mut copied) = (String::with_capacity(text.len() * 2), 0);
        for found in finder.links(text) {
            let url = found.as_str();
            if marked.iter().any(|marked| marked == url) {
                continue;
            }
            if let Some(link) = self.link(url) {
                changed.push_str(text.get(copied..found.start()).unwrap_or_default());
                changed.push_str(&link);
                copied = found.end();
            }
        }
        changed.push_str(text.get(copied..).unwrap_or_default());
        changed
    }

    /// It has no words for who listens to the mail, and no size for who sees it.
    fn pixel(&self) -> String {
        let url = self.keys.url(self.base_url, Purpose::Open, self.message, self.to);
        let url = escaped(&url);
        format!(
            "<img src=\"{url}\" alt=\"\" width=\"1\" height=\"1\" style=\"display:block; width:1px; height:1px; border:0;\">\n"
        )
    }
}

/// The addresses of links that a template marks: what it marks in the HTML part stays in the text part too.
fn marked(html: &str) -> Vec<String> {
    tags(html)
        .filter(|tag| tag.attribute(UNTOUCHED).is_some())
        .filter_map(|tag| href(&tag).map(|href| address(href).trim().to_owned()))
        .collect()
}

fn href<'t, 'h>(tag: &'t Tag<'h>) -> Option<&'t Attribute<'h>> {
    let links = !tag.ends && (tag.is("a") || tag.is("area"));
    tag.attribute("href").filter(|_| links)
}

fn address(href: &Attribute<'_>) -> String {
    entities::decode(href.value)
}

/// As a template writes it.
fn escaped(url: &str) -> String {
    let mut escaped = String::with_capacity(url.len());
    // A string takes all that is written to it.
    let _ = Html.write_escaped_str(&mut escaped, url);
    escaped
}

/// An address that a browser opens as it is written. One with blanks or controls in it is nobody's intention.
fn is_web(url: &str) -> bool {
    let starts = |scheme: &str| {
        url.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    (starts("https://") || starts("http://"))
        && host.starts_with(|c: char| c.is_alphanumeric() || c == '[')
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests;
