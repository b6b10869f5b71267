//! Deliveries that only name a document: they are accepted at once, and the document is fetched afterwards.
//!
//! A source makes a [`Notice`] of such a delivery; a shard keeps it as work (`turn/notice.rs`), and the edge makes the
//! requests. Nothing here asks anybody: it says what to ask, and what the answers mean.

use super::arrival::Arrival;
use super::document::Fields;
use super::{Error, Reading, SourceKind};
use crate::domain::money::Currency;
use crate::domain::notice::Notice;
use crate::domain::time::Timestamp;
use crate::http::{Headers, Method, Request};
use crate::signing::Secrets;
use std::collections::BTreeMap;

/// Longest id that goes into an address.
const MAX_ID_BYTES: usize = 100;

/// How a source's documents are had.
pub(super) struct Fetching {
    /// The setting that holds the API's token.
    pub token: &'static str,
    /// Where the API is, unless the setting `url` says otherwise.
    pub address: &'static str,
    pub url: &'static str,
    /// The header that the token goes into, and what stands before it there.
    pub header: (&'static str, &'static str),
    /// Maps the documents, each under its name.
    pub read: fn(&Notice, &Fields<'_>, Arrival) -> Result<Reading, Error>,
}

impl Notice {
    pub(super) fn new(arrival: Arrival, topic: &str, id: &str, at: Option<Timestamp>) -> Self {
        Self {
            source: arrival.source.name(),
            topic: topic.to_owned(),
            id: id.to_owned(),
            at: at.unwrap_or(arrival.now).clamped_to(arrival.now),
            received_at: arrival.now,
            documents: Vec::new(),
        }
    }

    /// Adds a document: its address is the template with an id for each `{}`. An id that could lead elsewhere is refused.
    pub(super) fn with(mut self, name: &str, template: &'static str, ids: &[&str]) -> Result<Self, Error> {
        let mut address = template.to_owned();
        for id in ids {
            if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(is_plain) {
                return Err(Error::unreadable("an id that it names is none"));
            }
            address = address.replacen("{}", id, 1);
        }
        self.documents.push((name.to_owned(), address));
        Ok(self)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

impl SourceKind {
    /// The setting without which this source's documents cannot be fetched; none where deliveries carry them.
    pub fn fetch_setting(self) -> Option<&'static str> {
        self.source().fetching.map(|fetching| fetching.token)
    }

    /// That setting, where the source is on without it.
    pub fn lacks_to_fetch(self, secrets: &BTreeMap<String, Secrets>) -> Option<&'static str> {
        let setting = self.fetch_setting()?;
        (self.is_on(secrets) && !secrets.contains_key(setting)).then_some(setting)
    }

    /// The requests that fetch a notice's documents, in their order.
    ///
    /// # Errors
    /// [`Error::Unconfigured`] when the API's token is not set.
    pub fn requests(notice: &Notice, secrets: &BTreeMap<String, Secrets>) -> Result<Vec<Request>, Error> {
        let (_, fetching) = Self::of(notice)?;
        let first = |setting| {
            secrets
                .get(setting)
                .and_then(|values: &Secrets| values.iter().next())
        };
        let setting = fetching.token;
        let token = first(setting).ok_or(Error::Unconfigured { setting })?;
        let address = first(fetching.url)
            .unwrap_or(fetching.address)
            .trim_end_matches('/');
        let (header, before) = fetching.header;
        let requests = notice.documents.iter().map(|(_, path)| Request {
            method: Method::Get,
            url: format!("{address}{path}"),
            headers: Headers::new()
                .with("accept", "application/json")
                .with("user-agent", concat!("wend/", env!("CARGO_PKG_VERSION")))
                .with(header, &format!("{before}{token}")),
            body: Vec::new(),
        });
        Ok(requests.collect())
    }

    /// Maps the answers to those requests.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when one of them is no JSON or lacks what the event needs.
    pub fn read_documents(
        notice: &Notice,
        bodies: &[Vec<u8>],
        now: Timestamp,
        currency: Option<Currency>,
    ) -> Result<Reading, Error> {
        let (source, fetching) = Self::of(notice)?;
        let mut parts = Vec::new();
        for ((name, _), body) in notice.documents.iter().zip(bodies) {
            let text = std::str::from_utf8(body).map_err(|_| Error::unreadable("it is not UTF-8"))?;
            // One by one: a body may be no document and end in the middle of the next.
            serde_json::from_str::<&serde_json::value::RawValue>(text)
                .map_err(|error| Error::unreadable(error.to_string()))?;
            parts.push(format!("\"{name}\":{text}"));
        }
        let arrival = Arrival {
            source,
            now,
            currency,
        };
        let documents = format!("{{{}}}", parts.join(","));
        (fetching.read)(notice, &Fields::parse(&documents)?, arrival)
    }

    fn of(notice: &Notice) -> Result<(Self, &'static Fetching), Error> {
        let found = Self::parse(notice.source.as_str());
        let found = found.and_then(|kind| Some((kind, kind.source().fetching?)));
        found.ok_or_else(|| Error::unreadable("its source fetches no documents"))
    }
}
