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

/// The languages that `email` is translated into, sorted.
pub fn translations_of(email: &str) -> impl Iterator<Item = &'static str> {
    let translated = FOLDERS.iter().filter_map(|folder| folder.split_once('/'));
    translated
        .filter(move |(of, _)| *of == email)
        .map(|(_, language)| language)
}

/// The very tag, or what is left of it when its last parts are cut off one by one (RFC 4647, 3.4); else the store's own
/// text, if that is the language; else any translation into the language.
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
    let mut range = Some(wanted);
    while let Some(left) = range {
        let exact = translations().find(|found| found.language.is_some_and(|tag| is_same(tag, left)));
        if let Some(exact) = exact {
            return exact;
        }
        // A store's own `zh-Hant` is nearer to `zh-Hant-TW` than any translation into `zh` is.
        if is_same(own, left) {
            return untranslated;
        }
        range = shorter(left);
    }
    if is_same(language(own), language(wanted)) {
        return untranslated;
    }
    let into = |found: &Translation<'_>| {
        let into = found.language.map(language);
        into.is_some_and(|into| is_same(into, language(wanted)))
    };
    translations().find(into).unwrap_or(untranslated)
}

/// Which of these languages comes nearest to the wanted one: the very tag, what is left of it when its last parts are cut
/// off, any of the same language; none when there is none.
pub fn nearest<'t>(tags: &[&'t str], wanted: &str) -> Option<&'t str> {
    let mut range = Some(wanted);
    while let Some(left) = range {
        if let Some(tag) = tags.iter().find(|tag| is_same(tag, left)) {
            return Some(tag);
        }
        range = shorter(left);
    }
    let into = tags.iter().find(|tag| is_same(language(tag), language(wanted)));
    into.copied()
}

/// The languages that mails are written in: the store's own, then those of the translations.
pub fn languages(own: &str) -> Vec<&str> {
    let mut tags = vec![own];
    for (_, tag) in FOLDERS.iter().filter_map(|folder| folder.split_once('/')) {
        if !tags.iter().any(|held| is_same(held, tag)) {
            tags.push(tag);
        }
    }
    tags
}

/// `zh-Hant` of `zh-Hant-TW`; a part of one letter says nothing without what follows it, and goes with it.
fn shorter(tag: &str) -> Option<&str> {
    let (left, _) = tag.rsplit_once(['-', '_'])?;
    match left.rsplit_once(['-', '_']) {
        Some((rest, single)) if single.len() == 1 => Some(rest),
        _ => Some(left),
    }
}

/// Whether two tags say the same: some storefronts write `pt_br`.
fn is_same(one: &str, other: &str) -> bool {
    let parts = |tag: &str| tag.to_ascii_lowercase().replace('_', "-");
    parts(one) == parts(other)
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
        assert_eq!(of(Some("pt_br")), "hello/pt-BR");
    }

    #[test]
    fn a_tag_is_cut_from_its_end() {
        let folders = [
            "hello",
            "hello/zh-Hans",
            "hello/zh-Hant",
            "hello/sr-Latn",
            "hello/sr",
        ];
        let of = |wanted| of_folders(&folders, "hello", Some(wanted), "en-GB").folder;
        assert_eq!(of("zh-Hant-TW"), "hello/zh-Hant");
        assert_eq!(of("zh_hant_tw"), "hello/zh-Hant");
        assert_eq!(of("zh-Hans-SG"), "hello/zh-Hans");
        assert_eq!(of("zh-Hant-x-old"), "hello/zh-Hant");
        assert_eq!(of("zh"), "hello/zh-Hans", "any of the language");
        assert_eq!(of("sr-Latn-RS"), "hello/sr-Latn");
        assert_eq!(of("sr-Cyrl-RS"), "hello/sr");
        let own = |wanted| of_folders(&folders, "hello", Some(wanted), "zh-Hant").folder;
        assert_eq!(own("zh-Hant-HK"), "hello/zh-Hant", "written as a translation too");
        let own = |wanted| of_folders(&["hello/zh-Hans"], "hello", Some(wanted), "zh-Hant").folder;
        assert_eq!(own("zh-Hant-HK"), "hello");
        assert_eq!(own("zh-Hans-CN"), "hello/zh-Hans");
    }
}
