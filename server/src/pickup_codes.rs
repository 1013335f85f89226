//! Codes that customers show at pickups: a few are looked at, then ever fewer, so that nobody finds one out by trying.

use axum::{
    http::header::RETRY_AFTER,
    response::{IntoResponse, Response},
};
use oms_api::problem::Problem;
use oms_domain::{error::ErrorCode, ids::FulfillmentOrderId, order::FulfillmentRequest};
use oms_store::{CodeTries, CodeTry};

use crate::{failure::Failure, state::AppState};

/// What an action has to do with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is shown.
    Shown,
    /// It is given out: what was tried before was tried at another.
    Given,
    Nothing,
}

impl Use {
    pub(crate) fn of(action: &FulfillmentRequest) -> Self {
        match action {
            FulfillmentRequest::Handover { code_hash: Some(_) } => Self::Shown,
            FulfillmentRequest::Ready { .. } => Self::Given,
            _ => Self::Nothing,
        }
    }

    /// Counts a code that is shown, right or wrong; the refusal, if it is one too many.
    pub(crate) async fn count(self, state: &AppState, id: &FulfillmentOrderId) -> Result<Option<Response>, Failure> {
        if self != Self::Shown {
            return Ok(None);
        }
        match state.store.try_code(id, CodeTries::default()).await? {
            CodeTry::Counted => Ok(None),
            CodeTry::TooMany { again_in } => {
                let wait_s = again_in.as_secs_f64().ceil();
                let detail = format!("too many codes were shown for this pickup: the next one is looked at in {wait_s} seconds");
                let mut refused = Failure::from(Problem::new(ErrorCode::TooManyRequests).detail(detail)).into_response();
                refused.headers_mut().insert(RETRY_AFTER, (wait_s as u64).into());
                Ok(Some(refused))
            }
        }
    }

    /// It was the right one, or there is a new one. What is left behind, should the database be away, only makes the next tries count more.
    pub(crate) async fn fits(self, state: &AppState, id: &FulfillmentOrderId) {
        if self == Self::Nothing {
            return;
        }
        if let Err(error) = state.store.forget_tries(id).await {
            tracing::warn!(error.message = %error, "the tries of a pickup are kept");
        }
    }
}
