//! UTM tags on links to the store's own pages, by which its web analytics know that a visitor came from a mail.
//!
//! Called by `tracking` for each link of a mail. It adds and changes nothing else: tags that are there stay, and every
//! byte of the address keeps its place. The tags: <https://support.google.com/analytics/answer/10917952>.

use crate::domain::message::Message;
use crate::journey::store_file::StoreFile;
use crate::journey::tracking::Utm;

/// The tags of one mail.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    /// Name and value, ready to be put into a query.
    pairs: Vec<(&'static str, String)>,
    /// Hosts of the store, as they travel, without `www.`.
    sites: Vec<String>,
}

impl Tags {
    /// None of them when `utm: false`.
    pub fn new(store: &StoreFile, message: &Message) -> Self {
        let Utm::On(tags) = &store.utm else {
            return Self::default();
        };
        let filled = |template: &str| {
            template
                .replace("{journey}", message.journey.as_str())
                .replace("{step}", message.step.as_str())
                .replace("{email}", message.email.as_str())
        };
        let own = host_of(&store.brand.url);
        let sites = own
            .into_iter()
            .chain(tags.sites.iter().filter_map(|site| wire(site)));
        Self {
            pairs: tags
                .each()
                .into_iter()
                .filter(|(_, template)| !template.is_empty())
                .map(|(name, template)| (name, encoded(&filled(template))))
                .collect(),
            sites: sites
                .map(|site| site.strip_prefix("www.").unwrap_or(&site).to_owned())
                .collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn of(pairs: &[(&'static str, &str)], sites: &[&str]) -> Self {
        Self {
            pairs: pairs
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            sites: sites.iter().map(|site| (*site).to_owned()).collect(),
        }
    }

    /// The address with those tags that it lacks; as it is where it leads to somebody else's pages.
    pub fn added_to(&self, url: &str) -> String {
        if !host_of(url).is_some_and(|host| self.is_own(&host)) {
            return url.to_owned();
        }
        let (page, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let query = page.split_once('?').map(|(_, query)| query);
        let has = |name: &str| {
            query.unwrap_or_default().split('&').any(|pair| {
                let held = pair.split_once('=').map_or(pair, |(held, _)| held);
                held.eq_ignore_ascii_case(name)
            })
        };
        let mut tagged = page.to_owned();
        let mut joint = match query {
            None => "?",
            Some(query) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        for (name, value) in self.pairs.iter().filter(|(name, _)| !has(name)) {
            tagged.push_str(joint);
            tagged.push_str(name);
            tagged.push('=');
            tagged.push_str(value);
            joint = "&";
        }
        tagged.push_str(fragment);
        tagged
    }

    fn is_own(&self, host: &str) -> bool {
        self.sites.iter().any(|site| {
            let before = host.strip_suffix(site.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }
}

/// The host of a web address, as it travels; none where a user or a password stands before it.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    if authority.contains('@') {
        return None;
    }
    wire(authority.split(':').next()?)
}

fn wire(host: &str) -> Option<String> {
    let host = idna::domain_to_ascii(host).ok()?;
    (!host.is_empty()).then_some(host)
}

/// A value in lower case, with all that could mean something in a query as `%` and its number (RFC 3986, 2.3).
fn encoded(value: &str) -> String {
    let lower = value.to_lowercase();
    let mut text = String::with_capacity(lower.len());
    for byte in lower.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex::encode_upper([byte]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Tags {
        Tags::of(
            &[("utm_source", "wend"), ("utm_content", "nudge")],
            &["shop.example", "xn--bcher-kva.example"],
        )
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        for (url, expected) in [
            (
                "https://shop.example",
                "https://shop.example?utm_source=wend&utm_content=nudge",
            ),
            (
                "https://shop.example/",
                "https://shop.example/?utm_source=wend&utm_content=nudge",
            ),
            (
                "https://shop.example/?",
                "https://shop.example/?utm_source=wend&utm_content=nudge",
            ),
            (
                "http://www.shop.example/a?b=%7e&c#d?e=f",
                "http://www.shop.example/a?b=%7e&c&utm_source=wend&utm_content=nudge#d?e=f",
            ),
            (
                "https://shop.example/?b=1&",
                "https://shop.example/?b=1&utm_source=wend&utm_content=nudge",
            ),
            (
                "https://shop.example/?UTM_Source=x",
                "https://shop.example/?UTM_Source=x&utm_content=nudge",
            ),
            (
                "https://shop.example/?utm_content&utm_source=",
                "https://shop.example/?utm_content&utm_source=",
            ),
            (
                "https://shop.example/?xutm_source=1",
                "https://shop.example/?xutm_source=1&utm_source=wend&utm_content=nudge",
            ),
            (
                "https://shop.example/#/cart",
                "https://shop.example/?utm_source=wend&utm_content=nudge#/cart",
            ),
            (
                "https://Blog.Shop.Example:8443/ж",
                "https://Blog.Shop.Example:8443/ж?utm_source=wend&utm_content=nudge",
            ),
            (
                "https://bücher.example/",
                "https://bücher.example/?utm_source=wend&utm_content=nudge",
            ),
            (
                "https://xn--bcher-kva.example/",
                "https://xn--bcher-kva.example/?utm_source=wend&utm_content=nudge",
            ),
        ] {
            assert_eq!(tags().added_to(url), expected);
            assert_eq!(tags().added_to(expected), expected, "twice is once");
        }
    }

    #[test]
    fn other_peoples_pages_are_left_alone() {
        for url in [
            "https://instagram.example/shop",
            "https://notshop.example/",
            "https://shop.example.evil.example/",
            "https://shop.example@evil.example/",
            "https://evil.example/?https://shop.example/",
            "https://",
            "mailto:help@shop.example",
        ] {
            assert_eq!(tags().added_to(url), url);
        }
    }

    #[test]
    fn values_are_plain() {
        assert_eq!(encoded("Winter & Wool/2"), "winter%20%26%20wool%2F2");
        assert_eq!(encoded("checkout-nudge_1.0~"), "checkout-nudge_1.0~");
    }
}
