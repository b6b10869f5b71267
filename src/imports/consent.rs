//! What each program's list says of consent. Called by `contacts`; a yes is read only where the list says one.
//!
//! Who bounced or complained is suppressed; who left is unsubscribed; who never said anything stays unknown. Where a list
//! cannot tell, the person who imports it may ([`Said`]).

use super::form::Form;
use super::record::ListedConsent;
use super::row::Row;
use crate::domain::consent::ConsentState;
use crate::domain::time::Timestamp;

/// What whoever imports a list says of it, because it does not say so itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The consent of everybody of whom the list says neither yes nor no.
    pub state: Option<ConsentState>,
    /// How those who said yes did: `double_opt_in`.
    pub method: Option<String>,
}

/// Reasons for which a provider keeps an address back that say a no, and nothing about the mailbox.
const LEFT: [&str; 2] = ["unsub", "user_suppressed"];

/// What the line says of consent, and what was said of the whole list.
///
/// # Errors
/// With words for the report, where the list says something that is no state of consent.
pub fn of(form: Form, row: &Row<'_>, said: &Said) -> Result<Option<ListedConsent>, String> {
    let mut consent = match form {
        Form::Klaviyo => klaviyo(row)?,
        Form::Mailchimp => mailchimp(row)?,
        Form::Listmonk => listmonk(row)?,
        Form::ShopifyCustomers => shopify(row)?,
        Form::Own => own(row)?,
        // They keep none.
        Form::WoocommerceCustomers
        | Form::WoocommerceUsers
        | Form::ShopifyOrders
        | Form::WoocommerceOrders
        | Form::OwnOrders => None,
    };
    consent = match (consent, said.state) {
        // Who is said to have given none gets no yes by a word about the whole list.
        (
            Some(ListedConsent {
                state: ConsentState::Unknown,
                ..
            }),
            Some(state),
        ) if state != ConsentState::Subscribed && state != ConsentState::Pending => Some(plain(state, None)),
        (Some(told), _) => Some(told),
        (None, state) => state.map(|state| plain(state, None)),
    };
    if let Some(consent) = &mut consent
        && consent.state == ConsentState::Subscribed
        && consent.method.is_none()
    {
        consent.method.clone_from(&said.method);
    }
    Ok(consent.filter(|consent| consent.state != ConsentState::Unknown))
}

/// The line says that nobody asked: a column that is empty says nothing.
const NEVER: Option<ListedConsent> = Some(plain(ConsentState::Unknown, None));

const fn plain(state: ConsentState, at: Option<Timestamp>) -> ListedConsent {
    ListedConsent {
        state,
        at,
        method: None,
        text: None,
        ip: None,
    }
}

fn klaviyo(row: &Row<'_>) -> Result<Option<ListedConsent>, String> {
    let held = row.first(&["email suppressions", "suppressed"]);
    let held = held
        .map(str::to_ascii_lowercase)
        .filter(|held| !matches!(held.as_str(), "[]" | "none" | "false" | "no" | "null"));
    let at = row.time("email marketing consent timestamp")?;
    if let Some(reasons) = held {
        let only_left = LEFT.iter().any(|left| reasons.contains(left))
            && !["bounce", "spam", "complain", "invalid"]
                .iter()
                .any(|bad| reasons.contains(bad));
        let state = if only_left {
            ConsentState::Unsubscribed
        } else {
            ConsentState::Suppressed
        };
        return Ok(Some(plain(state, None)));
    }
    let Some(word) = row.get("email marketing consent") else {
        return Ok(None);
    };
    match word.to_ascii_lowercase().as_str() {
        "subscribed" | "subscribe" => Ok(Some(plain(ConsentState::Subscribed, at))),
        "unsubscribed" | "unsubscribe" => Ok(Some(plain(ConsentState::Unsubscribed, at))),
        "never_subscribed" | "never subscribed" => Ok(NEVER),
        _ => Err(format!(
            "email marketing consent: `{word}` is no state that Klaviyo has"
        )),
    }
}

/// Mailchimp has a file for each state, which its columns tell, but for those who never subscribed.
fn mailchimp(row: &Row<'_>) -> Result<Option<ListedConsent>, String> {
    if row.columns.contains_key("clean_time") {
        return Ok(Some(plain(ConsentState::Suppressed, row.time("clean_time")?)));
    }
    if row.columns.contains_key("unsub_time") {
        return Ok(Some(plain(ConsentState::Unsubscribed, row.time("unsub_time")?)));
    }
    // The form that they filled in, or the link that they clicked: somebody whom the shop put there has neither address.
    let (asked, confirmed) = (row.time("optin_time")?, row.time("confirm_time")?);
    let Some(asked) = asked else { return Ok(None) };
    Ok(Some(ListedConsent {
        ip: row.first(&["confirm_ip", "optin_ip"]).map(str::to_owned),
        ..plain(ConsentState::Subscribed, confirmed.or(Some(asked)))
    }))
}

/// `enabled` says that mail may go, not that somebody asked for it.
fn listmonk(row: &Row<'_>) -> Result<Option<ListedConsent>, String> {
    match row.get("status") {
        None | Some("enabled") => Ok(None),
        // By their own wish or after a bounce: the list does not tell which, and either way no marketing may go.
        Some("blocklisted" | "disabled") => {
            Ok(Some(plain(ConsentState::Unsubscribed, row.time("updated_at")?)))
        }
        Some(other) => Err(format!("status: `{other}` is no state that listmonk has")),
    }
}

/// A box that is not ticked: nobody can tell whether it ever was.
fn shopify(row: &Row<'_>) -> Result<Option<ListedConsent>, String> {
    match row
        .get("accepts email marketing")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("yes" | "true") => Ok(Some(plain(ConsentState::Subscribed, None))),
        None => Ok(None),
        Some("no" | "false") => Ok(NEVER),
        Some(other) => Err(format!(
            "accepts email marketing: `{other}` is neither yes nor no"
        )),
    }
}

fn own(row: &Row<'_>) -> Result<Option<ListedConsent>, String> {
    let Some(word) = row.get("consent") else {
        return Ok(None);
    };
    let state = match word.to_ascii_lowercase().as_str() {
        "subscribed" => ConsentState::Subscribed,
        "pending" => ConsentState::Pending,
        "unsubscribed" => ConsentState::Unsubscribed,
        "suppressed" | "bounced" | "complained" | "cleaned" => ConsentState::Suppressed,
        "unknown" | "never_subscribed" => return Ok(NEVER),
        _ => {
            return Err(format!(
                "consent: `{word}` is none of subscribed, unsubscribed, suppressed, bounced, complained, pending, unknown"
            ));
        }
    };
    let text = |column| row.get(column).map(str::to_owned);
    Ok(Some(ListedConsent {
        method: text("consent_method"),
        text: text("consent_text"),
        ip: text("consent_ip"),
        ..plain(state, row.time("consent_at")?)
    }))
}
