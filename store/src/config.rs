//! Where the two databases are, and how long to wait for them.

use std::time::Duration;

use secrecy::SecretString;

/// What a [`Store`](crate::Store) is opened with.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub database_url: SecretString,
    /// Key of the hash under which customers are found by email. Changing it loses the search for older orders.
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
        }
    }
}
