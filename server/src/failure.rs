//! Everything that goes wrong, as a problem document.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use oms_api::problem::{FieldError, PROBLEM_JSON, Problem};
use oms_domain::error::{ErrorCode, Rejection, Retry};
use oms_starter::StarterError;
use oms_store::StoreError;

/// A problem on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Box<Problem>);

impl Failure {
    /// A part of the path is not what it must be.
    pub(crate) fn path(name: &str, message: impl Into<String>) -> Self {
        Problem::field(format!("{{{name}}}"), message).into()
    }
}

impl From<Box<Problem>> for Failure {
    fn from(problem: Box<Problem>) -> Self {
        Self(problem)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Problem::new(code).into()
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Problem::from(rejection).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error == StoreError::NoCursor {
            return Problem::field("?cursor", "must be the next_cursor of the page before").into();
        }
        let code = error.code();
        if code.http_status() >= 500 {
            tracing::error!(error.code = code.code(), error.message = %error, "the store failed");
        }
        code.into()
    }
}

impl From<StarterError> for Failure {
    fn from(error: StarterError) -> Self {
        match error {
            StarterError::Rejected(rejection) => rejection.into(),
            StarterError::NotFound => ErrorCode::OrderNotFound.into(),
            StarterError::UnknownSkus(lines) => {
                unknown(ErrorCode::UnknownSku, lines.into_iter().map(|(index, _)| format!("/lines/{index}/sku")))
            }
            StarterError::TimedOut => ErrorCode::TimedOut.into(),
            StarterError::Unavailable(why) => logged(ErrorCode::Unavailable, &why),
            StarterError::Internal(why) => logged(ErrorCode::Internal, &why),
        }
    }
}

fn logged(code: ErrorCode, why: &str) -> Failure {
    tracing::error!(error.code = code.code(), error.message = why, "an order could not be reached");
    code.into()
}

/// Fields name things that are not in the catalog.
pub(crate) fn unknown(code: ErrorCode, pointers: impl Iterator<Item = String>) -> Failure {
    let message = code.title();
    let errors = pointers.map(|pointer| FieldError { pointer, message: message.to_owned() }).collect();
    Problem { errors, ..Problem::new(code) }.into()
}

/// A basket that makes no problem to solve.
pub(crate) fn no_plan(invalid: oms_allocation::Invalid) -> Failure {
    let errors = invalid.mistakes.into_iter().map(|mistake| FieldError { pointer: mistake.pointer, message: mistake.message }).collect();
    Problem { errors, ..Problem::new(ErrorCode::ValidationFailed) }.into()
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match self.0.code.retry() {
            Retry::Later => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Retry::Never => {}
        }
        if self.0.code == ErrorCode::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"oms\""));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// No route has this path.
pub(crate) async fn not_found() -> Failure {
    Problem::new(ErrorCode::NotFound).detail("there is nothing at this path; /openapi.json lists what there is").into()
}

/// A route has this path, for other methods.
pub(crate) async fn method_not_allowed() -> Failure {
    Problem::new(ErrorCode::MethodNotAllowed).detail("the header Allow says which methods it takes").into()
}

/// A handler panicked: that is a defect of ours. What it said stays in the log.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!(error.code = ErrorCode::Internal.code(), "a request panicked");
    Failure::from(ErrorCode::Internal).into_response()
}
