//! Tells runs that what they know may not be what is recorded: more is, or, after a restore, less.

use oms_domain::ids::{OrderId, ReturnId};
use oms_workflows::{
    names::{order_workflow_id, return_workflow_id},
    order::OrderWorkflow,
    returns::ReturnWorkflow,
};
use temporalio_client::{WorkflowSignalOptions, errors::WorkflowInteractionError};

use crate::{Starter, StarterError, error::rpc};

impl Starter {
    /// False: the order has no run.
    ///
    /// # Errors
    /// When Temporal does not answer.
    pub async fn tell_to_look_again(&self, order_id: &OrderId) -> Result<bool, StarterError> {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(order_id));
        told(handle.signal(OrderWorkflow::look_again, (), WorkflowSignalOptions::default()).await)
    }

    /// False: the return has no run.
    ///
    /// # Errors
    /// When Temporal does not answer.
    pub async fn tell_return_to_look_again(&self, id: &ReturnId) -> Result<bool, StarterError> {
        let handle = self.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(id));
        told(handle.signal(ReturnWorkflow::look_again, (), WorkflowSignalOptions::default()).await)
    }

    /// What carriers have said of the order's parcels is told once more, by the relay: a run that was lost, or put back, may have heard it and
    /// recorded nothing.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn tell_scans_again(&self, order_id: &OrderId) -> Result<(), StarterError> {
        let Some(order) = self.order(order_id).await?.filter(|order| !order.is_closed()) else { return Ok(()) };
        let parcels = order.fulfillment_orders.iter().flat_map(|found| &found.parcels);
        let numbers: Vec<&str> = parcels.filter_map(|parcel| parcel.tracking_number.as_deref()).collect();
        Ok(self.store.tell_scans_again(&numbers).await?)
    }

    /// The same of a return's label.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn tell_return_scans_again(&self, id: &ReturnId) -> Result<(), StarterError> {
        let Some(found) = self.return_of(id).await?.filter(|found| !found.is_closed()) else { return Ok(()) };
        let numbers: Vec<&str> = found.label.iter().map(|label| label.tracking_number.as_str()).collect();
        Ok(self.store.tell_scans_again(&numbers).await?)
    }

    /// The order says what PostgreSQL has lost of it: its run does, or else one that it gets for it, which ends again if the order has.
    ///
    /// # Errors
    /// `NotFound`: nothing was ever taken in under this id.
    pub async fn restate(&self, order_id: &OrderId) -> Result<(), StarterError> {
        if !self.tell_to_look_again(order_id).await? {
            self.revive(order_id).await?;
        }
        Ok(())
    }
}

fn told(signalled: Result<(), WorkflowInteractionError>) -> Result<bool, StarterError> {
    match signalled {
        Ok(()) => Ok(true),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(WorkflowInteractionError::Rpc(status)) => Err(rpc(&status)),
        Err(error) => Err(StarterError::Internal(error.to_string())),
    }
}
