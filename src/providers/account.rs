//! Where a provider is reached and with which key: the settings it wants, by name, and their values.
//!
//! Called when settings are read, and by the providers. It reads no setting itself: a look-up is an argument. `Debug`
//! shows names only.

use super::ProviderKind;
use crate::signing::Secrets;
use std::collections::BTreeMap;
use std::fmt;

/// A setting of a provider, as `/health` and the docs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    pub name: &'static str,
    pub want: Want,
    /// What it is, in a few words for the docs.
    pub what: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The base address, with its value unless set; empty where the provider makes it of other settings.
    Url(&'static str),
    /// A secret that must be there.
    Secret,
    /// A secret that may be there.
    OptionalSecret,
    /// A text that must be there.
    Text,
    /// A text that may be there.
    OptionalText,
    /// What proves the provider's events, without which none is taken: one value or several, all of them good.
    Proof,
}

/// The values of a provider's settings. It may lack some: see [`Self::lacks`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Account {
    url: String,
    key: String,
    values: BTreeMap<&'static str, String>,
    /// All values of each secret, for what others sign with them.
    secrets: BTreeMap<&'static str, Secrets>,
}

impl Setting {
    pub const fn url(name: &'static str, default: &'static str) -> Self {
        let want = Want::Url(default);
        let what = "base address";
        Self { name, want, what }
    }

    /// A base address that depends on more than its setting.
    pub const fn made(name: &'static str, what: &'static str) -> Self {
        let want = Want::Url("");
        Self { name, want, what }
    }

    pub const fn secret(name: &'static str, what: &'static str) -> Self {
        let want = Want::Secret;
        Self { name, want, what }
    }

    pub const fn text(name: &'static str, what: &'static str) -> Self {
        let want = Want::Text;
        Self { name, want, what }
    }

    pub const fn optional(name: &'static str, what: &'static str) -> Self {
        let want = Want::OptionalText;
        Self { name, want, what }
    }

    pub const fn optional_secret(name: &'static str, what: &'static str) -> Self {
        let want = Want::OptionalSecret;
        Self { name, want, what }
    }

    pub const fn proof(name: &'static str, what: &'static str) -> Self {
        let want = Want::Proof;
        Self { name, want, what }
    }

    pub const fn must_be_set(&self) -> bool {
        match self.want {
            Want::Secret | Want::Text => true,
            Want::Url(_) | Want::OptionalSecret | Want::OptionalText | Want::Proof => false,
        }
    }
}

impl Account {
    /// With nothing set.
    pub const fn empty() -> Self {
        Self {
            url: String::new(),
            key: String::new(),
            values: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    /// `url` is the base address, with or without a final slash. Of several keys separated by spaces, which is how
    /// secrets are rotated, the first is used for sending.
    pub fn new(url: &str, keys: &str) -> Self {
        Self {
            url: url.trim().trim_end_matches('/').to_owned(),
            key: first_word(keys),
            ..Self::default()
        }
    }

    /// The account of `kind` by its settings. What is not set is left out.
    pub fn read(kind: ProviderKind, get: impl Fn(&str) -> Option<String>) -> Self {
        let mut account = Self::default();
        for setting in kind.settings() {
            let value = get(setting.name);
            match setting.want {
                Want::Url(default) => {
                    let url = value.unwrap_or_else(|| default.to_owned());
                    url.trim().trim_end_matches('/').clone_into(&mut account.url);
                }
                Want::Proof => account.keep(setting.name, value.as_deref().unwrap_or_default()),
                Want::Secret | Want::OptionalSecret => {
                    let value = value.unwrap_or_default();
                    account.keep(setting.name, &value);
                    let secret = first_word(&value);
                    if account.key.is_empty() {
                        account.key.clone_from(&secret);
                    }
                    account.set(setting.name, secret);
                }
                Want::Text | Want::OptionalText => account.set(setting.name, value.unwrap_or_default()),
            }
        }
        account
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.set(name, value.to_owned());
        self
    }

    fn set(&mut self, name: &'static str, value: String) {
        if !value.is_empty() {
            self.values.insert(name, value);
        }
    }

    fn keep(&mut self, name: &'static str, value: &str) {
        let secrets = Secrets::new(value);
        if !secrets.is_empty() {
            self.secrets.insert(name, secrets);
        }
    }

    /// All values of a secret, newest first; none when it is not set.
    pub fn secrets(&self, name: &str) -> Option<&Secrets> {
        self.secrets.get(name)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The provider's first secret.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value of a setting other than the base address; empty when it is not set.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    /// All that a request depends on.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        let others = self.values.values().map(String::as_str);
        [self.url(), self.key()].into_iter().chain(others)
    }

    /// The settings without which `kind` cannot send and which are not there.
    pub fn lacks(&self, kind: ProviderKind) -> impl Iterator<Item = &'static Setting> {
        let wanted = kind.settings().iter().filter(|setting| setting.must_be_set());
        wanted.filter(|setting| self.get(setting.name).is_empty())
    }
}

fn first_word(keys: &str) -> String {
    keys.split_whitespace().next().unwrap_or_default().to_owned()
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_shows_no_key_and_sends_with_the_first() {
        let account = Account::new(" https://api.resend.com/ ", "re_new re_old");
        assert_eq!(
            (account.url(), account.key()),
            ("https://api.resend.com", "re_new")
        );
        assert!(!format!("{account:?}").contains("re_"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for kind in ProviderKind::ALL {
            let wanted: Vec<&str> = kind
                .settings()
                .iter()
                .filter(|setting| setting.must_be_set())
                .map(|setting| setting.name)
                .collect();
            let names = |account: &Account| -> Vec<&str> { account.lacks(kind).map(|s| s.name).collect() };
            assert_eq!(names(&Account::read(kind, |_| None)), wanted, "{kind:?}");
            let value = |name: &str| match name.ends_with("_URL") {
                true => "http://127.0.0.1:9/".to_owned(),
                false => "hidden older".to_owned(),
            };
            let full = Account::read(kind, |name| Some(value(name)));
            assert!(names(&full).is_empty(), "{kind:?}");
            assert!(!format!("{full:?}").contains("hidden"), "{kind:?}");
            if let Some(first) = kind.settings().first() {
                assert!(matches!(first.want, Want::Url(_)), "{kind:?}");
            }
        }
    }
}
