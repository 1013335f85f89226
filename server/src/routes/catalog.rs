//! Facilities and products, one at a time; many come by feed.

use axum::{Json, extract::State};
use oms_api::{
    facility::FacilityBody,
    order::{AddressBody, address_body, read_address},
    page::Page,
    problem::Problem,
    product::ProductBody,
};
use oms_domain::{
    error::ErrorCode,
    ids::{FacilityId, Sku},
};

use super::paging::after;
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    layers::etag::Seen,
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/facilities", tag = "stock", operation_id = "list_facilities",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Warehouses and stores, by id", body = Page<FacilityBody>))
)]
pub(crate) async fn list_facilities(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
) -> Result<Json<Page<FacilityBody>>, Failure> {
    let (limit, after) = after::<FacilityId>(&params)?;
    let page = state.store.catalog().facilities_page(&caller.scope, after.as_ref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::facility_body).collect(), page.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}", tag = "stock", params(("facility_id" = String, Path)),
    responses((status = 200, description = "The facility", body = FacilityBody, headers(("ETag" = String, description = "For `If-Match`"))))
)]
pub(crate) async fn get_facility(State(state): State<AppState>, InPath(id): InPath<FacilityId>) -> Result<Json<FacilityBody>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail(ErrorCode::UnknownFacility.title());
    let facility = state.store.catalog().facility(&id).await?.ok_or_else(missing)?;
    Ok(Json(convert::facility_body(facility)))
}

#[utoipa::path(
    put, path = "/v1/facilities/{facility_id}", tag = "stock", request_body = FacilityBody,
    params(
        ("facility_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "Needed where there is one: its ETag, or `*`")
    ),
    responses(
        (status = 200, description = "The facility as it is now", body = FacilityBody),
        (status = 412, description = "It has changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "There is one, and no If-Match", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_facility(
    Acting(state): Acting,
    InPath(id): InPath<FacilityId>,
    seen: Seen,
    body: JsonBody,
) -> Result<Json<FacilityBody>, Failure> {
    let facility = body.read(|node| FacilityBody::read_at(node, &id))?;
    let may = |there: Option<oms_store::Facility>| seen.refuse_unless(there.map(convert::facility_body).as_ref());
    state.store.catalog().replace_facility(&convert::facility(facility.clone()), may).await?;
    Ok(Json(facility))
}

#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}/address", tag = "stock", operation_id = "get_facility_address",
    params(("facility_id" = String, Path)),
    responses((status = 200, description = "Where its parcels come from, as labels name it", body = AddressBody,
        headers(("ETag" = String, description = "For `If-Match`"))))
)]
pub(crate) async fn get_facility_address(
    State(state): State<AppState>,
    InPath(id): InPath<FacilityId>,
) -> Result<Json<AddressBody>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail("nobody has said its address: labels name the facility and its city");
    let address = state.store.catalog().facility_address(&id).await?.ok_or_else(missing)?;
    Ok(Json(address_body(&address)))
}

#[utoipa::path(
    put, path = "/v1/facilities/{facility_id}/address", tag = "stock", operation_id = "put_facility_address", request_body = AddressBody,
    params(
        ("facility_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "Needed where there is one: its ETag, or `*`")
    ),
    responses(
        (status = 200, description = "What its labels name from now on", body = AddressBody),
        (status = 412, description = "It has changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "There is one, and no If-Match", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_facility_address(
    Acting(state): Acting,
    InPath(id): InPath<FacilityId>,
    seen: Seen,
    body: JsonBody,
) -> Result<Json<AddressBody>, Failure> {
    let address = body.read(read_address)?;
    let there = state.store.catalog().facility_address(&id).await?;
    seen.refuse_unless(there.as_ref().map(address_body).as_ref())?;
    state.store.catalog().put_facility_address(&id, &address).await?;
    Ok(Json(address_body(&address)))
}

#[utoipa::path(
    get, path = "/v1/products", tag = "stock", operation_id = "list_products",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "What can be sold, by SKU", body = Page<ProductBody>))
)]
pub(crate) async fn list_products(State(state): State<AppState>, params: Params) -> Result<Json<Page<ProductBody>>, Failure> {
    let (limit, after) = after::<Sku>(&params)?;
    let page = state.store.catalog().products_page(after.as_ref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::product_body).collect(), page.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/products/{sku}", tag = "stock", params(("sku" = String, Path)),
    responses((status = 200, description = "The product", body = ProductBody, headers(("ETag" = String, description = "For `If-Match`"))))
)]
pub(crate) async fn get_product(State(state): State<AppState>, InPath(sku): InPath<Sku>) -> Result<Json<ProductBody>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail(ErrorCode::UnknownSku.title());
    let product = state.store.catalog().product(&sku).await?.ok_or_else(missing)?;
    Ok(Json(convert::product_body(product)))
}

#[utoipa::path(
    put, path = "/v1/products/{sku}", tag = "stock", request_body = ProductBody,
    params(("sku" = String, Path), ("If-Match" = Option<String>, Header, description = "Needed where there is one: its ETag, or `*`")),
    responses(
        (status = 200, description = "The product as it is now", body = ProductBody),
        (status = 412, description = "It has changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "There is one, and no If-Match", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_product(
    Acting(state): Acting,
    InPath(sku): InPath<Sku>,
    seen: Seen,
    body: JsonBody,
) -> Result<Json<ProductBody>, Failure> {
    let product = body.read(|node| ProductBody::read_at(node, &sku))?;
    let may = |there: Option<oms_store::Product>| seen.refuse_unless(there.map(convert::product_body).as_ref());
    state.store.catalog().replace_product(&convert::product(product.clone()), may).await?;
    Ok(Json(product))
}
