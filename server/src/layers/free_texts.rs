//! Free texts in answers: what commands and events carry are references, and whoever may read an order may read what was written about it.
//! Around the layer that keeps answers under keys, so that no text is kept there.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oms_domain::{
    error::ErrorCode,
    free_text::{REFERENCE_PREFIX, TextReference, references_in},
};
use serde_json::Value;

use crate::{failure::Failure, state::AppState};

/// Puts texts where their references are.
pub(crate) async fn show(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !is_json(response.headers()) {
        return response;
    }
    match with_texts(&state, response).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

async fn with_texts(state: &AppState, response: Response) -> Result<Response, Failure> {
    let (mut parts, body) = response.into_parts();
    // Our own answer, which is in memory already.
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Failure::from(ErrorCode::Internal))?;
    if !may_refer(&body) {
        return Ok(Response::from_parts(parts, Body::from(body)));
    }
    let mut json: Value = serde_json::from_slice(&body).map_err(|_| Failure::from(ErrorCode::Internal))?;
    let mut references = BTreeSet::new();
    visit(&mut json, &mut |text| references.extend(references_in(text).into_iter().map(|(_, reference)| reference)));
    let texts = state.store.texts(&references).await?;
    visit(&mut json, &mut |text| put_in(text, &texts));
    let body = Bytes::from(json.to_string());
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// From the end on: what stands before keeps its place.
fn put_in(text: &mut String, texts: &BTreeMap<TextReference, String>) {
    for (place, reference) in references_in(text).into_iter().rev() {
        if let Some(written) = texts.get(&reference) {
            text.replace_range(place, written);
        }
    }
}

/// Without reading it as JSON: most answers have no free text.
fn may_refer(body: &[u8]) -> bool {
    body.windows(REFERENCE_PREFIX.len()).any(|window| window == REFERENCE_PREFIX.as_bytes())
}

fn visit(json: &mut Value, see: &mut impl FnMut(&mut String)) {
    match json {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, see)),
        Value::Object(fields) => fields.values_mut().for_each(|field| visit(field, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
