//! The audit trail, to be read.

use axum::{Json, extract::State};
use oms_api::{
    audit::AuditView,
    page::Page,
    reader::{Fields, integer, name, timestamp},
};
use oms_store::AuditFilter;

use super::paging::limit;
use crate::{convert, extract::Params, failure::Failure, state::AppState};

#[utoipa::path(
    get, path = "/v1/audit", tag = "accounts", operation_id = "list_audit",
    params(
        ("actor" = Option<String>, Query, description = "What this account did"),
        ("subject" = Option<String>, Query, description = "What was done to this account or key"),
        ("from" = Option<String>, Query, description = "Not before this time"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<u64>, Query)
    ),
    responses((status = 200, description = "What was done that is no event of an order, newest first", body = Page<AuditView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<AuditView>>, Failure> {
    let (filter, before, limit) = params.read(|node| node.object(list_params))?;
    let page = state.store.audit_page(&filter, before, limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::audit).collect(), page.next_cursor)))
}

fn list_params(fields: &Fields<'_>) -> Option<(AuditFilter, Option<u64>, u32)> {
    let (actor, subject, from) = (fields.optional("actor", name), fields.optional("subject", name), fields.optional("from", timestamp));
    let (before, limit) = (fields.optional("cursor", integer(1..=i64::MAX)), limit(fields));
    Some((AuditFilter { actor: actor?, subject: subject?, from: from? }, before?.and_then(|before| u64::try_from(before).ok()), limit?))
}
