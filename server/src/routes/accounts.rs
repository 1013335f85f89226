//! Accounts and their keys. A key is shown in the answer that makes it, and never again.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::Response,
};
use jiff::Timestamp;
use oms_api::{
    account::{AccountBody, AccountView, KeyBody, MadeKeyView},
    page::Page,
    problem::Problem,
};
use oms_domain::{
    access::{Reach, Scope},
    error::ErrorCode,
    ids::{AccountId, KeyId},
};
use oms_store::{ApiKey, NewAccount};
use secrecy::ExposeSecret;

use super::paging::page;
use crate::{
    caller::Caller,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
    views::Shown,
};

#[utoipa::path(
    post, path = "/v1/accounts", tag = "accounts", operation_id = "create_account", request_body = AccountBody,
    responses(
        (status = 201, description = "The account, which has no key yet", body = AccountView),
        (status = 409, description = "Another account has the name", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<AccountView>), Failure> {
    let AccountBody { name, roles, facilities, channels, carriers, currencies } = body.read(AccountBody::read)?;
    let scope = Scope {
        facilities: Reach::from(facilities),
        channels: Reach::from(channels),
        carriers: Reach::from(carriers),
        currencies: Reach::from(currencies),
    };
    let account = state.store.add_account(&NewAccount { name, roles, scope }, &caller.by()).await?;
    let location = [(header::LOCATION, format!("/v1/accounts/{}", account.account_id))];
    Ok((StatusCode::CREATED, location, Json(convert::account(account))))
}

#[utoipa::path(
    get, path = "/v1/accounts", tag = "accounts", operation_id = "list_accounts",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Accounts that were made here, the oldest first; those that the configuration declares are not among them",
        body = Page<AccountView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<AccountView>>, Failure> {
    let (limit, cursor) = page(&params)?;
    let found = state.store.accounts_page(cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(found.items.into_iter().map(convert::account).collect(), found.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/accounts/{account_id}", tag = "accounts", operation_id = "get_account", params(("account_id" = String, Path)),
    responses((status = 200, description = "The account and its keys, without their secrets", body = AccountView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<AccountId>) -> Result<Json<AccountView>, Failure> {
    Ok(Json(convert::account(state.store.account(&id).await?.ok_or(ErrorCode::AccountNotFound)?)))
}

#[utoipa::path(
    post, path = "/v1/accounts/{account_id}/keys", tag = "accounts", operation_id = "create_account_key",
    params(("account_id" = String, Path)), request_body = KeyBody,
    responses(
        (status = 201, description = "The key: it is shown here, and never again", body = MadeKeyView),
        (status = 409, description = "The account has two live keys: revoke one", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_key(
    State(state): State<AppState>,
    caller: Caller,
    InPath(id): InPath<AccountId>,
    body: JsonBody,
) -> Result<Response, Failure> {
    let KeyBody { expires_at } = body.read(KeyBody::read)?;
    if expires_at.is_some_and(|at| at <= Timestamp::now()) {
        return Err(Problem::field("/expires_at", "must lie ahead").into());
    }
    let key = ApiKey::random();
    let made = state.store.add_key(&id, &key, expires_at, &caller.by()).await?;
    let shown = Shown::Key(id, key.key_id.clone());
    let mut response = shown.answer(convert::made_key(made, Some(key.text().expose_secret().to_owned())));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

#[utoipa::path(
    delete, path = "/v1/accounts/{account_id}/keys/{key_id}", tag = "accounts", operation_id = "revoke_account_key",
    params(("account_id" = String, Path), ("key_id" = String, Path)),
    responses((status = 204, description = "It opens nothing any more, within 5 seconds everywhere"))
)]
pub(crate) async fn revoke_key(
    State(state): State<AppState>,
    caller: Caller,
    InPath((id, key_id)): InPath<(AccountId, KeyId)>,
) -> Result<StatusCode, Failure> {
    match state.store.revoke_key(&id, &key_id, &caller.by()).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ErrorCode::KeyNotFound.into()),
    }
}
