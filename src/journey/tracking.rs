//! `tracking:` and `utm:` of `store.yaml`: what is done to the links of mails, and whether a picture tells of opens.
//!
//! `store_check` checks what types cannot say; `render::tracking` does it.

use super::region::Region;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Whether mails tell who clicked and opened. What is not said is as the region has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tracking {
    /// Web links lead over `/c/<token>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicks: Option<bool>,
    /// A picture of one pixel is loaded from `/o/<token>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<bool>,
}

/// The tags by which web analytics know where a visitor came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Utm {
    Off,
    On(UtmTags),
}

/// The value of each tag; an empty one is left out. `{journey}`, `{step}` and `{email}` stand for names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UtmTags {
    pub source: String,
    pub medium: String,
    pub campaign: String,
    pub content: String,
    /// Hosts that are the store's own besides that of `brand.url`.
    pub sites: Vec<String>,
}

/// What may stand in braces in a tag's value.
pub const PLACEHOLDERS: [&str; 3] = ["{journey}", "{step}", "{email}"];

impl Tracking {
    pub fn clicks(self) -> bool {
        self.clicks.unwrap_or(true)
    }

    pub fn opens(self, region: Region) -> bool {
        self.opens.unwrap_or(region.preset().tracks_opens)
    }
}

impl UtmTags {
    /// The tags in their usual order, with the templates of their values.
    pub fn each(&self) -> [(&'static str, &str); 4] {
        [
            ("utm_source", &self.source),
            ("utm_medium", &self.medium),
            ("utm_campaign", &self.campaign),
            ("utm_content", &self.content),
        ]
    }
}

impl Default for UtmTags {
    fn default() -> Self {
        Self {
            source: "wend".to_owned(),
            medium: "email".to_owned(),
            campaign: "{journey}".to_owned(),
            content: "{step}".to_owned(),
            sites: Vec::new(),
        }
    }
}

impl Default for Utm {
    fn default() -> Self {
        Self::On(UtmTags::default())
    }
}

impl Serialize for Utm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_bool(false),
            Self::On(tags) => tags.serialize(serializer),
        }
    }
}

/// `true`, `false`, or the tags that differ from the usual.
impl<'de> Deserialize<'de> for Utm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Said;

        impl<'de> Visitor<'de> for Said {
            type Value = Utm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`true`, `false`, or a map with `source`, `medium`, `campaign`, `content` or `sites`",
                )
            }

            fn visit_bool<E>(self, on: bool) -> Result<Utm, E> {
                Ok(if on { Utm::default() } else { Utm::Off })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Utm, A::Error> {
                UtmTags::deserialize(MapAccessDeserializer::new(map)).map(Utm::On)
            }
        }

        deserializer.deserialize_any(Said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_says_what_the_store_does_not() {
        let said = |opens| Tracking { opens, clicks: None };
        assert!(!said(None).opens(Region::Strict) && said(Some(true)).opens(Region::Strict));
        assert!(said(None).opens(Region::OptOut) && !said(Some(false)).opens(Region::OptOut));
        assert!(said(None).clicks());
    }

    #[test]
    fn tags_are_on_off_or_said() {
        let read = |text: &str| serde_saphyr::from_str::<Utm>(text);
        assert_eq!(read("true").unwrap(), Utm::default());
        assert_eq!(read("false").unwrap(), Utm::Off);
        let said = read("{ source: newsletter, content: '' }").unwrap();
        let Utm::On(tags) = &said else { panic!("{said:?}") };
        assert_eq!(
            tags.each(),
            [
                ("utm_source", "newsletter"),
                ("utm_medium", "email"),
                ("utm_campaign", "{journey}"),
                ("utm_content", ""),
            ]
        );
        for utm in [Utm::Off, Utm::default(), said] {
            let text = serde_json::to_string(&utm).unwrap();
            assert_eq!(serde_json::from_str::<Utm>(&text).unwrap(), utm);
        }
        assert!(read("{ sauce: x }").is_err() && read("often").is_err());
    }
}
