//! The state as its caller's: what is written or asked through it is kept as their doing.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{caller::Caller, failure::Failure, state::AppState};

pub(crate) struct Acting(pub(crate) AppState);

impl FromRequestParts<AppState> for Acting {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Failure> {
        let by = Caller::from_request_parts(parts, state).await?.by();
        let (store, starter) = (state.store.by(by.clone()), state.starter.by(by));
        Ok(Self(AppState { store, starter, ..state.clone() }))
    }
}
