//! Stock: positions, counts and corrections.

use axum::{Json, extract::State};
use jiff::Timestamp;
use oms_api::{
    page::Page,
    problem::Problem,
    reader::{parsed, timestamp},
    stock::{
        AdjustmentBody, AdjustmentResult, AdjustmentsBody, AdjustmentsView, PositionView, PutStockBody, StockMovementView, StockRow,
        StockView,
    },
};
use oms_domain::{
    error::ErrorCode,
    ids::{FacilityId, Sku},
};
use oms_store::StoreError;

use super::paging::{after_number, last_of_full, limit};
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::{self, Failure},
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/stock", tag = "stock", operation_id = "list_stock",
    params(
        ("facility_id" = String, Query),
        ("updated_after" = Option<String>, Query, description = "Only where something moved after this time: a page may have few of them, or \
            none, and lead on"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Every position of the facility, by SKU", body = Page<PositionView>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<PositionView>>, Failure> {
    let (facility_id, moved_after, after, limit) = params.read(|node| {
        node.object(|fields| {
            let facility_id = fields.required("facility_id", parsed::<FacilityId>);
            let moved_after = fields.optional("updated_after", timestamp);
            let (after, limit) = (fields.optional("cursor", parsed::<Sku>), limit(fields));
            Some((facility_id?, moved_after?, after?, limit?))
        })
    })?;
    if !caller.sees_facility(&facility_id) {
        return Ok(Json(Page::whole(Vec::new())));
    }
    let page = match moved_after {
        Some(moved_after) => state.store.stock_page_since(&facility_id, moved_after, after.as_ref(), limit).await?,
        None => state.store.stock_page(&facility_id, after.as_ref(), limit).await?,
    };
    Ok(Json(Page::new(page.items.into_iter().map(convert::position).collect(), page.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/stock/{facility_id}/{sku}", tag = "stock", operation_id = "get_stock",
    params(("facility_id" = String, Path), ("sku" = String, Path)),
    responses((status = 200, description = "The position", body = PositionView))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    InPath((facility_id, sku)): InPath<(FacilityId, Sku)>,
) -> Result<Json<PositionView>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail("nothing was ever counted or moved there");
    let position = state.store.stock_position(&facility_id, &sku).await?.ok_or_else(missing)?;
    Ok(Json(convert::position(position)))
}

#[utoipa::path(
    get, path = "/v1/skus/{sku}/availability", tag = "stock", operation_id = "get_sku_availability", params(("sku" = String, Path)),
    responses((status = 200, description = "Where the SKU is, and what of it could be promised", body = StockView))
)]
pub(crate) async fn of_sku(State(state): State<AppState>, caller: Caller, InPath(sku): InPath<Sku>) -> Result<Json<StockView>, Failure> {
    let positions = state.store.stock_within(&sku, &caller.scope).await?;
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
    Acting(state): Acting,
    InPath((facility_id, sku)): InPath<(FacilityId, Sku)>,
    body: JsonBody,
) -> Result<Json<PositionView>, Failure> {
    let PutStockBody { count, as_of } = body.read(PutStockBody::read)?;
    state.refuse_ahead([("/as_of".to_owned(), as_of)])?;
    let count = convert::stock_count(StockRow { facility_id, sku, count });
    let as_of = Some(as_of.unwrap_or_else(|| state.now()));
    let position = state.store.catalog().put_stock(&count, as_of).await.map_err(refused)?;
    state.relay.nudge();
    Ok(Json(convert::position(position)))
}

#[utoipa::path(
    delete, path = "/v1/stock/{facility_id}/{sku}/counts/{as_of}", tag = "stock", operation_id = "take_back_count",
    params(
        ("facility_id" = String, Path), ("sku" = String, Path),
        ("as_of" = String, Path, description = "When it was counted, by the count: only the last one can be taken back")
    ),
    responses((status = 200, description = "The position as if the count had never been told; its limits stay", body = PositionView))
)]
pub(crate) async fn take_back_count(
    Acting(state): Acting,
    InPath((facility_id, sku, as_of)): InPath<(FacilityId, Sku, Timestamp)>,
) -> Result<Json<PositionView>, Failure> {
    let position = state.store.catalog().take_back_count(&facility_id, &sku, as_of).await.map_err(|error| match error.code() {
        ErrorCode::NotFound => Problem::new(ErrorCode::NotFound).detail("the last count there is not as of this time").into(),
        _ => Failure::from(error),
    })?;
    state.relay.nudge();
    Ok(Json(convert::position(position)))
}

#[utoipa::path(
    get, path = "/v1/stock/{facility_id}/{sku}/movements", tag = "stock", operation_id = "list_stock_movements",
    params(
        ("facility_id" = String, Path), ("sku" = String, Path),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<u64>, Query)
    ),
    responses((status = 200, description = "What moved units there and why, the last recorded first", body = Page<StockMovementView>))
)]
pub(crate) async fn movements(
    State(state): State<AppState>,
    InPath((facility_id, sku)): InPath<(FacilityId, Sku)>,
    params: Params,
) -> Result<Json<Page<StockMovementView>>, Failure> {
    let (limit, before) = after_number(&params)?;
    let found = state.store.stock_movements(&facility_id, &sku, Some(before).filter(|before| *before > 0), limit).await?;
    let next_cursor = last_of_full(&found, limit).map(|movement| movement.movement_id.to_string());
    Ok(Json(Page::new(found.into_iter().map(convert::stock_movement).collect(), next_cursor)))
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
pub(crate) async fn adjust(
    Acting(state): Acting,
    caller: Caller,
    request: CommandId,
    body: JsonBody,
) -> Result<Json<AdjustmentsView>, Failure> {
    let AdjustmentsBody { adjustments } = body.read(AdjustmentsBody::read)?;
    state.refuse_ahead(adjustments.iter().enumerate().map(|(n, a)| (format!("/adjustments/{n}/occurred_at"), a.occurred_at)))?;
    // Its place in the request names what has no id: the same request again, under its key, is the same adjustments.
    let now = state.now();
    let named = |(n, body): (usize, AdjustmentBody)| {
        let row = convert::adjustment(body, now);
        oms_store::Adjustment { adjustment_id: row.adjustment_id.or_else(|| Some(request.part(n).id)), ..row }
    };
    let seen = |(_, body): &(usize, AdjustmentBody)| caller.sees_facility(&body.facility_id);
    let rows: Vec<oms_store::Adjustment> = adjustments.iter().cloned().enumerate().filter(seen).map(named).collect();
    let mut judged = state.store.adjust_stock(&rows).await?.into_iter();
    state.relay.nudge();
    let result = |adjustment: AdjustmentBody| {
        let unknown = oms_store::AdjustmentResult::Rejected(ErrorCode::UnknownFacility);
        let result = if caller.sees_facility(&adjustment.facility_id) { judged.next().unwrap_or(unknown) } else { unknown };
        outcome(adjustment, result)
    };
    let results = adjustments.into_iter().map(result).collect();
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
