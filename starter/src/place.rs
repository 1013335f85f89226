//! Placing: the body is kept first, under its hash; then the workflow starts. So a charged customer always has an order.

use std::{collections::BTreeSet, sync::PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::{CustomerId, OrderId, Sku},
    placed::PlacedOrder,
};
use oms_store::Intake;
use oms_workflows::{
    messages::{Opening, OrderInput, history_max},
    names::{CHANNEL, CUSTOMER_HASH, NEEDS_ATTENTION, ORDER_STATUS, Queue, order_workflow_id},
    order::OrderWorkflow,
};
use secrecy::ExposeSecret;
use sha2::Sha256;
use temporalio_client::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions, errors::WorkflowStartError};
use temporalio_common::search_attributes::SearchAttributes;

use crate::{Starter, StarterError, error::rpc};

/// How many SKUs are remembered as known.
const KNOWN_SKUS_MAX: usize = 200_000;

/// Whether an order is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    Created,
    /// The same order was placed before: it is the same order.
    Existing,
}

impl Starter {
    /// Places an order. When this returns, the order is durable and its workflow has started.
    ///
    /// # Errors
    /// `Rejected` with `order_conflict` when another body has the id; `UnknownSkus`; `Unavailable` when something is down: the
    /// order may have been taken in then, and placing it again is safe.
    pub async fn place(&self, order: PlacedOrder) -> Result<Placed, StarterError> {
        self.check_skus(&order.lines.iter().map(|line| &line.sku).enumerate().collect::<Vec<_>>()).await?;
        let hash = order.body_hash().map_err(|error| StarterError::Internal(error.to_string()))?;
        let placed = match self.store.put_intake(&order, &hash).await? {
            Intake::New => Placed::Created,
            Intake::Same => Placed::Existing,
            Intake::Other => {
                let why = format!("order {} exists with another body", order.order_id);
                return Err(StarterError::Rejected(Rejection::new(ErrorCode::OrderConflict, why)));
            }
        };
        self.start(&order).await?;
        Ok(placed)
    }

    /// Each SKU with the index that a refusal names.
    pub(crate) async fn check_skus(&self, skus: &[(usize, &Sku)]) -> Result<(), StarterError> {
        let unseen: BTreeSet<Sku> = {
            let known = self.known_skus.read().unwrap_or_else(PoisonError::into_inner);
            skus.iter().map(|(_, sku)| *sku).filter(|sku| !known.contains(sku)).cloned().collect()
        };
        if unseen.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Sku> = unseen.into_iter().collect();
        let found: BTreeSet<Sku> = self.store.catalog().products(&wanted).await?.into_iter().map(|product| product.sku).collect();
        let unknown = |sku: &Sku| wanted.binary_search(sku).is_ok() && !found.contains(sku);
        let missing: Vec<_> = skus.iter().filter(|(_, sku)| unknown(sku)).map(|(index, sku)| (*index, (*sku).clone())).collect();
        let mut known = self.known_skus.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() + found.len() > KNOWN_SKUS_MAX {
            known.clear();
        }
        known.extend(found);
        if missing.is_empty() { Ok(()) } else { Err(StarterError::UnknownSkus(missing)) }
    }

    /// Starts the order's workflow; one that runs or has run is left as it is.
    pub(crate) async fn start(&self, order: &PlacedOrder) -> Result<(), StarterError> {
        let started = self.temporal.start_workflow(OrderWorkflow::run, self.input(&order.order_id), self.options(order)).await;
        match started {
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// Starts a run of an order that has none, from its document, for what it is to do. False: it has a run after all.
    pub(crate) async fn reopen(&self, order_id: &OrderId, opening: Opening) -> Result<bool, StarterError> {
        let intake = self.store.intake(order_id).await?.ok_or(StarterError::NotFound)?;
        let input = OrderInput { resumes: true, opens_with: Some(opening), ..self.input(order_id) };
        let mut options = self.options(&intake.order);
        options.id_conflict_policy = WorkflowIdConflictPolicy::Fail;
        options.id_reuse_policy = WorkflowIdReusePolicy::AllowDuplicate;
        match self.temporal.start_workflow(OrderWorkflow::run, input, options).await {
            Ok(_) => Ok(true),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(false),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    pub(crate) fn input(&self, order_id: &OrderId) -> OrderInput {
        OrderInput {
            order_id: order_id.clone(),
            clock: self.config.clock,
            policy: self.config.policy.clone(),
            queues: self.config.queues.clone(),
            resumes: false,
            opens_with: None,
            history_max: history_max(),
        }
    }

    pub(crate) fn options(&self, order: &PlacedOrder) -> WorkflowStartOptions {
        let attributes = SearchAttributes::new([
            ORDER_STATUS.value_set("created".to_owned()),
            CUSTOMER_HASH.value_set(self.customer_hash(&order.customer.customer_id)),
            CHANNEL.value_set(order.channel.clone()),
            NEEDS_ATTENTION.value_set(false),
        ]);
        WorkflowStartOptions::new(self.config.queues.name(Queue::Orders), order_workflow_id(&order.order_id))
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .enable_eager_workflow_start(self.config.eager_start)
            .search_attributes(attributes)
            .static_summary(summary(&order.order_id, order))
            .build()
    }

    fn customer_hash(&self, customer_id: &CustomerId) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.config.customer_key.expose_secret().as_bytes()) else {
            return String::new();
        };
        mac.update(customer_id.as_str().as_bytes());
        mac.finalize().into_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What the Temporal UI lists the run as; sent in clear, so nothing personal.
fn summary(order_id: &OrderId, order: &PlacedOrder) -> String {
    let units: u64 = order.lines.iter().map(|line| u64::from(line.quantity)).sum();
    let total = oms_domain::money::Money::new(order.total_minor(), order.currency);
    format!("Order {order_id}: {} lines, {units} units, {total}", order.lines.len())
}
