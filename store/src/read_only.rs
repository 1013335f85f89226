//! When a write was last refused because the server takes none. After a failover the old connections still reach the old primary, and nothing
//! about them shows that but such a refusal.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

static MET: Mutex<Option<Instant>> = Mutex::new(None);

/// A write was refused just now.
pub(crate) fn met() {
    *MET.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Whether one was refused since a connection was opened that is so old.
pub(crate) fn met_since(age: Duration) -> bool {
    let met = *MET.lock().unwrap_or_else(PoisonError::into_inner);
    met.is_some_and(|met| met.elapsed() <= age)
}
