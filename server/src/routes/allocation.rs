//! What is decided about all orders: at once, rather than when its schedule comes round.

use axum::{Json, extract::State};
use oms_api::maintenance::{PoolBody, PoolView, StockPricesView};
use oms_domain::error::ErrorCode;
use oms_starter::{MaintenanceResult, MaintenanceTask, StarterError};

use crate::{extract::JsonBody, failure::Failure, state::AppState};

#[utoipa::path(
    post, path = "/v1/allocation/pool", tag = "allocation", operation_id = "repool", request_body = PoolBody,
    responses((status = 200, description = "What moved, or would", body = PoolView))
)]
pub(crate) async fn pool(State(state): State<AppState>, body: JsonBody) -> Result<Json<PoolView>, Failure> {
    let PoolBody { dry_run } = body.read(PoolBody::read)?;
    match state.starter.maintain(MaintenanceTask::Pool { dry_run }).await? {
        MaintenanceResult::Pool(report) => Ok(Json(PoolView {
            pool_id: report.pool_id,
            dry_run: report.dry_run,
            orders: report.orders,
            planned: report.planned,
            blocked: report.blocked,
            moved: report.moved,
            skipped: report.skipped,
            failed: report.failed,
            saved_milli: report.saved_milli,
        })),
        MaintenanceResult::StockPrices(_) | MaintenanceResult::Prune(_) | MaintenanceResult::Export(_) => Err(another()),
    }
}

#[utoipa::path(
    post, path = "/v1/allocation/stock-prices", tag = "allocation", operation_id = "price_stock",
    responses((status = 200, description = "The prices that decisions go by from now on", body = StockPricesView))
)]
pub(crate) async fn stock_prices(State(state): State<AppState>) -> Result<Json<StockPricesView>, Failure> {
    match state.starter.maintain(MaintenanceTask::StockPrices).await? {
        MaintenanceResult::StockPrices(report) => {
            Ok(Json(StockPricesView { version: report.version, skus: report.skus, positions: report.positions, in_force: report.in_force }))
        }
        MaintenanceResult::Pool(_) | MaintenanceResult::Prune(_) | MaintenanceResult::Export(_) => Err(another()),
    }
}

/// A run is known by its task's name, and answers for that.
fn another() -> Failure {
    StarterError::Internal(format!("{}: another task answered", ErrorCode::Internal.code())).into()
}
