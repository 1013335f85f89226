//! What gateways say unasked: kept once, and told to the order that it is about.

use oms_domain::{ids::ProviderId, webhook::GatewayReport};
use sqlx::types::Json;

use crate::{error::StoreError, store::Store};

/// Both or neither: whoever says it again is told that it is known.
const ACCEPT: &str = "WITH new AS (
        INSERT INTO gateway_events (provider_id, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id
    )
    INSERT INTO order_inbox (order_id, kind, payload) SELECT $3, 'gateway_event', $4 FROM new";

impl Store {
    /// Keeps it, and a message to its order. False: it was here before.
    pub async fn accept_gateway_event(&self, provider_id: &ProviderId, report: &GatewayReport) -> Result<bool, StoreError> {
        let accept = sqlx::query(ACCEPT).bind(provider_id.as_str()).bind(&report.event_id).bind(report.order_id.as_str());
        Ok(accept.bind(Json(report)).execute(&self.pool).await?.rows_affected() == 1)
    }
}
