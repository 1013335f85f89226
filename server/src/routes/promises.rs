//! What checkout may tell a customer before there is an order.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use jiff::Timestamp;
use oms_api::promise::{PromiseBody, PromiseLineBody, PromisesView};
use oms_domain::{error::ErrorCode, ids::Sku};
use oms_store::{Product, Promise};

use crate::{
    caller::Caller,
    extract::JsonBody,
    failure::{self, Failure},
    promising::Basket,
    state::AppState,
};

#[utoipa::path(
    post, path = "/v1/promises", tag = "orders", operation_id = "promise", request_body = PromiseBody,
    responses((status = 200, description = "One option for each shipping method; nothing is reserved", body = PromisesView))
)]
pub(crate) async fn promise(State(state): State<AppState>, caller: Caller, body: JsonBody) -> Result<Json<PromisesView>, Failure> {
    let body = body.read(PromiseBody::read)?;
    body.channel.iter().try_for_each(|channel| caller.refuse_channel(channel))?;
    let products = products(&state, &body.lines).await?;
    let skus: Vec<Sku> = products.keys().cloned().collect();
    let at = state.starter.clock().business(Timestamp::now());
    let availability = state.store.availability(&skus).await?;
    let basket = Basket {
        pickup_facility_id: None,
        products,
        places: state.store.places(Some(availability.facilities_version), at).await?,
        stock: availability.positions.into_iter().map(Into::into).collect(),
        rules: &state.rules.current(),
        may_wait: true,
        at,
        body: &body,
    };
    let options = basket.options().map_err(failure::no_plan)?;
    let kept: Vec<Promise> =
        options.iter().map(|option| Promise { promise_id: option.promise_id.clone(), delivery_date: option.delivery_date }).collect();
    state.store.keep_promises(&kept).await?;
    Ok(Json(PromisesView { options }))
}

/// The products of a basket, all of which must be known.
pub(crate) async fn products(state: &AppState, lines: &[PromiseLineBody]) -> Result<BTreeMap<Sku, Product>, Failure> {
    let mut skus: Vec<Sku> = lines.iter().map(|line| line.sku.clone()).collect();
    skus.sort();
    skus.dedup();
    let products: BTreeMap<Sku, Product> =
        state.store.catalog().products(&skus).await?.into_iter().map(|product| (product.sku.clone(), product)).collect();
    let missing = lines.iter().enumerate().filter(|(_, line)| !products.contains_key(&line.sku));
    let mut unknown = missing.map(|(index, _)| format!("/lines/{index}/sku")).peekable();
    match unknown.peek() {
        None => Ok(products),
        Some(_) => Err(failure::unknown(ErrorCode::UnknownSku, unknown)),
    }
}
