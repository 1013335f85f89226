//! The facilities, as sourcing sees them. Read anew every few seconds: a plan needs them all, and they seldom change.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use oms_allocation::Facility;
use oms_domain::ids::FacilityId;
use oms_store::{Store, StoreError};

/// How old the facilities may be that a plan goes by.
const FRESH: Duration = Duration::from_secs(5);

type Known = Option<(Instant, Arc<Vec<Facility>>)>;

/// All facilities, with the time they were read.
pub(crate) struct Facilities {
    store: Store,
    known: Mutex<Known>,
}

impl Facilities {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, known: Mutex::new(None) }
    }

    /// All facilities, by id, with the capacity that is taken from `at` (business time) on.
    pub(crate) async fn all(&self, at: Timestamp) -> Result<Arc<Vec<Facility>>, StoreError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, facilities)) = known.filter(|(read_at, _)| read_at.elapsed() < FRESH) {
            return Ok(facilities);
        }
        let facilities = self.store.catalog().facilities().await?;
        // A day before, as it is earlier elsewhere.
        let from = at.to_zoned(TimeZone::UTC).date().saturating_sub(1.day());
        let mut taken: BTreeMap<FacilityId, BTreeMap<Date, i64>> = BTreeMap::new();
        for day in self.store.capacity_taken(from).await? {
            taken.entry(day.facility_id).or_default().insert(day.local_day, day.taken);
        }
        let facilities = facilities.into_iter().filter_map(|row| {
            let taken = taken.remove(&row.facility_id).unwrap_or_default();
            row.for_sourcing(taken)
        });
        let facilities: Arc<Vec<Facility>> = Arc::new(facilities.collect());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&facilities)));
        Ok(facilities)
    }
}
