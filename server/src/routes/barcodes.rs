//! What scanners read off products, and where products lie.

use axum::{Json, extract::State};
use oms_api::{
    barcode::{BarcodeView, BarcodesBody, BinBody},
    page::Page,
    problem::Problem,
};
use oms_domain::{
    barcode,
    error::ErrorCode,
    ids::{FacilityId, Sku},
};
use oms_store::{Barcode, Bin};

use crate::{
    acting::Acting,
    extract::{InPath, JsonBody},
    failure::Failure,
    state::AppState,
};

fn view(found: Barcode) -> BarcodeView {
    BarcodeView { code: found.code, sku: found.sku, units: found.units }
}

#[utoipa::path(
    get, path = "/v1/products/{sku}/barcodes", tag = "stock", operation_id = "list_barcodes", params(("sku" = String, Path)),
    responses((status = 200, description = "What scanners read off the product", body = Page<BarcodeView>))
)]
pub(crate) async fn of_product(State(state): State<AppState>, InPath(sku): InPath<Sku>) -> Result<Json<Page<BarcodeView>>, Failure> {
    let found = state.store.barcodes(&[sku.as_str()]).await?;
    Ok(Json(Page::whole(found.into_iter().map(view).collect())))
}

#[utoipa::path(
    get, path = "/v1/barcodes/{code}", tag = "stock", operation_id = "get_barcode",
    params(("code" = String, Path, description = "As it was scanned, with or without what the scanner puts before it")),
    responses((status = 200, description = "What the code stands for", body = BarcodeView))
)]
pub(crate) async fn find(State(state): State<AppState>, InPath(code): InPath<String>) -> Result<Json<BarcodeView>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail("no product has this code");
    let found = state.store.barcode(&barcode::normalised(&code)).await?.ok_or_else(missing)?;
    Ok(Json(view(found)))
}

#[utoipa::path(
    put, path = "/v1/products/{sku}/barcodes", tag = "stock", operation_id = "put_barcodes", params(("sku" = String, Path)),
    request_body = BarcodesBody,
    responses(
        (status = 200, description = "The product has these codes and no others", body = Page<BarcodeView>),
        (status = 422, description = "One of them is another product's", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put(Acting(state): Acting, InPath(sku): InPath<Sku>, body: JsonBody) -> Result<Json<Page<BarcodeView>>, Failure> {
    let BarcodesBody { barcodes } = body.read(BarcodesBody::read)?;
    if state.store.catalog().product(&sku).await?.is_none() {
        return Err(Problem::new(ErrorCode::NotFound).detail(ErrorCode::UnknownSku.title()).into());
    }
    let rows: Vec<Barcode> = barcodes.into_iter().map(|given| Barcode { code: given.code, sku: sku.clone(), units: given.units }).collect();
    let again = rows.iter().enumerate().find(|(n, row)| rows[..*n].iter().any(|other| other.code == row.code));
    if let Some((n, _)) = again {
        return Err(Problem::field(format!("/barcodes/{n}/code"), "is used by an earlier element").into());
    }
    if let Some(taken) = state.store.put_barcodes(&sku, &rows).await? {
        let n = rows.iter().position(|row| row.code == taken).unwrap_or_default();
        return Err(Problem::field(format!("/barcodes/{n}/code"), "is another product's").into());
    }
    Ok(Json(Page::whole(rows.into_iter().map(view).collect())))
}

#[utoipa::path(
    get, path = "/v1/stock/{facility_id}/{sku}/bin", tag = "stock", operation_id = "get_bin",
    params(("facility_id" = String, Path), ("sku" = String, Path)),
    responses((status = 200, description = "Where the position lies", body = BinBody))
)]
pub(crate) async fn get_bin(
    State(state): State<AppState>,
    InPath((facility_id, sku)): InPath<(FacilityId, Sku)>,
) -> Result<Json<BinBody>, Failure> {
    let found = state.store.bins(&facility_id, &[sku.as_str()]).await?.into_iter().next();
    let missing = || Problem::new(ErrorCode::NotFound).detail("nobody has said where it lies");
    let Bin { bin, walk, .. } = found.ok_or_else(missing)?;
    Ok(Json(BinBody { bin, walk }))
}

#[utoipa::path(
    put, path = "/v1/stock/{facility_id}/{sku}/bin", tag = "stock", operation_id = "put_bin",
    params(("facility_id" = String, Path), ("sku" = String, Path)), request_body = BinBody,
    responses((status = 200, description = "It lies there", body = BinBody))
)]
pub(crate) async fn put_bin(
    Acting(state): Acting,
    InPath((facility_id, sku)): InPath<(FacilityId, Sku)>,
    body: JsonBody,
) -> Result<Json<BinBody>, Failure> {
    let BinBody { bin, walk } = body.read(BinBody::read)?;
    let missing = |code: ErrorCode| Failure::from(Problem::new(ErrorCode::NotFound).detail(code.title()));
    if state.store.catalog().facility(&facility_id).await?.is_none() {
        return Err(missing(ErrorCode::UnknownFacility));
    }
    if state.store.catalog().product(&sku).await?.is_none() {
        return Err(missing(ErrorCode::UnknownSku));
    }
    state.store.put_bin(&facility_id, &Bin { sku, bin: bin.clone(), walk }).await?;
    Ok(Json(BinBody { bin, walk }))
}
