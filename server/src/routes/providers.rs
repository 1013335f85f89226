//! Providers: whether they are asked, whether they answer, and what waits for them.

use axum::{Json, extract::State};
use oms_api::{
    page::Page,
    provider::{ProviderChangeBody, ProviderView, ProviderWaitView},
};
use oms_domain::{error::ErrorCode, ids::ProviderId, provider::ProviderStanding};

use super::paging::page;
use crate::{
    acting::Acting,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/adapters", tag = "adapters", operation_id = "list_adapters",
    responses((status = 200, description = "Every provider that a worker was configured with, by its name", body = Page<ProviderView>))
)]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Json<Page<ProviderView>>, Failure> {
    let found = state.store.providers().await?;
    Ok(Json(Page::whole(found.into_iter().map(convert::provider).collect())))
}

#[utoipa::path(
    get, path = "/v1/adapters/{provider_id}", tag = "adapters", operation_id = "get_adapter", params(("provider_id" = String, Path)),
    responses((status = 200, description = "The provider", body = ProviderView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<ProviderId>) -> Result<Json<ProviderView>, Failure> {
    let found = state.store.provider(&id).await?.ok_or(ErrorCode::NotFound)?;
    Ok(Json(convert::provider(found)))
}

#[utoipa::path(
    get, path = "/v1/adapters/{provider_id}/waits", tag = "adapters", operation_id = "list_adapter_waits",
    params(
        ("provider_id" = String, Path), ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "What waits for it, the longest first", body = Page<ProviderWaitView>))
)]
pub(crate) async fn waits(
    State(state): State<AppState>,
    InPath(id): InPath<ProviderId>,
    params: Params,
) -> Result<Json<Page<ProviderWaitView>>, Failure> {
    let (limit, after) = page(&params)?;
    state.store.provider(&id).await?.ok_or(ErrorCode::NotFound)?;
    let found = state.store.provider_waits(&id, after.as_deref(), limit).await?;
    Ok(Json(Page::new(found.items.into_iter().map(convert::provider_wait).collect(), found.next_cursor)))
}

#[utoipa::path(
    post, path = "/v1/adapters/{provider_id}/pause", tag = "adapters", operation_id = "pause_adapter",
    params(("provider_id" = String, Path)), request_body = ProviderChangeBody,
    responses((status = 200, description = "Within a second nothing is sent to it any more: what is for it waits", body = ProviderView))
)]
pub(crate) async fn pause(acting: Acting, InPath(id): InPath<ProviderId>, body: JsonBody) -> Result<Json<ProviderView>, Failure> {
    change(acting, &id, &body, ProviderStanding::Paused).await
}

#[utoipa::path(
    post, path = "/v1/adapters/{provider_id}/resume", tag = "adapters", operation_id = "resume_adapter",
    params(("provider_id" = String, Path)), request_body = ProviderChangeBody,
    responses((status = 200, description = "It is asked again, and what waits is done at its pace", body = ProviderView))
)]
pub(crate) async fn resume(acting: Acting, InPath(id): InPath<ProviderId>, body: JsonBody) -> Result<Json<ProviderView>, Failure> {
    change(acting, &id, &body, ProviderStanding::Running).await
}

#[utoipa::path(
    post, path = "/v1/adapters/{provider_id}/drain", tag = "adapters", operation_id = "drain_adapter",
    params(("provider_id" = String, Path)), request_body = ProviderChangeBody,
    responses((status = 200, description = "It gets nothing new where another can do it; what it has begun is seen through", body = ProviderView))
)]
pub(crate) async fn drain(acting: Acting, InPath(id): InPath<ProviderId>, body: JsonBody) -> Result<Json<ProviderView>, Failure> {
    change(acting, &id, &body, ProviderStanding::Draining).await
}

async fn change(
    Acting(state): Acting,
    id: &ProviderId,
    body: &JsonBody,
    standing: ProviderStanding,
) -> Result<Json<ProviderView>, Failure> {
    let ProviderChangeBody { reason } = body.read(ProviderChangeBody::read)?;
    let changed = state.store.set_provider(id, standing, reason.as_deref()).await?.ok_or(ErrorCode::NotFound)?;
    Ok(Json(convert::provider(changed)))
}
