//! What lies outside the house, as the house needs it. Each port has a contract test that every adapter passes.

mod carrier;
mod exporter;
mod fraud;
mod payment;

use std::time::Duration;

pub(crate) use self::carrier::{KEPT_FORMATS, checked};

pub use self::{
    carrier::{Booking, Carrier, Content, LabelOrder, Manifest, Party, Pickup, PickupRequest, Piece, Rate, TrackedScan},
    exporter::{ExportedTables, Exporter},
    fraud::{FraudCheck, FraudQuestion},
    payment::{Authorization, Capture, GatewayOperation, Operation, PaymentGateway, PaymentTerms},
};

/// Why a system outside did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Nothing was sent, or what was sent certainly had no effect: the same request may be sent again.
    #[error("{0}")]
    Unreachable(String),
    /// Not now: the same again, after so long if it has said so.
    #[error("{why}")]
    Busy { after: Option<Duration>, why: String },
    /// It does not let this house in. Every order would meet that, and no order is at fault: somebody must look at the configuration.
    #[error("{0}: are the credentials right, and is the account in order?")]
    Denied(String),
    /// It understood, and will answer the same again.
    #[error("{0}")]
    Refused(String),
    /// What came back is no answer to what was asked. Nothing in it is believed; what was asked may have been done all the same.
    #[error("{0}")]
    Unexpected(String),
}
