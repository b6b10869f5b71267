//! The value of a secret setting. Several values separated by spaces are a rotation: any of them is accepted.
//!
//! Made where settings are read; handed to sources and providers. It must never be logged or shown.

use std::fmt;

/// Shortest part that counts as a secret when the whole value could also be one secret that holds spaces.
const MIN_PART_BYTES: usize = 8;

/// One or more secrets. `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets(String);

impl Secrets {
    pub fn new(value: &str) -> Self {
        Self(value.trim().to_owned())
    }

    /// Whether the setting holds nothing, which must switch off what it protects.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each value, in the order written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_whitespace()
    }

    /// The candidates where a secret may itself hold spaces, as those that WooCommerce generates do: the whole value,
    /// and each part that is long enough not to be guessed.
    pub fn iter_with_spaces(&self) -> impl Iterator<Item = &str> {
        let whole = Some(self.0.as_str()).filter(|whole| !whole.is_empty());
        let parts = self
            .iter()
            .filter(|part| part.len() >= MIN_PART_BYTES && part.len() < self.0.len());
        whole.into_iter().chain(parts)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_several_and_debug_shows_none() {
        let secrets = Secrets::new(" new  old\n");
        assert_eq!(secrets.iter().collect::<Vec<_>>(), ["new", "old"]);
        assert_eq!(format!("{secrets:?}"), "Secrets(hidden)");
        assert!(Secrets::new(" \n").is_empty());
        assert_eq!(Secrets::new("").iter_with_spaces().count(), 0);
    }

    #[test]
    fn a_secret_with_a_space_is_not_cut_into_guessable_pieces() {
        let generated = Secrets::new("k 8$hT0Qw!vmZr5pLx2bNc9d");
        assert_eq!(
            generated.iter_with_spaces().collect::<Vec<_>>(),
            ["k 8$hT0Qw!vmZr5pLx2bNc9d", "8$hT0Qw!vmZr5pLx2bNc9d"]
        );
        assert_eq!(
            Secrets::new("short").iter_with_spaces().collect::<Vec<_>>(),
            ["short"]
        );
    }
}
