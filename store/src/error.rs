//! What can go wrong in here, in one type that says whether trying again helps and never repeats what was in a row.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use oms_domain::error::{ErrorCode, Retry};

use crate::read_only;

/// Why the store could not answer. Its text holds codes and names of the schema, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("{system} cannot be reached")]
    Unavailable { system: &'static str },
    /// No connection came free in time.
    #[error("{system} has no connection free")]
    Overloaded { system: &'static str },
    #[error("{system} did not answer in time")]
    TimedOut { system: &'static str },
    /// It answers, and takes no writes: a standby, or a primary that has just become one.
    #[error("{system} takes no writes for now")]
    ReadOnly { system: &'static str },
    /// Another transaction won, or the table is throttled.
    #[error("{system} is busy ({code})")]
    Busy { system: &'static str, code: String },
    #[error("{what} has {bytes} bytes, more than fit")]
    TooLarge { what: &'static str, bytes: usize },
    /// A rule of the schema refuses the value.
    #[error("refused: {}", .code.code())]
    Refused { code: ErrorCode },
    /// Not a place where a list, or the stream of events, could go on.
    #[error("this is no cursor")]
    NoCursor,
    /// What is stored cannot be understood.
    #[error("{what} cannot be read")]
    Corrupt { what: &'static str },
    #[error("{system} failed ({code})")]
    Internal { system: &'static str, code: String },
}

pub(crate) const POSTGRESQL: &str = "PostgreSQL";
pub(crate) const DYNAMODB: &str = "DynamoDB";

impl StoreError {
    /// The row of the house's error table.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable { .. } | Self::Overloaded { .. } | Self::ReadOnly { .. } | Self::Busy { .. } => ErrorCode::Unavailable,
            Self::TimedOut { .. } => ErrorCode::TimedOut,
            Self::TooLarge { .. } => ErrorCode::BodyTooLarge,
            Self::Refused { code } => *code,
            Self::NoCursor => ErrorCode::ValidationFailed,
            Self::Corrupt { .. } | Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.code().retry() == Retry::Later && !matches!(self, Self::Corrupt { .. })
    }

    /// The server took none of it, or all: every call of this room may be repeated at once.
    pub(crate) fn worth_an_immediate_retry(&self) -> bool {
        matches!(
            self,
            Self::Busy { system: POSTGRESQL, .. } | Self::Unavailable { system: POSTGRESQL } | Self::ReadOnly { system: POSTGRESQL }
        )
    }
}

/// What a violated constraint means to the house. The only place that knows constraints by name.
fn constraint_code(constraint: &str) -> ErrorCode {
    match constraint {
        "stock_facility_known" => ErrorCode::UnknownFacility,
        "stock_product_known" => ErrorCode::UnknownSku,
        "accounts_name" => ErrorCode::AccountConflict,
        "people_email" => ErrorCode::PersonConflict,
        "stations_pkey" => ErrorCode::StationConflict,
        "stations_facility_known" | "facility_addresses_facility_known" | "closed_days_facility_known" => ErrorCode::UnknownFacility,
        "order_names_pkey" => ErrorCode::OrderNameTaken,
        // Every other constraint bounds a value of some row.
        _ => ErrorCode::ValidationFailed,
    }
}

fn from_database(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    let code = error.code().unwrap_or_default().into_owned();
    match code.as_str() {
        "40001" | "40P01" | "55P03" => StoreError::Busy { system: POSTGRESQL, code },
        "25006" => {
            read_only::met();
            StoreError::ReadOnly { system: POSTGRESQL }
        }
        "57014" => StoreError::TimedOut { system: POSTGRESQL },
        // Shutting down, starting up, out of connections.
        "57P01" | "57P02" | "57P03" | "53300" => StoreError::Unavailable { system: POSTGRESQL },
        _ if code.starts_with("08") => StoreError::Unavailable { system: POSTGRESQL },
        // A value out of range, or text that PostgreSQL cannot hold.
        _ if code.starts_with("22") => StoreError::Refused { code: ErrorCode::ValidationFailed },
        _ => match error.constraint() {
            Some(constraint) => StoreError::Refused { code: constraint_code(constraint) },
            None => StoreError::Internal { system: POSTGRESQL, code },
        },
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(error) => from_database(error.as_ref()),
            // Whoever waits has waited long: the caller may come again, we do not.
            sqlx::Error::PoolTimedOut => Self::Overloaded { system: POSTGRESQL },
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                Self::Unavailable { system: POSTGRESQL }
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt { what: "a row" },
            sqlx::Error::Configuration(_) => Self::Internal { system: POSTGRESQL, code: "the database URL is not valid".into() },
            _ => Self::Internal { system: POSTGRESQL, code: "unexpected answer".into() },
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            // The text names versions of migrations, nothing else.
            other => Self::Internal { system: POSTGRESQL, code: other.to_string() },
        }
    }
}

impl<E: ProvideErrorMetadata> From<SdkError<E>> for StoreError {
    fn from(error: SdkError<E>) -> Self {
        let code = match &error {
            SdkError::TimeoutError(_) => return Self::TimedOut { system: DYNAMODB },
            SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => return Self::Unavailable { system: DYNAMODB },
            SdkError::ServiceError(answer) => answer.err().code().unwrap_or("unknown").to_owned(),
            _ => "request not built".to_owned(),
        };
        match code.as_str() {
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TransactionCanceledException"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "LimitExceededException" => Self::Busy { system: DYNAMODB, code },
            "InternalServerError" | "ServiceUnavailable" => Self::Unavailable { system: DYNAMODB },
            _ => {
                tracing::error!(dynamodb.code = %code, dynamodb.request_id = error.request_id(), "DynamoDB refused a request");
                Self::Internal { system: DYNAMODB, code }
            }
        }
    }
}
