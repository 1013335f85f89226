//! A payment gateway: four operations under idempotency keys, and a question about one that got no answer.

use futures::future::BoxFuture;
use oms_domain::{money::Money, payment::OperationOutcome};

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

/// What to do; amounts are in the currency's minor unit.
#[derive(Clone)]
pub enum Operation {
    Authorize {
        amount: Money,
        token: String,
    },
    Capture {
        authorization: String,
        amount: Money,
    },
    /// Gives back what is authorized and not captured.
    Void {
        authorization: String,
    },
    Refund {
        capture: String,
        amount: Money,
    },
}

/// A token is as good as the card: it is never printed.
impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Authorize { amount, .. } => write!(f, "authorize {amount}"),
            Self::Capture { amount, .. } => write!(f, "capture {amount}"),
            Self::Void { .. } => f.write_str("void"),
            Self::Refund { amount, .. } => write!(f, "refund {amount}"),
        }
    }
}

/// A gateway that can be asked again without doing anything twice.
pub trait PaymentGateway: Send + Sync + 'static {
    /// Does the operation, once. `Unknown` when it may have been done and no answer came.
    fn operate(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<OperationOutcome, PortError>>;

    /// What became of the operation under this key; none if the gateway never saw it.
    fn find(&self, key: &str) -> BoxFuture<'_, Result<Option<OperationOutcome>, PortError>>;
}
