//! Queue `payments`: operations at the gateway.

use std::sync::Arc;

use oms_domain::{
    error::ErrorCode,
    money::Money,
    order::{Order, PaymentRequest},
    payment::{OperationKind, OperationOutcome},
};
use oms_store::Store;
use oms_workflows::contracts::definitions;
use secrecy::ExposeSecret;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{
    failure::{failure, port_failure, store_failure},
    ports::{GatewayOperation, Operation, PaymentGateway},
};

/// Pays through a gateway; the store knows the instruments' tokens, which never travel through a workflow.
pub struct PaymentActivities {
    pub store: Store,
    pub gateway: Arc<dyn PaymentGateway>,
}

#[activities]
impl PaymentActivities {
    #[activity(definition = definitions::Pay)]
    pub async fn pay(self: Arc<Self>, ctx: ActivityContext, request: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        if ctx.info().attempt > 1 {
            // An earlier attempt may have got through: the gateway's books say so, under the same key.
            return self.ask_or_operate(&request).await;
        }
        self.operate(&request).await
    }

    #[activity(definition = definitions::AskPayment)]
    pub async fn ask_payment(self: Arc<Self>, _ctx: ActivityContext, request: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        match self.ask_or_operate(&request).await? {
            // Still no answer: the retry policy asks again.
            OperationOutcome::Unknown => Err(failure(ErrorCode::Unavailable, "the gateway has not answered yet")),
            known => Ok(known),
        }
    }
}

impl PaymentActivities {
    async fn ask_or_operate(&self, request: &PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        match self.gateway.find(&request.key()).await.map_err(|error| port_failure(&error))? {
            Some(outcome) => Ok(outcome),
            // It never saw the operation: the same one, under the same key.
            None if self.is_wanted(request).await? => self.operate(request).await,
            None => Err(failure(ErrorCode::IllegalTransition, "a person has said what became of it: it is not made any more")),
        }
    }

    /// Nobody has said meanwhile what became of it: whoever looked it up at the gateway trusts that nothing more happens there.
    async fn is_wanted(&self, request: &PaymentRequest) -> Result<bool, ActivityError> {
        let Some(document) = self.store.document(&request.order_id).await.map_err(|error| store_failure(&error))? else { return Ok(true) };
        let order: Order = serde_json::from_value(document.doc)
            .map_err(|error| failure(ErrorCode::Internal, format!("the order document cannot be read: {error}")))?;
        let operations = order.payment(&request.payment_id).map(|payment| &payment.operations);
        Ok(operations.into_iter().flatten().all(|op| op.number != request.number || op.is_open()))
    }

    async fn operate(&self, request: &PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        let operation =
            GatewayOperation { key: request.key(), reference: request.order_id.to_string(), operation: self.operation(request).await? };
        self.gateway.operate(operation).await.map_err(|error| port_failure(&error))
    }

    async fn operation(&self, request: &PaymentRequest) -> Result<Operation, ActivityError> {
        let amount = Money::new(request.amount_minor, request.currency);
        let acts_on = || request.acts_on.clone().ok_or_else(|| failure(ErrorCode::Internal, "the operation names nothing to act on"));
        Ok(match request.kind {
            OperationKind::Authorize => Operation::Authorize { amount, token: self.token(request).await? },
            OperationKind::Capture => Operation::Capture { authorization: acts_on()?, amount },
            OperationKind::Void => Operation::Void { authorization: acts_on()? },
            OperationKind::Refund => Operation::Refund { capture: acts_on()?, amount },
        })
    }

    async fn token(&self, request: &PaymentRequest) -> Result<String, ActivityError> {
        let intake = self.store.intake(&request.order_id).await.map_err(|error| store_failure(&error))?;
        let payments = intake.map(|row| row.order.payments).unwrap_or_default();
        if let Some(token) = payments.into_iter().find(|p| p.payment_id == request.payment_id).and_then(|p| p.token) {
            return Ok(token);
        }
        let added = self.store.instrument_token(&request.order_id, &request.payment_id).await.map_err(|error| store_failure(&error))?;
        let missing = || failure(ErrorCode::NotFound, "there is no token for this payment");
        Ok(added.ok_or_else(missing)?.expose_secret().to_owned())
    }
}
