//! Why the starter could not do what it was asked.

use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::Sku,
};
use oms_store::StoreError;

/// No message of it holds personal data.
#[derive(Debug, thiserror::Error)]
pub enum StarterError {
    /// The order, or a rule, says no; nothing has changed.
    #[error("{0}")]
    Rejected(Rejection),
    /// Lines of the order, or changes of a set, by index, name products that the catalog does not have.
    #[error("unknown SKUs")]
    UnknownSkus(Vec<(usize, Sku)>),
    #[error("there is no such thing")]
    NotFound,
    /// Something is down; the same call may be made again.
    #[error("{0}")]
    Unavailable(String),
    #[error("no answer in time")]
    TimedOut,
    #[error("{0}")]
    Internal(String),
}

impl StarterError {
    /// Something is down: the same will do once it is back.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TimedOut)
    }
}

impl From<StoreError> for StarterError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused { code: code @ ErrorCode::OrderNameTaken } => Self::Rejected(Rejection::new(code, code.title())),
            error if error.retryable() => Self::Unavailable(error.to_string()),
            error => Self::Internal(error.to_string()),
        }
    }
}

/// A gRPC status without what it may quote of the request.
pub(crate) fn rpc(status: &tonic::Status) -> StarterError {
    match status.code() {
        tonic::Code::DeadlineExceeded | tonic::Code::Cancelled => StarterError::TimedOut,
        code => StarterError::Unavailable(format!("Temporal: {code}")),
    }
}
