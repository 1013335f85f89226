//! Where the two databases are, and how long to wait for them.

use std::time::Duration;

use oms_domain::feed::DECIDE_WITHIN;
use secrecy::SecretString;

/// What a [`Store`](crate::Store) is opened with.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub database_url: SecretString,
    /// Key of the hashes under which customers are found by email, and codes of pickups compared. Changing it loses the search for older
    /// orders, and no code fits that was given before.
    pub email_key: SecretString,
    /// Most connections to PostgreSQL this process opens.
    pub max_connections: u32,
    /// Longest wait for a free connection.
    pub acquire_timeout: Duration,
    /// Longest time the server works on one statement; it also bounds how long an open transaction can hold the outbox back.
    pub statement_timeout: Duration,
    /// `Some`: this address, with credentials and region that mean nothing, so that a fresh machine works.
    /// `None`: whatever the AWS environment of the process says.
    pub dynamodb_endpoint: Option<String>,
    pub table: String,
    pub snapshot_guard: SnapshotGuard,
    /// Whole months for which events and movements of stock are kept; `None`: for good. What an order that is not over has done stays, and
    /// so does what the movements came to.
    pub history_months: Option<u32>,
}

/// Which stock snapshots a person looks at before they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotGuard {
    /// The most that one may change of what a facility has on hand at the positions it speaks of, in percent.
    pub change_max_percent: u32,
    /// Positions of the facility that it must speak of at least: of a few, any change is a large share.
    pub from_positions: u32,
    /// After this it is rejected.
    pub decide_within: Duration,
}

impl Default for SnapshotGuard {
    fn default() -> Self {
        Self { change_max_percent: 20, from_positions: 10, decide_within: DECIDE_WITHIN }
    }
}

impl StoreConfig {
    /// The defaults of production, with DynamoDB from the AWS environment.
    pub fn new(database_url: SecretString, email_key: SecretString) -> Self {
        Self {
            database_url,
            email_key,
            max_connections: 16,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
            dynamodb_endpoint: None,
            table: "orders".to_owned(),
            snapshot_guard: SnapshotGuard::default(),
            history_months: None,
        }
    }
}
