//! Queue `relations`: what workflows ask of orders. The order's own workflow answers, in its own words; one that has ended is woken for it.

use std::{sync::Arc, time::Duration};

use oms_domain::{
    access::{By, HousePart},
    error::{ErrorCode, Rejection},
    ids::OrderId,
    order::{Lines, Order, PaymentRequest, RefundProgress, Request, ReturnedUnits},
    payment::{Decline, OperationOutcome},
    returns::{Answer, Origin, Settlement},
};
use oms_starter::{CommandAnswer, CommandRequest, Starter, StarterError};
use oms_workflows::contracts::{AskOrder, FollowRefund, TellCredit, definitions};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::failure::failure;

/// How long an order may take to answer: under the activity's own attempt (15 s), so that no slot is held for an answer nobody takes.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long one attempt watches a refund, and how often it looks; with an answer in between it is still under the attempt.
const WATCH: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Speaks to orders as everybody does: through the starter.
pub struct OrderActivities {
    pub starter: Starter,
}

#[activities]
impl OrderActivities {
    #[activity(definition = definitions::OpenReturn)]
    pub async fn open_return(self: Arc<Self>, _ctx: ActivityContext, ask: AskOrder) -> Result<Answer, ActivityError> {
        let request = Request::OpenReturn { return_id: ask.return_id.clone(), lines: ask.lines.clone(), credit: ask.credit.clone() };
        match self.ask(&ask.order_id, command(&ask, "open", request)).await {
            Ok(_) => Ok(Answer::Agreed(origin(&self.order(&ask).await?, &ask.lines))),
            Err(StarterError::Rejected(refusal)) => self.known_or_refused(&ask, refusal).await,
            Err(error) => Err(starter_failure(&error)),
        }
    }

    #[activity(definition = definitions::SettleReturn)]
    pub async fn settle_return(self: Arc<Self>, _ctx: ActivityContext, ask: AskOrder) -> Result<Answer, ActivityError> {
        let request = Request::SettleReturn { return_id: ask.return_id.clone(), lines: ask.lines.clone() };
        let asked = self.ask(&ask.order_id, command(&ask, "settle", request)).await;
        let order = self.order(&ask).await?;
        let settled = order.returned(&ask.return_id);
        // A return whose last days were lost ends as its order was told then, whatever it would say itself.
        if let Err(error) = asked {
            let is_settled = settled.is_some_and(ReturnedUnits::is_settled);
            if !(is_settled && matches!(error, StarterError::Rejected(_))) {
                return Err(starter_failure(&error));
            }
        }
        let amount_minor = settled.and_then(|settled| settled.amount_minor);
        let lines = settled.map(|settled| settled.returned.clone()).unwrap_or_default();
        let amount_minor = amount_minor.ok_or_else(|| failure(ErrorCode::Unavailable, "the order has not recorded its answer yet"))?;
        let credited_minor = settled.and_then(|settled| settled.credit.as_ref()).map_or(0, |credit| credit.amount_minor);
        Ok(Answer::Settled(Settlement { lines, amount_minor, credited_minor }))
    }

    #[activity(definition = definitions::SettleCredit)]
    pub async fn settle_credit(self: Arc<Self>, _ctx: ActivityContext, tell: TellCredit) -> Result<Answer, ActivityError> {
        let TellCredit { order_id, return_id, amount_minor } = tell;
        let request = CommandRequest::new(format!("{return_id}:credit"), Request::SettleCredit { return_id, amount_minor });
        self.ask(&order_id, request).await.map_err(|error| starter_failure(&error))?;
        Ok(Answer::CreditTold)
    }

    #[activity(definition = definitions::PayByCredit)]
    pub async fn pay_by_credit(self: Arc<Self>, _ctx: ActivityContext, request: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        match in_time(self.as_house().pay_by_credit(&request)).await {
            Ok(()) => Ok(OperationOutcome::Succeeded { reference: request.key(), expires_at: None }),
            // The origin's own words; it is asked again only when somebody says so.
            Err(StarterError::Rejected(refusal)) => Ok(OperationOutcome::Declined { decline: Decline::Hard, code: refusal.message }),
            Err(error) => Err(starter_failure(&error)),
        }
    }

    #[activity(definition = definitions::FollowRefund)]
    pub async fn follow_refund(self: Arc<Self>, ctx: ActivityContext, follow: FollowRefund) -> Result<Answer, ActivityError> {
        let ask = AskOrder { order_id: follow.order_id.clone(), return_id: follow.return_id.clone(), lines: Lines::new(), credit: None };
        let until = tokio::time::Instant::now() + WATCH;
        // A failed refund is tried again once, under the number of the retry: a repeat of this attempt does not try it twice.
        let mut retries = follow.retries > 0 && ctx.info().attempt == 1;
        loop {
            match progress(&self.order(&ask).await?, &follow)? {
                RefundProgress::Done => return Ok(Answer::Refunded),
                RefundProgress::Stuck { subject, .. } if retries => {
                    retries = false;
                    let again = command(&ask, &format!("refund:{}", follow.retries), Request::Retry { subject });
                    match self.ask(&ask.order_id, again).await {
                        // Somebody else, or time, was first.
                        Ok(_) | Err(StarterError::Rejected(_)) => {}
                        Err(error) => return Err(starter_failure(&error)),
                    }
                }
                RefundProgress::Stuck { why, .. } => return Ok(Answer::RefundFailed { retries: follow.retries, why }),
                RefundProgress::UnderWay => {}
            }
            if tokio::time::Instant::now() >= until {
                // The retry policy looks again, ever more rarely.
                return Err(failure(ErrorCode::Unavailable, "the refund is under way"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl OrderActivities {
    /// What one order or return asks of another nobody else has asked.
    fn as_house(&self) -> Starter {
        self.starter.by(By::house(HousePart::Order))
    }

    async fn ask(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        in_time(self.as_house().command(order_id, request)).await
    }

    /// An order that keeps just these units for the return has agreed before: in a life of the return that was lost.
    async fn known_or_refused(&self, ask: &AskOrder, refusal: Rejection) -> Result<Answer, ActivityError> {
        let order = self.order(ask).await?;
        let agreed = order.returned(&ask.return_id).is_some_and(|known| known.announced == ask.lines);
        Ok(if agreed { Answer::Agreed(origin(&order, &ask.lines)) } else { Answer::Refused(refusal) })
    }

    async fn order(&self, ask: &AskOrder) -> Result<Order, ActivityError> {
        let order = self.starter.order(&ask.order_id).await.map_err(|error| starter_failure(&error))?;
        order.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order has no document"))
    }
}

/// Asked again under the same id, the order gives the one answer: nothing is lost by not waiting for it.
async fn in_time<T>(answer: impl Future<Output = Result<T, StarterError>>) -> Result<T, StarterError> {
    tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or(Err(StarterError::TimedOut))
}

/// The order knows the question by the return's name for it, so that a repeat is the same question.
fn command(ask: &AskOrder, what: &str, request: Request) -> CommandRequest {
    CommandRequest::new(format!("{}:{what}", ask.return_id), request)
}

fn progress(order: &Order, follow: &FollowRefund) -> Result<RefundProgress, ActivityError> {
    let refund_id = order.returned(&follow.return_id).and_then(ReturnedUnits::refund_id);
    let progress = refund_id.and_then(|id| order.refund_progress(&id));
    progress.ok_or_else(|| failure(ErrorCode::Internal, "the order knows no refund for this return"))
}

fn origin(order: &Order, lines: &Lines) -> Origin {
    Origin {
        currency: order.core.currency,
        skus: order.core.lines.iter().map(|line| (line.line_id.clone(), line.sku.clone())).collect(),
        return_to: order.sent_from(lines),
        delivered_at: order.delivered_at(lines),
    }
}

pub(crate) fn starter_failure(error: &StarterError) -> ActivityError {
    failure(starter_code(error), error.to_string())
}

pub(crate) fn starter_code(error: &StarterError) -> ErrorCode {
    match error {
        StarterError::Rejected(refusal) => refusal.code,
        StarterError::UnknownSkus(_) => ErrorCode::UnknownSku,
        StarterError::NotFound => ErrorCode::OrderNotFound,
        StarterError::Unavailable(_) => ErrorCode::Unavailable,
        StarterError::TimedOut => ErrorCode::TimedOut,
        StarterError::Internal(_) => ErrorCode::Internal,
    }
}
