//! Probes: alive, ready to take orders, and how it goes.

use std::{future::Future, time::Duration};

use axum::{Json, extract::State, http::header::CONTENT_TYPE, response::IntoResponse};
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use serde_json::{Value, json};

use crate::{failure::Failure, state::AppState};

/// A part that takes longer is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "The server runs", body = Value)))]
pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "PostgreSQL, DynamoDB and Temporal answer", body = Value),
        (status = 503, description = "One of them does not", body = Problem, content_type = "application/problem+json")
    )
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<Json<Value>, Failure> {
    let (store, temporal) = tokio::join!(answers(state.store.ping()), answers(state.starter.ping()));
    let silent: Vec<String> = [store.map_err(|why| format!("databases: {why}")), temporal.map_err(|why| format!("Temporal: {why}"))]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    if silent.is_empty() {
        return Ok(Json(json!({"status": "ready"})));
    }
    Err(Problem::new(ErrorCode::Unavailable).detail(silent.join("; ")).into())
}

#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, description = "Requests, backlog, queues and messengers, in the text form of Prometheus", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, Failure> {
    let (backlog, endpoints, inlets) = state.figures.waiting().await?;
    state.metrics.stand(&state.store.providers().await?);
    let text = state.metrics.text(&backlog, &endpoints, &inlets);
    let text = text.map_err(|error| {
        tracing::error!(error.message = %error, "the metrics cannot be written");
        ErrorCode::Internal
    })?;
    Ok(([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text))
}

async fn answers<E: std::fmt::Display>(ping: impl Future<Output = Result<(), E>>) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, ping).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
