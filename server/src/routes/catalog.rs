//! Facilities and products, one at a time; many come by feed.

use axum::{Json, extract::State};
use oms_api::{facility::FacilityBody, problem::Problem, product::ProductBody};
use oms_domain::{
    error::ErrorCode,
    ids::{FacilityId, Sku},
};

use crate::{
    acting::Acting,
    convert,
    extract::{InPath, JsonBody},
    failure::Failure,
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}", tag = "stock", params(("facility_id" = String, Path)),
    responses((status = 200, description = "The facility", body = FacilityBody))
)]
pub(crate) async fn get_facility(State(state): State<AppState>, InPath(id): InPath<FacilityId>) -> Result<Json<FacilityBody>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail(ErrorCode::UnknownFacility.title());
    let facility = state.store.catalog().facility(&id).await?.ok_or_else(missing)?;
    Ok(Json(convert::facility_body(facility)))
}

#[utoipa::path(
    put, path = "/v1/facilities/{facility_id}", tag = "stock", params(("facility_id" = String, Path)), request_body = FacilityBody,
    responses((status = 200, description = "The facility as it is now", body = FacilityBody))
)]
pub(crate) async fn put_facility(
    Acting(state): Acting,
    InPath(id): InPath<FacilityId>,
    body: JsonBody,
) -> Result<Json<FacilityBody>, Failure> {
    let facility = body.read(|node| FacilityBody::read_at(node, &id))?;
    state.store.catalog().put_facility(&convert::facility(facility.clone())).await?;
    Ok(Json(facility))
}

#[utoipa::path(
    get, path = "/v1/products/{sku}", tag = "stock", params(("sku" = String, Path)),
    responses((status = 200, description = "The product", body = ProductBody))
)]
pub(crate) async fn get_product(State(state): State<AppState>, InPath(sku): InPath<Sku>) -> Result<Json<ProductBody>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail(ErrorCode::UnknownSku.title());
    let product = state.store.catalog().product(&sku).await?.ok_or_else(missing)?;
    Ok(Json(convert::product_body(product)))
}

#[utoipa::path(
    put, path = "/v1/products/{sku}", tag = "stock", params(("sku" = String, Path)), request_body = ProductBody,
    responses((status = 200, description = "The product as it is now", body = ProductBody))
)]
pub(crate) async fn put_product(
    Acting(state): Acting,
    InPath(sku): InPath<Sku>,
    body: JsonBody,
) -> Result<Json<ProductBody>, Failure> {
    let product = body.read(|node| ProductBody::read_at(node, &sku))?;
    state.store.catalog().put_product(&convert::product(product.clone())).await?;
    Ok(Json(product))
}
