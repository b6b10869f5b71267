//! HTML entities in names, secrets and links, read once. Called by the sources that meet them, and where the links of a
//! mail are found.
//!
//! HTML 5 knows 2,231 names, and a library's table of them is a twentieth of the Worker. Shops and authors of mails write
//! what WordPress, askama and text editors make of typed letters: those of Latin-1 and of typography, and any character by
//! its number. What is none of them stays as it stands.

use std::str::FromStr as _;

/// The names that `wp_specialchars_decode` knows, with which WordPress reads what `esc_html` wrote.
/// <https://developer.wordpress.org/reference/functions/wp_specialchars_decode/>
const SPECIAL: [(&str, char); 4] = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"')];
/// The same and the single quote, which it knows by their numbers.
const SPECIAL_NUMBERS: [u32; 5] = [0x22, 0x26, 0x27, 0x3C, 0x3E];

/// The names of the characters from U+00A0 to U+00FF, in that order.
const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring \
    AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash \
    Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
    igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn \
    yuml";

/// Typography, and the letters that Windows-1252 has besides.
const OTHERS: [(&str, char); 24] = [
    ("apos", '\''),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("hellip", '…'),
    ("bull", '•'),
    ("trade", '™'),
    ("euro", '€'),
    ("prime", '′'),
    ("Prime", '″'),
    ("minus", '−'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Yuml", 'Ÿ'),
    ("fnof", 'ƒ'),
];

/// Longest entity, between `&` and `;`: `#x10FFFF`, with leading zeros to spare.
const MAX_CHARS: usize = 10;

/// A text as it was typed. Decoded once: `&amp;lt;` is `&lt;`.
pub fn decode(text: &str) -> String {
    replace(text, |entity| {
        numbered(entity)
            .or_else(|| named(entity))
            .or_else(|| special(entity))
    })
}

/// A text that WordPress escaped: it reads no other entities itself.
pub fn decode_special(text: &str) -> String {
    replace(text, |entity| {
        special(entity).or_else(|| numbered(entity).filter(|c| SPECIAL_NUMBERS.contains(&u32::from(*c))))
    })
}

fn replace(text: &str, meaning: impl Fn(&str) -> Option<char>) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let entity = after
            .split_once(';')
            .filter(|(entity, _)| entity.len() <= MAX_CHARS);
        match entity.and_then(|(entity, behind)| Some((meaning(entity)?, behind))) {
            Some((character, behind)) => {
                decoded.push(character);
                rest = behind;
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn special(name: &str) -> Option<char> {
    SPECIAL.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}

fn named(name: &str) -> Option<char> {
    let latin = LATIN_1.split(' ').position(|known| known == name);
    let latin = latin.and_then(|at| char::from_u32(0xA0 + u32::try_from(at).ok()?));
    latin.or_else(|| OTHERS.iter().find(|(known, _)| *known == name).map(|(_, c)| *c))
}

/// `#8211` or `#x2013`. Zero and what is no character are none.
fn numbered(entity: &str) -> Option<char> {
    let digits = entity.strip_prefix('#')?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok()?,
        None if digits.bytes().all(|b| b.is_ascii_digit()) => u32::from_str(digits).ok()?,
        Some(_) | None => return None,
    };
    char::from_u32(number).filter(|c| *c != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HTML 5's own table says what each of our names means.
    #[test]
    fn every_name_means_what_html_says() {
        let others = OTHERS.iter().chain(&SPECIAL).map(|(name, _)| *name);
        for name in LATIN_1.split(' ').chain(others) {
            let entity = format!("&{name};");
            assert_eq!(
                decode(&entity),
                html_escape::decode_html_entities(&entity),
                "{entity}"
            );
            assert_eq!(decode(&entity).chars().count(), 1, "{entity}");
        }
        assert_eq!(LATIN_1.split(' ').count(), 96);
    }

    #[test]
    fn what_is_no_entity_stays() {
        for text in [
            "Merino & Silk; both",
            "R&D",
            "&",
            "&;",
            "&#;",
            "&#x;",
            "&#+38;",
            "&#xD800;",
            "&#0;",
            "&#99999999999;",
            "&nosuch;",
            "a&amp",
            "&&",
        ] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode("&&amp;amp;&#38;lt;"), "&&amp;&lt;");
        assert_eq!(decode("Caf&#xE9; &#8211; &#x1F9E3;"), "Café – 🧣");
    }

    /// <https://github.com/WordPress/WordPress/blob/master/wp-includes/formatting.php>: `wp_specialchars_decode` with
    /// `ENT_QUOTES`.
    #[test]
    fn wordpress_reads_only_what_it_escaped() {
        assert_eq!(
            decode_special("a&amp;b&lt;&gt;&quot;&#039;&#x27;&#034;"),
            "a&b<>\"''\""
        );
        assert_eq!(
            decode_special("&copy;&#65;&eacute;&apos;"),
            "&copy;&#65;&eacute;&apos;"
        );
    }
}
