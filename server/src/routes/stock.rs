//! Stock: positions, counts and corrections.

use axum::{Json, extract::State};
use oms_api::{
    problem::Problem,
    stock::{AdjustmentBody, AdjustmentResult, AdjustmentsBody, AdjustmentsView, PositionView, PutStockBody, StockRow, StockView},
};
use oms_domain::{
    error::ErrorCode,
    ids::{FacilityId, Sku},
};
use oms_store::StoreError;

use crate::{
    convert,
    extract::{InPath, JsonBody},
    failure::{self, Failure},
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/stock/{sku}", tag = "stock", operation_id = "get_stock", params(("sku" = String, Path)),
    responses((status = 200, description = "Where the SKU is", body = StockView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(sku): InPath<Sku>) -> Result<Json<StockView>, Failure> {
    let positions = state.store.stock_of(&sku).await?;
    if positions.is_empty() && state.store.catalog().product(&sku).await?.is_none() {
        return Err(Problem::new(ErrorCode::NotFound).detail(ErrorCode::UnknownSku.title()).into());
    }
    Ok(Json(StockView { sku: sku.to_string(), positions: positions.into_iter().map(convert::position).collect() }))
}

#[utoipa::path(
    put, path = "/v1/stock/{facility_id}/{sku}", tag = "stock", operation_id = "put_stock",
    params(("facility_id" = String, Path), ("sku" = String, Path)), request_body = PutStockBody,
    responses((status = 200, description = "The position as it is now", body = PositionView))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    InPath((facility_id, sku)): InPath<(FacilityId, Sku)>,
    body: JsonBody,
) -> Result<Json<PositionView>, Failure> {
    let PutStockBody { count, as_of } = body.read(PutStockBody::read)?;
    let count = convert::stock_count(StockRow { facility_id, sku, count });
    let position = state.store.catalog().put_stock(&count, as_of).await.map_err(refused)?;
    state.relay.nudge();
    Ok(Json(convert::position(position)))
}

/// Names the part of the request that a refusal is about.
fn refused(error: StoreError) -> Failure {
    let pointer = match error.code() {
        ErrorCode::UnknownSku => "{sku}",
        ErrorCode::UnknownFacility => "{facility_id}",
        ErrorCode::StaleSnapshot => "/as_of",
        _ => return error.into(),
    };
    failure::unknown(error.code(), std::iter::once(pointer.to_owned()))
}

#[utoipa::path(
    post, path = "/v1/stock/adjustments", tag = "stock", operation_id = "adjust_stock", request_body = AdjustmentsBody,
    responses((status = 200, description = "What became of each; one that is rejected stops no other", body = AdjustmentsView))
)]
pub(crate) async fn adjust(State(state): State<AppState>, body: JsonBody) -> Result<Json<AdjustmentsView>, Failure> {
    let AdjustmentsBody { adjustments } = body.read(AdjustmentsBody::read)?;
    let rows: Vec<oms_store::Adjustment> = adjustments.iter().cloned().map(convert::adjustment).collect();
    let results = state.store.adjust_stock(&rows).await?;
    state.relay.nudge();
    let results = adjustments.into_iter().zip(results).map(|(adjustment, result)| outcome(adjustment, result)).collect();
    Ok(Json(AdjustmentsView { results }))
}

fn outcome(adjustment: AdjustmentBody, result: oms_store::AdjustmentResult) -> AdjustmentResult {
    let (word, code) = match result {
        oms_store::AdjustmentResult::Applied => ("applied", None),
        oms_store::AdjustmentResult::Duplicate => ("duplicate", None),
        oms_store::AdjustmentResult::Rejected(code) => ("rejected", Some(code.code().to_owned())),
    };
    AdjustmentResult { adjustment_id: adjustment.adjustment_id, result: word.to_owned(), code }
}
