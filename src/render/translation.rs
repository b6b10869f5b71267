//! Which translation of an email a contact reads.
//!
//! Called where mails and previews are composed. An email is written in the store's language; folders in its folder
//! are its translations.

use super::emails::FOLDERS;

/// Where an email is read from, and in which language it then is; none for the store's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation<'a> {
    pub folder: &'a str,
    pub language: Option<&'a str>,
}

/// The translation of `email` for a contact who reads `wanted`, in a store whose own language is `own`.
pub fn translation<'a>(email: &'a str, wanted: Option<&str>, own: &str) -> Translation<'a> {
    of_folders(&FOLDERS, email, wanted, own)
}

/// The very tag; else the store's own text, if that is the language; else any translation into the language.
fn of_folders<'a>(
    folders: &[&'static str],
    email: &'a str,
    wanted: Option<&str>,
    own: &str,
) -> Translation<'a> {
    let untranslated = Translation {
        folder: email,
        language: None,
    };
    let Some(wanted) = wanted else {
        return untranslated;
    };
    let translations = || {
        let all = folders
            .iter()
            .filter_map(|folder| Some((*folder, folder.split_once('/')?)));
        all.filter(|(_, (of, _))| *of == email)
            .map(|(folder, (_, language))| Translation {
                folder,
                language: Some(language),
            })
    };
    let is = |found: &Translation<'_>, wanted: &str, part: fn(&str) -> &str| {
        found
            .language
            .is_some_and(|tag| part(tag).eq_ignore_ascii_case(part(wanted)))
    };
    if let Some(exact) = translations().find(|found| is(found, wanted, |tag| tag)) {
        return exact;
    }
    if language(own).eq_ignore_ascii_case(language(wanted)) {
        return untranslated;
    }
    translations()
        .find(|found| is(found, wanted, language))
        .unwrap_or(untranslated)
}

/// `pt` of `pt-BR`.
fn language(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_reads_the_nearest_translation() {
        let folders = [
            "hello",
            "hello/en-US",
            "hello/pt-BR",
            "hello/ru",
            "other",
            "other/de",
        ];
        let of = |wanted| of_folders(&folders, "hello", wanted, "en-GB").folder;
        assert_eq!(of(None), "hello");
        assert_eq!(of(Some("ru")), "hello/ru");
        assert_eq!(of(Some("ru-RU")), "hello/ru");
        assert_eq!(of(Some("RU_ru")), "hello/ru");
        assert_eq!(of(Some("pt")), "hello/pt-BR");
        assert_eq!(of(Some("en-us")), "hello/en-US");
        // The store's own text is English too.
        assert_eq!(of(Some("en-AU")), "hello");
        assert_eq!(of(Some("de")), "hello", "of another email");
        assert_eq!(of(Some("")), "hello");
    }
}
