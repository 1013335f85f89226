//! Queue `payments`: operations at the gateway.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    error::ErrorCode,
    money::Money,
    order::{Order, PaymentRequest},
    payment::{Decline, OperationKind, OperationOutcome, TakeOver, Unfounded},
};
use oms_store::{InstrumentSecrets, Store, Taken};
use oms_workflows::contracts::definitions;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{
    Providers,
    failure::{failure, port_failure, store_failure},
    ports::{GatewayOperation, Operation, PaymentGateway, PortError},
};

/// Pays through a gateway; the store knows the instruments' tokens, which never travel through a workflow.
pub struct PaymentActivities {
    pub store: Store,
    pub gateways: Providers<dyn PaymentGateway>,
}

#[activities]
impl PaymentActivities {
    #[activity(definition = definitions::Pay)]
    pub async fn pay(self: Arc<Self>, ctx: ActivityContext, request: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        let attempt = ctx.info().attempt;
        // An earlier attempt may have got through: the gateway's books say so, under the same key.
        self.answer(&request, attempt, attempt > 1 || request.ask_first).await
    }

    #[activity(definition = definitions::AskPayment)]
    pub async fn ask_payment(self: Arc<Self>, ctx: ActivityContext, request: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        match self.answer(&request, ctx.info().attempt, true).await? {
            // Still no answer: the retry policy asks again.
            OperationOutcome::Unknown => Err(failure(ErrorCode::Unavailable, "the gateway has not answered yet")),
            known => Ok(known),
        }
    }
}

impl PaymentActivities {
    async fn answer(&self, request: &PaymentRequest, attempt: u32, ask_first: bool) -> Result<OperationOutcome, ActivityError> {
        let gateway = self.gateway(request).await?;
        if let Some(authorization) = &request.takes_over {
            return self.take_over(gateway, request, authorization, attempt).await;
        }
        let operation = self.operation(request).await?;
        if ask_first {
            let found = gateway.find(operation.clone()).await.map_err(|error| port_failure(&error, attempt))?;
            if let Some(outcome) = found {
                return Ok(outcome);
            }
            // It never saw the operation: the same one, under the same key.
            if !self.is_wanted(request).await? {
                let why = "a person has said what became of it: it is not made any more";
                return Err(failure(ErrorCode::IllegalTransition, why));
            }
            if is_forgotten(request, gateway.terms().keys_remembered, Timestamp::now()) {
                let why =
                    "the gateway has forgotten the key by now, so that it is not sent again: look it up there, and say what became of it";
                return Err(failure(ErrorCode::RefusedByRule, why));
            }
        }
        if request.verify_parent
            && let Some(code) = self.flaw_of_parent(gateway, request, attempt).await?
        {
            return Ok(OperationOutcome::Declined { decline: Decline::Hard, code: code.to_owned() });
        }
        gateway.operate(operation).await.map_err(|error| port_failure(&error, attempt))
    }

    /// Whoever has the instrument's first authorization has all that follows from it.
    async fn gateway(&self, request: &PaymentRequest) -> Result<&dyn PaymentGateway, ActivityError> {
        let (reference, subject) = (request.order_id.as_str(), request.payment_id.as_str());
        if request.kind != OperationKind::Authorize {
            return Ok(&**self.gateways.of(&self.store, reference, subject).await?);
        }
        let intake = self.store.intake(&request.order_id).await.map_err(|error| store_failure(&error))?;
        let channel = intake.map(|row| row.order.channel).unwrap_or_default();
        Ok(&**self.gateways.begin(&self.store, reference, subject, &channel, request.currency).await?)
    }

    /// A person has found what it acts on in the gateway's books, or another order's: what is wrong with that.
    async fn flaw_of_parent(
        &self,
        gateway: &dyn PaymentGateway,
        request: &PaymentRequest,
        attempt: u32,
    ) -> Result<Option<&'static str>, ActivityError> {
        let Some(of) = request.kind.acts_on() else { return Ok(None) };
        let found = match &request.acts_on {
            Some(id) => booked(gateway, of, id).await.map_err(|error| port_failure(&error, attempt))?,
            None => None,
        };
        Ok(unfounded(request, found).map(|flaw| flaw.code(of)))
    }

    /// What a checkout has authorized pays for this order if the gateway says so, and no other order has it.
    async fn take_over(
        &self,
        gateway: &dyn PaymentGateway,
        request: &PaymentRequest,
        id: &str,
        attempt: u32,
    ) -> Result<OperationOutcome, ActivityError> {
        let declined = |why: TakeOver| Ok(OperationOutcome::Declined { decline: Decline::Soft, code: why.code().to_owned() });
        let found = gateway.authorization(id).await.map_err(|error| port_failure(&error, attempt))?;
        let Some(found) = found else { return declined(TakeOver::Unknown) };
        let wanted = Money::new(request.amount_minor, request.currency);
        let expired = found.expires_at.is_some_and(|expires_at| expires_at <= Timestamp::now());
        let flaws = [
            (found.reference != request.order_id.as_str(), TakeOver::OfAnother),
            (found.left.currency() != wanted.currency(), TakeOver::OtherCurrency),
            (found.voided, TakeOver::Voided),
            (expired, TakeOver::Expired),
            (found.left.minor() < wanted.minor(), TakeOver::TooLow),
        ];
        if let Some((_, flaw)) = flaws.into_iter().find(|(wrong, _)| *wrong) {
            return declined(flaw);
        }
        let (order_id, payment_id) = (&request.order_id, &request.payment_id);
        let taken =
            self.store.take_authorization(id, order_id, payment_id, found.expires_at).await.map_err(|error| store_failure(&error))?;
        match taken {
            Taken::Ours => Ok(OperationOutcome::Succeeded { reference: id.to_owned(), expires_at: found.expires_at }),
            Taken::ByAnother => declined(TakeOver::OfAnother),
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

    async fn operation(&self, request: &PaymentRequest) -> Result<GatewayOperation, ActivityError> {
        let amount = Money::new(request.amount_minor, request.currency);
        let acts_on = || request.acts_on.clone().ok_or_else(|| failure(ErrorCode::Internal, "the operation names nothing to act on"));
        let operation = match request.kind {
            OperationKind::Authorize => self.authorize(request, amount).await?,
            OperationKind::Capture => Operation::Capture { authorization: acts_on()?, amount },
            OperationKind::Void => Operation::Void { authorization: acts_on()?, amount },
            OperationKind::Refund => Operation::Refund { capture: acts_on()?, amount },
        };
        Ok(GatewayOperation { key: request.key(), reference: request.order_id.to_string(), operation })
    }

    /// With the instrument as it was given, at placing or after it.
    async fn authorize(&self, request: &PaymentRequest, amount: Money) -> Result<Operation, ActivityError> {
        let intake = self.store.intake(&request.order_id).await.map_err(|error| store_failure(&error))?;
        let payments = intake.map(|row| row.order.payments).unwrap_or_default();
        let placed = payments.into_iter().find(|known| known.payment_id == request.payment_id);
        let placed = placed.and_then(|known| Some(InstrumentSecrets { token: known.token?.into(), three_d_secure: known.three_d_secure }));
        let known = match placed {
            Some(placed) => Some(placed),
            None => self.store.instrument(&request.order_id, &request.payment_id).await.map_err(|error| store_failure(&error))?,
        };
        let known = known.ok_or_else(|| failure(ErrorCode::NotFound, "there is no token for this payment"))?;
        let three_d_secure = known.three_d_secure.filter(|_| !request.is_later);
        Ok(Operation::Authorize { amount, token: known.token, three_d_secure })
    }
}

/// Whether it was first asked for before the gateway's memory of keys begins.
fn is_forgotten(request: &PaymentRequest, remembered: Duration, now: Timestamp) -> bool {
    let since = request.asked_at.map(|asked_at| now.duration_since(asked_at));
    // A memory without an end is longer than any time there is.
    since.zip(SignedDuration::try_from(remembered).ok()).is_some_and(|(since, remembered)| since > remembered)
}

/// Whose it is, and of how much.
async fn booked(gateway: &dyn PaymentGateway, kind: OperationKind, id: &str) -> Result<Option<(String, Money)>, PortError> {
    match kind {
        OperationKind::Authorize => Ok(gateway.authorization(id).await?.map(|found| (found.reference, found.amount))),
        OperationKind::Capture => Ok(gateway.capture(id).await?.map(|found| (found.reference, found.amount))),
        OperationKind::Void | OperationKind::Refund => Ok(None),
    }
}

/// What is wrong with what a person took for the authorization or the capture that this acts on.
fn unfounded(request: &PaymentRequest, found: Option<(String, Money)>) -> Option<Unfounded> {
    let Some((reference, amount)) = found else { return Some(Unfounded::Unknown) };
    let flaws = [
        (reference != request.order_id.as_str(), Unfounded::OfAnother),
        (amount.currency() != request.currency, Unfounded::OtherCurrency),
        (request.parent_minor.is_some_and(|minor| minor != amount.minor()), Unfounded::OtherAmount),
    ];
    flaws.into_iter().find(|(wrong, _)| *wrong).map(|(_, flaw)| flaw)
}
