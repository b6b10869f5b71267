//! What templates may speak of: the names of `render::model::Model`, once more as data.
//!
//! `template_check` holds templates against this table; a test in `render` compares it with the model itself.

/// The shape of a value in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Text,
    Number,
    /// May be absent: reached by `{% if let Some(x) = … %}`.
    Optional(&'static Shape),
    List(&'static Shape),
    Record(&'static [(&'static str, Shape)]),
    /// Texts whose names the journeys declare that send the email.
    Variables,
    /// What `store.yaml` declares under this name, each a record of these fields.
    Declared(&'static str, &'static [(&'static str, Shape)]),
}

use Shape::{Declared, List, Number, Optional, Record, Text, Variables};

/// Where `store.yaml` declares what mails ask, and what templates call it.
pub const QUESTIONS: &str = "questions";
/// Where it declares what mails let the reader open.
pub const GIFTS: &str = "gifts";

const ANSWER: &[(&str, Shape)] = &[("id", Text), ("text", Text), ("url", Text)];

const QUESTION: &[(&str, Shape)] = &[
    ("text", Text),
    ("low", Optional(&Text)),
    ("high", Optional(&Text)),
    ("answers", List(&Record(ANSWER))),
];

const GIFT: &[(&str, Shape)] = &[("title", Text), ("url", Text)];

const STORE: &[(&str, Shape)] = &[
    ("name", Text),
    ("url", Text),
    ("logo", Optional(&Text)),
    ("color", Text),
    (ADDRESS, Text),
    ("support_email", Text),
    ("locale", Text),
    ("best_sellers", List(&Record(ITEM))),
];

const CONTACT: &[(&str, Shape)] = &[
    ("first_name", Optional(&Text)),
    ("email", Text),
    ("greeting", Text),
];

const COUPON: &[(&str, Shape)] = &[
    ("code", Text),
    ("percent", Optional(&Text)),
    ("expires", Optional(&Text)),
];

const REFERRAL_FIELDS: &[(&str, Shape)] = &[("link", Text), ("code", Text)];

/// Of the words of `templates/words/`, those of mails.
const WORDS: &[(&str, Shape)] = &[
    ("mail_view", Text),
    ("mail_unsubscribe", Text),
    ("mail_preferences", Text),
    ("mail_choose", Text),
    ("mail_quantity", Text),
    ("mail_total", Text),
    ("mail_more", Text),
    ("mail_code", Text),
];

const ITEM: &[(&str, Shape)] = &[
    ("title", Text),
    ("variant", Optional(&Text)),
    ("quantity", Number),
    ("price", Optional(&Text)),
    ("image_url", Optional(&Text)),
    ("url", Optional(&Text)),
];

const CHARGE: &[(&str, Shape)] = &[("title", Text), ("amount", Text)];

/// The names at the top: what a template writes without a dot.
pub const MODEL: &[(&str, Shape)] = &[
    ("store", Record(STORE)),
    ("contact", Record(CONTACT)),
    ("items", List(&Record(ITEM))),
    ("total", Optional(&Text)),
    ("charges", List(&Record(CHARGE))),
    ("total_note", Optional(&Text)),
    ("order_number", Optional(&Text)),
    ("coupon", Optional(&Record(COUPON))),
    ("variables", Variables),
    (QUESTIONS, Declared(QUESTIONS, QUESTION)),
    (GIFTS, Declared(GIFTS, GIFT)),
    (REFERRAL, Record(REFERRAL_FIELDS)),
    ("reason", Text),
    ("action_url", Text),
    (UNSUBSCRIBE, Optional(&Text)),
    ("view_url", Optional(&Text)),
    ("preferences_url", Optional(&Text)),
    (CONFIRM, Text),
    ("words", Record(WORDS)),
    ("subject", Text),
];

/// The name that the subject's own template cannot use.
pub const SUBJECT: &str = "subject";

/// The name that only a store with `referral:` in `store.yaml` may use.
pub const REFERRAL: &str = "referral";

/// The link that marketing must show, beside the store's postal address.
pub const UNSUBSCRIBE: &str = "unsubscribe_url";
/// The field of `store` that marketing must show: the postal address. No other record has a field of that name.
pub const ADDRESS: &str = "address";
/// What every marketing mail must show, in its HTML and in its text.
pub const MARKETING_SHOWS: [&str; 2] = [ADDRESS, UNSUBSCRIBE];
/// The link by which double opt-in is confirmed.
pub const CONFIRM: &str = "confirm_url";

/// Names that stay empty unless the journey's event brings a cart or an order.
pub const GOODS: [&str; 2] = ["items", "total"];
/// The name that stays empty unless the journey's event brings an order.
pub const ORDER: [&str; 1] = ["order_number"];

/// Every path a template can write, as `items.title`: for the comparison with the model.
pub fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    for (name, shape) in MODEL {
        paths.push((*name).to_owned());
        if let Record(fields) | List(Record(fields)) = shape {
            paths.extend(fields.iter().map(|(field, _)| format!("{name}.{field}")));
        }
    }
    paths
}
