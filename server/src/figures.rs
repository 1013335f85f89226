//! What waits, read at most every few seconds, however many ask.

use std::{sync::Arc, time::Duration};

use oms_starter::Starter;
use oms_store::{Backlog, EndpointFigures, InletFigures, Store, StoreError};
use tokio::{sync::Mutex, time::Instant};

use crate::messengers::SILENT_FOR;

/// How old figures may be.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// What waits, and how each endpoint and inlet stands.
pub(crate) type Waiting = (Backlog, Vec<EndpointFigures>, Vec<InletFigures>);

/// The figures last read. Cheap to clone; whoever asks while they are being read waits for that.
#[derive(Clone)]
pub(crate) struct Figures {
    starter: Starter,
    store: Store,
    last: Arc<Mutex<Option<(Instant, Waiting)>>>,
}

impl Figures {
    pub(crate) fn new(starter: Starter, store: Store) -> Self {
        Self { starter, store, last: Arc::default() }
    }

    /// Now, or a few seconds ago.
    pub(crate) async fn waiting(&self) -> Result<Waiting, StoreError> {
        let mut last = self.last.lock().await;
        if let Some((read_at, backlog)) = &*last
            && read_at.elapsed() < FRESH_FOR
        {
            return Ok(backlog.clone());
        }
        let overdue = self.starter.overdue(SILENT_FOR);
        let (endpoints, inlets) = (self.store.endpoint_figures(), self.store.inlet_figures());
        let backlog = tokio::try_join!(self.store.backlog(overdue), endpoints, inlets)?;
        *last = Some((Instant::now(), backlog.clone()));
        Ok(backlog)
    }
}
