//! A fraud check: a verdict on an order, once.

use futures::future::BoxFuture;
use oms_domain::{money::Money, order::Verdict};

use super::PortError;

/// What the check is told of an order: enough to judge it by, and no name, address or card.
#[derive(Debug, Clone)]
pub struct FraudQuestion {
    /// The same key is the same question.
    pub key: String,
    /// The order.
    pub reference: String,
    pub amount: Money,
    pub customer_id: String,
    /// Where it goes.
    pub country: String,
}

/// A fraud check that can be asked again and says the same.
pub trait FraudCheck: Send + Sync + 'static {
    fn screen(&self, question: FraudQuestion) -> BoxFuture<'_, Result<Verdict, PortError>>;
}
