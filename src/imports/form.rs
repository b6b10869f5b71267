//! Whose list a file is, by its heading. One table: to know another program, a row here and its mapping.
//!
//! Called by `imports::read`. `docs/import.md` shows the table's columns, and says where each program has its export.

use super::row::Columns;
use super::when::Slashes;
use std::fmt;

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Contacts,
    Orders,
}

/// A list that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Klaviyo,
    Mailchimp,
    Listmonk,
    ShopifyCustomers,
    WoocommerceCustomers,
    WoocommerceUsers,
    Own,
    ShopifyOrders,
    WoocommerceOrders,
    OwnOrders,
}

struct Known {
    form: Form,
    subject: Subject,
    /// For people.
    title: &'static str,
    /// Under which name what it says is kept.
    list: &'static str,
    /// A heading with all of these is this one, the first of the table that fits.
    needs: &'static [&'static str],
}

const KNOWN: [Known; 12] = [
    contacts(
        Form::Klaviyo,
        "Klaviyo's list",
        "klaviyo",
        &["email", "klaviyo id"],
    ),
    contacts(
        Form::Klaviyo,
        "Klaviyo's list",
        "klaviyo",
        &["email", "email marketing consent"],
    ),
    contacts(
        Form::Mailchimp,
        "Mailchimp's audience",
        "mailchimp",
        &["email address", "leid"],
    ),
    contacts(
        Form::Mailchimp,
        "Mailchimp's audience",
        "mailchimp",
        &["email address", "member_rating"],
    ),
    contacts(
        Form::Listmonk,
        "listmonk's subscribers",
        "listmonk",
        &["email", "name", "attributes", "status"],
    ),
    contacts(
        Form::ShopifyCustomers,
        "Shopify's customers",
        "shopify",
        &["email", "accepts email marketing"],
    ),
    contacts(
        Form::WoocommerceCustomers,
        "WooCommerce's customers (Analytics)",
        "woocommerce",
        &["name", "username", "email", "total spend"],
    ),
    contacts(
        Form::WoocommerceUsers,
        "WooCommerce's customers (Import Export Suite)",
        "woocommerce",
        &["user_email", "user_login"],
    ),
    orders(
        Form::ShopifyOrders,
        "Shopify's orders",
        "shopify",
        &["name", "email", "financial status", "created at", "id"],
    ),
    orders(
        Form::WoocommerceOrders,
        "WooCommerce's orders",
        "woocommerce",
        &["order_id", "order_date", "status", "order_total"],
    ),
    orders(
        Form::OwnOrders,
        "orders in Wend's own form",
        "csv",
        &["order_id", "placed_at"],
    ),
    contacts(Form::Own, "contacts in Wend's own form", "csv", &["email"]),
];

const fn contacts(
    form: Form,
    title: &'static str,
    list: &'static str,
    needs: &'static [&'static str],
) -> Known {
    Known {
        form,
        subject: Subject::Contacts,
        title,
        list,
        needs,
    }
}

const fn orders(
    form: Form,
    title: &'static str,
    list: &'static str,
    needs: &'static [&'static str],
) -> Known {
    Known {
        form,
        subject: Subject::Orders,
        title,
        list,
        needs,
    }
}

/// Columns of Wend's own forms; besides them, whatever begins as in [`OWN_BEGINNINGS`].
const OWN: [&str; 17] = [
    "email",
    "first_name",
    "last_name",
    "phone",
    "locale",
    "timezone",
    "country",
    "tags",
    "birthday",
    "since",
    "consent",
    "consent_at",
    "consent_method",
    "consent_text",
    "consent_ip",
    "source",
    "customer_id",
];
/// Columns that the report of rejected lines has before the file's own: a mended one is a list again.
const OF_REJECTS: [&str; 2] = ["line", "reason"];
const OWN_BEGINNINGS: [&str; 1] = ["attribute."];
const OWN_ORDERS: [&str; 18] = [
    "order_id",
    "source",
    "number",
    "email",
    "customer_id",
    "first_name",
    "last_name",
    "country",
    "placed_at",
    "status",
    "status_at",
    "total",
    "currency",
    "title",
    "quantity",
    "price",
    "sku",
    "coupon",
];

impl Form {
    /// The list that has these columns.
    ///
    /// # Errors
    /// With words that say what could be read.
    pub fn of(columns: &Columns, subject: Subject) -> Result<Self, String> {
        let fits = |known: &&Known| known.needs.iter().all(|column| columns.contains_key(*column));
        let known = KNOWN
            .iter()
            .filter(|known| known.subject == subject)
            .find(fits)
            .ok_or_else(|| unknown(columns, subject))?;
        let own: &[&str] = match known.form {
            Self::Own => &OWN,
            Self::OwnOrders => &OWN_ORDERS,
            Self::Klaviyo
            | Self::Mailchimp
            | Self::Listmonk
            | Self::ShopifyCustomers
            | Self::WoocommerceCustomers
            | Self::WoocommerceUsers
            | Self::ShopifyOrders
            | Self::WoocommerceOrders => return Ok(known.form),
        };
        let is_own = |column: &&String| {
            let begins = OWN_BEGINNINGS.iter().any(|begin| column.starts_with(begin));
            let listed = own.contains(&column.as_str()) || OF_REJECTS.contains(&column.as_str());
            listed || (begins && known.form == Self::Own)
        };
        let strange: Vec<&str> = columns
            .keys()
            .filter(|column| !is_own(column) && !column.is_empty())
            .map(String::as_str)
            .collect();
        if strange.is_empty() {
            return Ok(known.form);
        }
        Err(format!(
            "the column{} `{}` {} not known. {}",
            if strange.len() > 1 { "s" } else { "" },
            strange.join("`, `"),
            if strange.len() > 1 { "are" } else { "is" },
            accepted(subject)
        ))
    }

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.form == self)
    }

    /// For people.
    pub fn title(self) -> &'static str {
        self.known().map_or("", |known| known.title)
    }

    /// The name under which what it says is kept.
    pub fn list(self) -> &'static str {
        self.known().map_or("csv", |known| known.list)
    }

    /// Of these programs, `9/6/2016` is the sixth of September.
    pub const fn slashes(self) -> Slashes {
        match self {
            Self::WoocommerceOrders | Self::Mailchimp => Slashes::MonthFirst,
            Self::Klaviyo
            | Self::Listmonk
            | Self::ShopifyCustomers
            | Self::WoocommerceCustomers
            | Self::WoocommerceUsers
            | Self::Own
            | Self::ShopifyOrders
            | Self::OwnOrders => Slashes::Refused,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

fn unknown(columns: &Columns, subject: Subject) -> String {
    let named: Vec<&str> = columns.keys().map(String::as_str).collect();
    format!(
        "nobody's list has this heading: `{}`. {}",
        named.join("`, `"),
        accepted(subject)
    )
}

/// What can be read, for the message that something else cannot.
fn accepted(subject: Subject) -> String {
    let mut text = String::from("Accepted are");
    let mut titles: Vec<&str> = Vec::new();
    for known in KNOWN.iter().filter(|known| known.subject == subject) {
        if !titles.contains(&known.title) {
            titles.push(known.title);
            text.push_str(&format!("\n  {} ({}, …)", known.title, known.needs.join(", ")));
        }
    }
    let own: &[&str] = match subject {
        Subject::Contacts => &OWN,
        Subject::Orders => &OWN_ORDERS,
    };
    text.push_str(&format!(
        "\nWend's own columns are {}{}.\nA column is read under another name with --map 'Its name=email'; docs/import.md has more.",
        own.join(", "),
        match subject {
            Subject::Contacts => " and attribute.<name>",
            Subject::Orders => "",
        }
    ));
    text
}
