//! The facilities, as plans see them: read once for each change of them. The capacity that is taken changes all the time, and is read anew
//! every few seconds.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use oms_domain::ids::FacilityId;
use tokio::sync::Mutex;

use crate::{
    catalog::{FacilityBook, NumberedFacility},
    error::StoreError,
    sourcing::CLOSED,
    store::Store,
};

/// How old the taken capacity may be that a plan goes by.
const FRESH: Duration = Duration::from_secs(5);

/// All facilities at a time.
#[derive(Debug)]
pub struct Places {
    /// By id, with the capacity that is taken.
    pub facilities: Vec<oms_allocation::Facility>,
    /// By facility id: its number in sets of facilities.
    pub numbers: BTreeMap<String, usize>,
    pub version: u64,
}

struct Known {
    book: Arc<FacilityBook>,
    places: Arc<Places>,
    read_at: Instant,
}

/// What was read last. Whoever comes while they are being read waits for that.
#[derive(Default)]
pub(crate) struct KnownPlaces(Mutex<Option<Known>>);

impl Store {
    /// All facilities, with the capacity that is taken from `at` (business time) on: as of some seconds ago, or a version of them that
    /// [`availability`](Store::availability) has named, or later.
    pub async fn places(&self, version: Option<u64>, at: Timestamp) -> Result<Arc<Places>, StoreError> {
        let mut known = self.known_places.0.lock().await;
        let fresh = known.as_ref().filter(|known| known.read_at.elapsed() < FRESH && Some(known.book.version) >= version);
        if let Some(known) = fresh {
            return Ok(Arc::clone(&known.places));
        }
        let wanted = match version {
            Some(version) => version,
            None => self.catalog().facilities_version().await?,
        };
        let book = match known.take() {
            Some(known) if known.book.version >= wanted => known.book,
            Some(_) | None => Arc::new(self.catalog().facility_book().await?),
        };
        let places = Arc::new(self.with_taken(&book, at).await?);
        *known = Some(Known { book, places: Arc::clone(&places), read_at: Instant::now() });
        Ok(places)
    }

    async fn with_taken(&self, book: &FacilityBook, at: Timestamp) -> Result<Places, StoreError> {
        let mut taken: BTreeMap<FacilityId, BTreeMap<Date, i64>> = BTreeMap::new();
        // A day before, as it is earlier elsewhere.
        let from = at.to_zoned(TimeZone::UTC).date().saturating_sub(1.day());
        if book.facilities.iter().any(|row| row.facility.daily_order_capacity.is_some()) {
            for day in self.capacity_taken(from).await? {
                taken.entry(day.facility_id).or_default().insert(day.local_day, day.taken);
            }
        }
        for day in self.closed_days(None, from).await? {
            taken.entry(day.facility_id).or_default().insert(day.local_day, CLOSED);
        }
        let with_taken = |row: &NumberedFacility| {
            let taken = taken.get(&row.facility.facility_id).cloned().unwrap_or_default();
            row.facility.clone().for_sourcing(taken)
        };
        Ok(Places {
            facilities: book.facilities.iter().filter_map(with_taken).collect(),
            numbers: book.facilities.iter().map(|row| (row.facility.facility_id.to_string(), row.number)).collect(),
            version: book.version,
        })
    }
}
