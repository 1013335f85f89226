//! The one place where errors become Temporal failures: the type is the error table's code, and only what cannot change is final.

use std::time::Duration;

use oms_domain::error::{ErrorCode, Retry};
use oms_store::StoreError;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

use crate::ports::PortError;

/// The server's retries are no finer than this.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Attempts at something that somebody must look at, and the wait after the first: the n-th is n times as long, up to a bound.
const PATIENCE_ATTEMPTS: u32 = 10;
const LOOKED_AT: Duration = Duration::from_secs(5);
const LOOKED_AT_MAX: u32 = 6;

/// A failure with this code. `message` holds no personal data.
pub(crate) fn failure(code: ErrorCode, message: impl Into<String>) -> ActivityError {
    let message: String = message.into();
    ApplicationFailure::builder(message).type_name(code.code().to_owned()).non_retryable(code.retry() == Retry::Never).build().into()
}

pub(crate) fn store_failure(error: &StoreError) -> ActivityError {
    let message = error.to_string();
    ApplicationFailure::builder(message).type_name(error.code().code().to_owned()).non_retryable(!error.retryable()).build().into()
}

/// A passing failure that is to be tried again after so long, whatever the retry policy says.
fn failure_for(code: ErrorCode, message: impl Into<String>, after: Duration) -> ActivityError {
    let message: String = message.into();
    ApplicationFailure::builder(message).type_name(code.code().to_owned()).next_retry_delay(after).build().into()
}

/// What a port's error is to the attempt that met it. What somebody must look at is tried a few minutes longer, ever more slowly: a key
/// that is being changed, a release on the other side. After that it is left to a person, and to the order's own retries.
pub(crate) fn port_failure(error: &PortError, attempt: u32) -> ActivityError {
    let why = error.to_string();
    match error {
        PortError::Unreachable(_) | PortError::Busy { after: None, .. } => failure(ErrorCode::Unavailable, why),
        PortError::Busy { after: Some(after), .. } => failure_for(ErrorCode::Unavailable, why, (*after).max(AT_ONCE)),
        PortError::Denied(_) | PortError::Unexpected(_) if attempt < PATIENCE_ATTEMPTS => {
            failure_for(ErrorCode::Unavailable, why, LOOKED_AT * attempt.min(LOOKED_AT_MAX))
        }
        PortError::Denied(_) | PortError::Unexpected(_) | PortError::Refused(_) => failure(ErrorCode::RefusedByRule, why),
    }
}

#[cfg(test)]
mod tests {
    use temporalio_common::error::ApplicationFailure;

    use super::*;

    /// Whether it is final, and how long it is to be left alone.
    fn met(error: &PortError, attempt: u32) -> (bool, Option<Duration>) {
        match port_failure(error, attempt) {
            ActivityError::Application(failure) => {
                let failure: &ApplicationFailure = &failure;
                (failure.is_non_retryable(), failure.next_retry_delay())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_what_is_final_is_not() {
        let (why, minute) = (|| "why".to_owned(), Duration::from_secs(60));
        assert_eq!(met(&PortError::Unreachable(why()), 1_000), (false, None));
        assert_eq!(met(&PortError::Busy { after: None, why: why() }, 1_000), (false, None));
        assert_eq!(met(&PortError::Busy { after: Some(minute), why: why() }, 1_000), (false, Some(minute)));
        assert_eq!(met(&PortError::Busy { after: Some(Duration::ZERO), why: why() }, 1), (false, Some(AT_ONCE)));
        assert_eq!(met(&PortError::Refused(why()), 1), (true, None));
    }

    #[test]
    fn what_somebody_must_look_at_is_tried_for_minutes_and_then_shown_to_them() {
        for error in [PortError::Denied("why".to_owned()), PortError::Unexpected("why".to_owned())] {
            let tries: Vec<_> = (1..PATIENCE_ATTEMPTS).map(|attempt| met(&error, attempt)).collect();
            assert!(tries.iter().all(|(is_final, _)| !is_final));
            let waited: Duration = tries.iter().filter_map(|(_, after)| *after).sum();
            assert!((Duration::from_secs(2 * 60)..Duration::from_secs(10 * 60)).contains(&waited), "{waited:?}");
            assert_eq!(met(&error, PATIENCE_ATTEMPTS), (true, None));
        }
    }
}
