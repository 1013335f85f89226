//! A payment gateway: four operations under idempotency keys, a question about one that got no answer, and one about an authorization or a
//! capture that somebody else has made, or found.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use oms_domain::{
    money::Money,
    payment::{OperationKind, OperationOutcome},
    placed::ThreeDSecure,
};
use secrecy::SecretString;

use super::PortError;

/// One operation, ready to send.
#[derive(Debug, Clone)]
pub struct GatewayOperation {
    /// The same key is the same operation, for ever.
    pub key: String,
    /// What the gateway's books call it by: the order.
    pub reference: String,
    pub operation: Operation,
}

/// What to do; amounts are in the currency's minor unit. A token is as good as the card: it is never printed.
#[derive(Debug, Clone)]
pub enum Operation {
    Authorize {
        amount: Money,
        token: SecretString,
        /// What the instrument's holder proved at checkout.
        three_d_secure: Option<ThreeDSecure>,
    },
    Capture {
        authorization: String,
        amount: Money,
    },
    /// Gives back what is authorized and not captured; `amount` is what the house's books say of that.
    Void {
        authorization: String,
        amount: Money,
    },
    Refund {
        capture: String,
        amount: Money,
    },
}

impl Operation {
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Authorize { .. } => OperationKind::Authorize,
            Self::Capture { .. } => OperationKind::Capture,
            Self::Void { .. } => OperationKind::Void,
            Self::Refund { .. } => OperationKind::Refund,
        }
    }

    pub fn amount(&self) -> Money {
        match self {
            Self::Authorize { amount, .. } | Self::Capture { amount, .. } | Self::Void { amount, .. } | Self::Refund { amount, .. } => {
                *amount
            }
        }
    }

    /// What it acts on, at the gateway.
    pub fn acts_on(&self) -> Option<&str> {
        match self {
            Self::Authorize { .. } => None,
            Self::Capture { authorization, .. } | Self::Void { authorization, .. } => Some(authorization),
            Self::Refund { capture, .. } => Some(capture),
        }
    }
}

/// An authorization as the gateway's books have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// What the gateway's books call it by.
    pub reference: String,
    pub amount: Money,
    /// What was authorized and is neither captured nor void.
    pub left: Money,
    pub voided: bool,
    pub expires_at: Option<Timestamp>,
}

/// A capture as the gateway's books have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// What the gateway's books call it by.
    pub reference: String,
    pub amount: Money,
}

/// What a gateway's word is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentTerms {
    /// How long it knows an operation by its key. What was begun longer ago and cannot be found is not sent again: a person decides.
    pub keys_remembered: Duration,
    /// How soon after an operation a question about it finds it, at the latest.
    pub found_within: Duration,
    /// Whether one authorization may be captured in parts.
    pub captures_in_parts: bool,
}

/// A gateway that can be asked again without doing anything twice.
pub trait PaymentGateway: Send + Sync + 'static {
    /// Does the operation, once. `Unknown` when it may have been done and no answer came.
    fn operate(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<OperationOutcome, PortError>>;

    /// What became of the operation under its key; none if the gateway never saw it. `Unexpected` if another one has the key.
    fn find(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<Option<OperationOutcome>, PortError>>;

    /// The authorization with this id; none if the gateway has no such.
    fn authorization(&self, id: &str) -> BoxFuture<'_, Result<Option<Authorization>, PortError>>;

    /// The capture with this id; none if the gateway has no such.
    fn capture(&self, id: &str) -> BoxFuture<'_, Result<Option<Capture>, PortError>>;

    /// What it declares of itself.
    fn terms(&self) -> PaymentTerms;
}
