//! The one place where errors become Temporal failures: the type is the error table's code, and only what cannot change is final.

use oms_domain::error::{ErrorCode, Retry};
use oms_store::StoreError;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

use crate::ports::PortError;

/// A failure with this code. `message` holds no personal data.
pub(crate) fn failure(code: ErrorCode, message: impl Into<String>) -> ActivityError {
    let message: String = message.into();
    ApplicationFailure::builder(message).type_name(code.code().to_owned()).non_retryable(code.retry() == Retry::Never).build().into()
}

pub(crate) fn store_failure(error: &StoreError) -> ActivityError {
    let message = error.to_string();
    ApplicationFailure::builder(message).type_name(error.code().code().to_owned()).non_retryable(!error.retryable()).build().into()
}

pub(crate) fn port_failure(error: &PortError) -> ActivityError {
    match error {
        PortError::Unreachable(why) => failure(ErrorCode::Unavailable, why),
        PortError::Refused(why) => failure(ErrorCode::RefusedByRule, why),
    }
}
