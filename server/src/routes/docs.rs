//! The description of the API for people: Swagger UI, from files in the binary.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, HeaderValue, header},
    response::Redirect,
    routing::get,
};
use oms_domain::error::ErrorCode;
use utoipa_swagger_ui::{Config, serve};

use crate::{failure::Failure, state::AppState};

/// Its own scripts, its own styles and those that it writes, pictures in its styles, and the API.
static POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
);

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/openapi.json").validator_url("none")));

pub(super) fn pages() -> Router<AppState> {
    let index = || async { page("index.html") };
    Router::new()
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(index))
        .route("/docs/{file}", get(|Path(file): Path<String>| async move { page(&file) }))
}

type Page = ([(HeaderName, HeaderValue); 2], Vec<u8>);

fn page(file: &str) -> Result<Page, Failure> {
    let found = serve(file, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(error.message = %error, "a page of the documentation cannot be made");
        ErrorCode::Internal
    })?;
    let found = found.ok_or(ErrorCode::NotFound)?;
    let content_type = HeaderValue::from_str(&found.content_type).map_err(|_| ErrorCode::Internal)?;
    Ok(([(header::CONTENT_TYPE, content_type), (header::CONTENT_SECURITY_POLICY, POLICY.clone())], found.bytes.into_owned()))
}
