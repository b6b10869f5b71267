//! What is wrong with `best_sellers:` of `store.yaml`. Called by `store_check`.

use super::best_sellers::MOST;
use super::check::is_language;
use super::parse::is_plain_name;
use super::store_file::StoreFile;
use super::yaml::{Node, Reader, Value};
use crate::domain::web_address;
use std::collections::BTreeSet;

/// The best sellers, each at its place.
pub fn check(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Value::List(nodes) = &node.value else { return };
    if nodes.len() > MOST {
        let message = format!(
            "there are {}, and mails know what to do with {MOST} at most",
            nodes.len()
        );
        reader.report(node.place, message);
    }
    let mut earlier = BTreeSet::new();
    for (product, node) in store.best_sellers.iter().zip(nodes) {
        if !is_plain_name(&product.id) {
            reader.report(node.place, "`id` has only lower-case letters, digits and `-`");
        }
        if !earlier.insert(&product.id) {
            reader.report(node.place, format!("`{}` is listed twice", product.id));
        }
        let titles = product.translations.values().map(|text| &text.title);
        if titles
            .chain([&product.title])
            .any(|title| title.trim().is_empty())
        {
            reader.report(node.place, "`title` is what people read: it cannot be empty");
        }
        for tag in product.translations.keys().filter(|tag| !is_language(tag)) {
            reader.report(
                node.place,
                format!("`{tag}` is not a language, as `de` or `pt-BR`"),
            );
        }
        let image = product.image_url.as_ref().map(|url| ("image_url", url));
        for (name, url) in [("url", &product.url)].into_iter().chain(image) {
            if let Some(problem) = unlinkable(url).or_else(|| still_the_sample(url, &store.brand.url)) {
                reader.report(node.place, format!("`{name}`: {problem}"));
            }
        }
        let decimals = store.currency.decimals();
        if product.price.is_some_and(|price| price.decimals() > decimals) {
            let message = format!(
                "`price` has more decimals than {} has: {decimals}",
                store.currency
            );
            reader.report(node.place, message);
        }
    }
}

/// Sample goods in a shop of one's own. Domains of `.example` are nobody's (RFC 2606).
fn still_the_sample(url: &str, shop: &str) -> Option<String> {
    let host = |url: &str| url.split('/').nth(2).unwrap_or_default().to_ascii_lowercase();
    let is_sample = |url: &str| host(url).ends_with(".example");
    (is_sample(url) && !is_sample(shop)).then(|| {
        format!(
            "{} is a sample's; put in what your shop sells most, or take `best_sellers:` out",
            host(url)
        )
    })
}

/// Why a mail would leave an address out.
fn unlinkable(url: &str) -> Option<String> {
    if let Err(problem) = web_address::check(url, false) {
        return Some(problem.to_string());
    }
    let breaks = url.contains(['"', '\'', '<', '>', '`']);
    breaks.then(|| "quotes and angle brackets have to be written as `%22` and the like".to_owned())
}

#[cfg(test)]
mod tests {
    use super::still_the_sample;

    #[test]
    fn sample_goods_are_refused_in_a_shop_of_ones_own_alone() {
        let (sample, own) = ("https://northfold.example/jug", "https://shop.acme.com/jug");
        let said = still_the_sample(sample, "https://shop.acme.com").unwrap();
        assert!(
            said.starts_with("northfold.example") && said.contains("take `best_sellers:` out"),
            "{said}"
        );
        assert_eq!(still_the_sample(sample, "https://northfold.example"), None);
        assert_eq!(still_the_sample(own, "https://shop.acme.com"), None);
    }
}
