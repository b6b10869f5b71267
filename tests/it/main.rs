//! The one integration test binary: one module a subject, so that the package is linked once.

// `cfg(test)` is always true here; it tells clippy that helpers of tests are tests as well.
#[cfg(test)]
mod asymmetric;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod compliance;
#[cfg(test)]
mod core_properties;
#[cfg(test)]
mod deny;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod drafts;
#[cfg(test)]
mod drawings;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod fates;
#[cfg(test)]
mod feedback;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod imported;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod lint;
#[cfg(test)]
mod logbook;
#[cfg(test)]
mod mail_pages;
#[cfg(test)]
mod mails;
#[cfg(test)]
mod news;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod own_links;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod preferences;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod privacy_late;
#[cfg(test)]
mod protection;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod repeats;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod segments;
#[cfg(test)]
mod shadow;
#[cfg(test)]
mod simulate;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod warm_up;
#[cfg(test)]
mod world;
#[cfg(test)]
mod year;
#[cfg(test)]
mod zones;
