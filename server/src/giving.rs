//! Whoever gives something away is asked whether they may: up to a sum by themselves, and beyond it with a second person.

use jiff::Timestamp;
use oms_api::problem::Problem;
use oms_domain::{
    access::approval::ApprovalStatus,
    error::ErrorCode,
    ids::OrderId,
    order::{Giving, Order, Request},
};
use oms_starter::StarterError;
use oms_store::{Approval, AskedGiving};

use crate::{failure::Failure, state::AppState};

/// Something that was counted, to be taken back if it is not given after all.
#[must_use]
pub(crate) struct Counted {
    order_id: OrderId,
    command_id: String,
}

/// Counts what a request would give away. None: nothing. Errors: `approval_needed`, naming the approval; and as the order refuses it.
pub(crate) async fn count(state: &AppState, order_id: &OrderId, command_id: &str, request: &Request) -> Result<Option<Counted>, Failure> {
    match state.starter.gives_away(order_id, command_id, request).await? {
        Some((order, giving)) => count_giving(state, &order, &giving, command_id).await.map(Some),
        None => Ok(None),
    }
}

/// The same of what is given away otherwise.
pub(crate) async fn count_giving(state: &AppState, order: &Order, giving: &Giving, command_id: &str) -> Result<Counted, Failure> {
    let (order_id, currency) = (&order.core.order_id, order.core.currency);
    let asked = AskedGiving { giving, order_id, order_version: order.version, currency, command_id };
    match state.store.count_giving(&asked).await? {
        None => Ok(Counted { order_id: order_id.clone(), command_id: command_id.to_owned() }),
        Some(approval) => Err(needed(&approval)),
    }
}

impl Counted {
    /// Nothing was given, if it was refused.
    pub(crate) async fn settle<T>(self, state: &AppState, given: &Result<T, StarterError>) -> Result<(), Failure> {
        if matches!(given, Err(StarterError::Rejected(_) | StarterError::NotFound)) {
            state.store.take_back_giving(&self.order_id, &self.command_id).await?;
        }
        Ok(())
    }
}

/// What whoever asks must wait for.
pub(crate) fn needed(approval: &Approval) -> Failure {
    let id = &approval.approval_id;
    if approval.status(Timestamp::now()) == ApprovalStatus::Declined {
        return Problem::new(ErrorCode::RefusedByRule).detail(format!("approval {id} was declined")).into();
    }
    let detail = format!(
        "it is above what you may do by yourself: once a second person has approved {id} (`oms approval approve {id}`), ask for just this again"
    );
    let problem = Problem::new(ErrorCode::ApprovalNeeded).detail(detail);
    Problem { approval_id: Some(id.clone()), ..problem }.into()
}
