//! What lies outside the house, as the house needs it. Each port has a contract test that every adapter passes.

mod carrier;
mod fraud;
mod payment;

pub use self::{
    carrier::{Booking, Carrier, LabelOrder},
    fraud::{FraudCheck, FraudQuestion},
    payment::{GatewayOperation, Operation, PaymentGateway},
};

/// Why a system outside did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Nothing was sent, or what was sent certainly had no effect: the same request may be sent again.
    #[error("{0}")]
    Unreachable(String),
    /// It answered, and will answer the same again.
    #[error("{0}")]
    Refused(String),
}
