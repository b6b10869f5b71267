//! Whose clock counts: the contact's zone, else the journey's, else the store's, else UTC.
//!
//! Called where a time is armed. A name that is no zone counts as none, so that one bad row of a storefront holds
//! nobody up.

use super::state::Contact;
use crate::domain::civil::{CivilDate, Feb29, TimeOfDay, Weekdays, Zone, next_time_of_day};
use crate::domain::event::EventData;
use crate::domain::time::Timestamp;
use crate::journey::definition::Journey;
use crate::journey::store_file::StoreFile;

/// The zones that a journey's times are worked out in.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    pub contact: Zone,
    pub store: Zone,
}

impl Calendar {
    pub fn new(store: &StoreFile, journey: Option<&Journey>, contact: &Contact) -> Self {
        let store = store_zone(store);
        let own = contact.profile.timezone.as_deref().and_then(zone);
        let journey = journey.and_then(|journey| journey.timezone);
        Self {
            contact: own.or(journey).unwrap_or(store),
            store,
        }
    }

    /// The next such time by the contact's clock, at `after` or later.
    pub fn next(self, after: Timestamp, at: TimeOfDay, days: Weekdays) -> Timestamp {
        next_time_of_day(after, at, days, self.contact)
    }

    /// When a date without a year comes round next.
    pub fn yearly(self, date: CivilDate, after: Timestamp, offset_days: i32, at: TimeOfDay) -> Timestamp {
        date.yearly_after(after, offset_days, at, self.contact, Feb29::default())
    }
}

/// The store's own zone.
pub fn store_zone(store: &StoreFile) -> Zone {
    zone(&store.timezone).unwrap_or(Zone::UTC)
}

fn zone(name: &str) -> Option<Zone> {
    name.parse().ok()
}

/// The date called so: in what the event brought, else among the contact's attributes. A text that is no date is none.
pub fn date_named(name: &str, contact: &Contact, data: &EventData, zone: Zone) -> Option<CivilDate> {
    let value = data
        .properties
        .get(name)
        .or_else(|| contact.profile.attributes.get(name));
    CivilDate::parse_in(value?.as_str()?, zone).ok()
}
