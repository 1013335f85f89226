//! Pages of the outbox, each read once for all endpoints that have come as far.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oms_store::{PublicFilter, PublicPage, Store, StoreError};
use tokio::{sync::OnceCell, time::Instant};

/// Events on a page: as many are done before it is noted that they are.
const PAGE: u32 = 100;
/// How long a page is kept that has events: they do not change.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// Pages kept at a time.
const KEPT_MAX: usize = 64;

type Cell = Arc<OnceCell<Arc<PublicPage>>>;

pub(crate) struct Pages {
    store: Store,
    /// An empty page is read anew after this.
    fresh_for: Duration,
    kept: Mutex<HashMap<String, (Instant, Cell)>>,
}

impl Pages {
    pub(crate) fn new(store: Store, fresh_for: Duration) -> Self {
        Self { store, fresh_for, kept: Mutex::default() }
    }

    /// What comes after a position. Whoever asks for what is being read waits for it.
    pub(crate) async fn after(&self, position: &str) -> Result<Arc<PublicPage>, StoreError> {
        let read = || async { self.store.public_events_after(Some(position), &PublicFilter::default(), PAGE).await.map(Arc::new) };
        self.cell(position).get_or_try_init(read).await.cloned()
    }

    fn cell(&self, position: &str) -> Cell {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_good = |since: &Instant, cell: &Cell| {
            let has_events = cell.get().is_some_and(|page| !page.events.is_empty());
            // One that is being read is as fresh as can be.
            since.elapsed() < if has_events { KEPT_FOR } else { self.fresh_for }
        };
        kept.retain(|_, (since, cell)| is_good(since, cell) || !cell.initialized() && since.elapsed() < KEPT_FOR);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        Arc::clone(&kept.entry(position.to_owned()).or_insert_with(|| (Instant::now(), Cell::default())).1)
    }
}
