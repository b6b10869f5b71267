//! Product feeds: the files in which shops list what they sell, read as a stream into offers.
//!
//! The edge pumps the bytes of an answer into a [`FeedReader`] and takes the offers out; nothing here asks anybody, and memory
//! stays the same however long the file is. Reading is one way: bytes -> text -> tags or lines -> fields -> offer.

mod draft;
mod encoding;
mod google;
mod table;
mod xml;
mod yml;

use super::SourceKind;
use crate::domain::feed::Format;
use crate::domain::money::Currency;
use crate::domain::offer::Offer;
use crate::domain::time::Timestamp;
use encoding::Decoder;
use google::Google;
use table::Table;
use xml::{Attributes, Listener, Xml};
use yml::Yml;

/// Most offers of one feed.
pub const MAX_OFFERS: u32 = 200_000;
/// Most bytes of one feed, unpacked.
pub const MAX_FEED_BYTES: u64 = 1 << 30;

/// How a feed is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What it must be; none to tell by its first tag.
    pub format: Option<Format>,
    /// Of sums that name none.
    pub currency: Currency,
    /// The source whose ids it uses.
    pub source: Option<SourceKind>,
    pub now: Timestamp,
}

/// Why a feed was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    #[error("the feed broke off before its end")]
    Torn,
    #[error(
        "it is neither YML nor a Google Merchant feed: the first tag should be yml_catalog, rss or feed, or the first line name a column `id`"
    )]
    Unknown,
    #[error("it is not of the format that store.yaml says")]
    OtherFormat,
    #[error("its encoding is {0}; utf-8, windows-1251 and koi8-r are read")]
    Encoding(String),
    #[error("its document type defines entities, which are not read")]
    Entities,
    #[error("its tags do not close each other")]
    Malformed,
    #[error("its tags lie too deep in each other")]
    TooDeep,
    #[error("one of its tags or texts is too long, or does not end")]
    TooLong,
    #[error("it holds more than {MAX_OFFERS} offers, or more than 1 GB")]
    TooMany,
}

/// The offers found and not yet taken.
#[derive(Debug, Default)]
struct Found {
    offers: Vec<Offer>,
    /// Whole offers so far, and those among them that have no id.
    count: u32,
    nameless: u32,
}

impl Found {
    fn add(&mut self, offer: Offer, terms: &Terms) -> Result<(), FeedError> {
        self.count = self.count.saturating_add(1);
        if self.count > MAX_OFFERS {
            return Err(FeedError::TooMany);
        }
        let offer = draft::fit(offer);
        let id = draft::id(&offer.id).map(|id| own_id(id, &offer, terms.source));
        match id {
            Some(id) => self.offers.push(Offer { id, ..offer }),
            None => self.nameless += 1,
        }
        Ok(())
    }
}

/// The variant's id as carts of the source name it: apps that write Shopify's feeds call it by a name of their own, in which
/// it stands last (`shopify_GB_8061102293267_44010229330195`), or by the SKU; then the page's address says it.
fn own_id(id: String, offer: &Offer, source: Option<SourceKind>) -> String {
    if source != Some(SourceKind::Shopify) {
        return id;
    }
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if id.to_ascii_lowercase().starts_with("shopify_")
        && let Some(last) = id.rsplit('_').next().filter(|last| number(last))
    {
        return last.to_owned();
    }
    let query = offer.url.as_deref().and_then(|url| url.split_once('?'));
    let mut parts = query.map_or("", |(_, query)| query).split(['&', '#']);
    let variant = parts.find_map(|part| part.strip_prefix("variant="));
    variant
        .filter(|variant| number(variant))
        .map_or(id, str::to_owned)
}

/// What the file turned out to be.
enum Form {
    /// Nothing of it was seen yet but blanks.
    Unknown,
    Tags(Xml, Box<Dialect>),
    Lines(Box<Table>),
}

/// Who understands the tags; found by the first one.
struct Dialect {
    terms: Terms,
    of: Option<Tongue>,
}

enum Tongue {
    Yml(Box<Yml>),
    Google(Box<Google>),
}

/// Reads one feed.
pub struct FeedReader {
    terms: Terms,
    decoder: Decoder,
    form: Form,
    bytes: u64,
}

impl FeedReader {
    pub const fn new(terms: Terms) -> Self {
        Self {
            terms,
            decoder: Decoder::new(),
            form: Form::Unknown,
            bytes: 0,
        }
    }

    /// Takes more bytes. The offers that became whole wait for [`Self::take`].
    ///
    /// # Errors
    /// Why nothing more of the feed is read. What was found before stays found.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > MAX_FEED_BYTES {
            return Err(FeedError::TooMany);
        }
        let mut text = String::new();
        self.decoder.push(bytes, &mut text)?;
        self.read(&text)
    }

    /// The file has ended.
    ///
    /// # Errors
    /// [`FeedError::Torn`] when it is not whole.
    pub fn finish(&mut self) -> Result<(), FeedError> {
        let mut text = String::new();
        self.decoder.finish(&mut text)?;
        self.read(&text)?;
        match &mut self.form {
            Form::Unknown => Err(FeedError::Torn),
            Form::Tags(xml, dialect) => xml.finish(&mut **dialect),
            Form::Lines(table) => table.finish(),
        }
    }

    /// The offers found since they were last taken.
    pub fn take(&mut self) -> Vec<Offer> {
        self.found()
            .map(|found| std::mem::take(&mut found.offers))
            .unwrap_or_default()
    }

    /// How many offers had no id.
    pub fn nameless(&mut self) -> u32 {
        self.found().map_or(0, |found| found.nameless)
    }

    fn found(&mut self) -> Option<&mut Found> {
        match &mut self.form {
            Form::Unknown => None,
            Form::Tags(_, dialect) => match dialect.of.as_mut()? {
                Tongue::Yml(yml) => Some(&mut yml.found),
                Tongue::Google(google) => Some(&mut google.found),
            },
            Form::Lines(table) => Some(&mut table.found),
        }
    }

    fn read(&mut self, text: &str) -> Result<(), FeedError> {
        let mut text = text;
        if matches!(self.form, Form::Unknown) {
            text = text.trim_start();
            let Some(first) = text.chars().next() else {
                return Ok(());
            };
            self.form = self.form_of(first)?;
        }
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Tags(xml, dialect) => xml.push(text, &mut **dialect),
            Form::Lines(table) => table.push(text),
        }
    }

    fn form_of(&self, first: char) -> Result<Form, FeedError> {
        let is_xml = first == '<';
        match self.terms.format {
            Some(Format::Tsv) if is_xml => Err(FeedError::OtherFormat),
            Some(Format::Yml | Format::Rss | Format::Atom) if !is_xml => Err(FeedError::OtherFormat),
            Some(_) | None if is_xml => {
                let (terms, of) = (self.terms, None);
                Ok(Form::Tags(Xml::default(), Box::new(Dialect { terms, of })))
            }
            Some(_) | None => Ok(Form::Lines(Box::new(Table::new(self.terms)))),
        }
    }
}

impl Tongue {
    fn of(root: &str, terms: Terms) -> Result<Self, FeedError> {
        let (format, tongue) = match root {
            "yml_catalog" => (Format::Yml, Self::Yml(Box::new(Yml::new(terms)))),
            "rss" => (Format::Rss, Self::Google(Box::new(Google::new(terms, "item")))),
            "feed" => (Format::Atom, Self::Google(Box::new(Google::new(terms, "entry")))),
            _ => return Err(FeedError::Unknown),
        };
        if terms.format.is_some_and(|wanted| wanted != format) {
            return Err(FeedError::OtherFormat);
        }
        Ok(tongue)
    }

    fn listener(&mut self) -> &mut dyn Listener {
        match self {
            Self::Yml(yml) => &mut **yml,
            Self::Google(google) => &mut **google,
        }
    }
}

impl Listener for Dialect {
    fn open(&mut self, depth: usize, name: &str, attributes: &Attributes<'_>) -> Result<(), FeedError> {
        if self.of.is_none() {
            self.of = Some(Tongue::of(name, self.terms)?);
        }
        match &mut self.of {
            Some(tongue) => tongue.listener().open(depth, name, attributes),
            None => Ok(()),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(tongue) = &mut self.of {
            tongue.listener().text(text);
        }
    }

    fn close(&mut self, depth: usize, name: &str) -> Result<(), FeedError> {
        match &mut self.of {
            Some(tongue) => tongue.listener().close(depth, name),
            None => Ok(()),
        }
    }
}
