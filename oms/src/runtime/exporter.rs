//! Where the schedule's exports go.

use std::sync::Arc;

use anyhow::Result;
use oms_activities::ports::Exporter;
use oms_store::Store;

use crate::config::WorkerLayer;

/// What writes tables to the place that the configuration names; None: it names none.
///
/// # Errors
/// When it is no place, or this build has no exports.
#[cfg(feature = "export")]
pub(crate) async fn exporter(layer: &WorkerLayer, store: &Store) -> Result<Option<Arc<dyn Exporter>>> {
    let Some(to) = &layer.export_to else { return Ok(None) };
    let place = crate::export::Place::open(to, layer.s3_endpoint.as_deref()).await?;
    Ok(Some(Arc::new(crate::export::Exports::new(store.clone(), place))))
}

/// The same of a build without exports.
#[cfg(not(feature = "export"))]
pub(crate) async fn exporter(layer: &WorkerLayer, _store: &Store) -> Result<Option<Arc<dyn Exporter>>> {
    use crate::exit::Coded;
    use oms_domain::error::ErrorCode;
    if layer.export_to.is_some() {
        let message = "this build writes no tables out";
        return Err(Coded::new(ErrorCode::ValidationFailed, message).hint("build it with feature export, or leave export_to away").into());
    }
    Ok(None)
}
