//! Placing: the body is kept first, under its hash; then the workflow starts. So a charged customer always has an order.

use std::{collections::BTreeSet, sync::PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use oms_domain::{
    access::By,
    error::{ErrorCode, Rejection},
    ids::{CustomerId, OrderId, Sku},
    placed::PlacedOrder,
};
use oms_store::{Intake, KeyedIntake, PlacingKey};
use oms_workflows::{
    messages::{CommandAnswer, CommandRequest, OrderInput, history_max},
    names::{CHANNEL, CUSTOMER_HASH, GATEWAY_EVENT, NEEDS_ATTENTION, ORDER_STATUS, Queue, order_workflow_id},
    order::OrderWorkflow,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::Sha256;
use temporalio_client::{
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions, WorkflowUpdateWithStartOptions, errors::WorkflowStartError,
};
use temporalio_common::search_attributes::SearchAttributes;

use crate::{
    Starter, StarterError,
    asked::{Asked, with_start},
    error::rpc,
};

/// Of an answer under a key: the order was not known before.
const CREATED: u16 = 201;
const OTHER_BODY: &str = "the key was used before, with another body";
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
        let (hash, received_at) = self.checked(&order).await?;
        let intake = self.store.put_intake(&order, &hash, received_at).await?;
        self.begin(&order, intake).await
    }

    /// The same under a key: whether the answer to it says that the order is new, and whether the key had come before.
    ///
    /// # Errors
    /// As [`Starter::place`]; `Rejected` with `idempotency_key_reused` when the key was used with another body.
    pub async fn place_under(&self, key: PlacingKey<'_>, order: PlacedOrder) -> Result<(Placed, bool), StarterError> {
        let (hash, received_at) = self.checked(&order).await?;
        match self.store.put_intake_under(key, &order, &hash, received_at).await? {
            KeyedIntake::OtherBody => Err(StarterError::Rejected(Rejection::new(ErrorCode::IdempotencyKeyReused, OTHER_BODY))),
            KeyedIntake::Kept { intake, status, is_repeat } => {
                self.begin(&order, intake).await?;
                let placed = if status == CREATED { Placed::Created } else { Placed::Existing };
                Ok((placed, is_repeat))
            }
        }
    }

    /// The body's hash, and when it came.
    async fn checked(&self, order: &PlacedOrder) -> Result<(String, Timestamp), StarterError> {
        self.check_skus(&order.lines.iter().map(|line| &line.sku).enumerate().collect::<Vec<_>>()).await?;
        let hash = order.body_hash().map_err(|error| StarterError::Internal(error.to_string()))?;
        Ok((hash, self.config.clock.business(Timestamp::now())))
    }

    /// What has been taken in is started, once.
    async fn begin(&self, order: &PlacedOrder, intake: Intake) -> Result<Placed, StarterError> {
        match intake {
            Intake::New => self.start_run(order, self.store.acting().cloned()).await.map(|()| Placed::Created),
            Intake::Same => self.start(order).await.map(|()| Placed::Existing),
            Intake::Other => {
                let why = format!("order {} exists with another body", order.order_id);
                Err(StarterError::Rejected(Rejection::new(ErrorCode::OrderConflict, why)))
            }
        }
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

    /// Starts the order's workflow, unless anything is recorded of it: an order lives once, however long ago its run has ended.
    pub(crate) async fn start(&self, order: &PlacedOrder) -> Result<(), StarterError> {
        match self.store.document_version(&order.order_id).await? {
            Some(_) => Ok(()),
            // Whoever placed it first has.
            None => {
                let by = self.store.intake(&order.order_id).await?.and_then(|intake| intake.by);
                self.start_run(order, by).await
            }
        }
    }

    /// Starts a run, unless there is one. It finds out by itself whether the order begins or goes on.
    async fn start_run(&self, order: &PlacedOrder, by: Option<By>) -> Result<(), StarterError> {
        let started = self.temporal.start_workflow(OrderWorkflow::run, self.input(&order.order_id, by), self.options(order)).await;
        match started {
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(()),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// Tells an order that has no run, or whose run is about to end, what a carrier or a gateway has said: with a run of its own if need be.
    pub(crate) async fn tell_with_start(&self, order_id: &OrderId, kind: &str, payload: Value) -> Result<(), StarterError> {
        let intake = self.store.intake(order_id).await?.ok_or(StarterError::NotFound)?;
        let (input, options) = (self.input(order_id, intake.by), self.options(&intake.order));
        let run = OrderWorkflow::run;
        let told = if kind == GATEWAY_EVENT {
            self.temporal.signal_with_start_workflow(run, input, OrderWorkflow::gateway_event, payload, options).await
        } else {
            self.temporal.signal_with_start_workflow(run, input, OrderWorkflow::carrier_event, payload, options).await
        };
        match told {
            Ok(_) => Ok(()),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// Asks something of an order that has no run; it gets one with the question. The rules have said yes to what is recorded, since a
    /// run that refuses the question has been started all the same.
    pub(crate) async fn command_with_start(
        &self,
        order_id: &OrderId,
        request: &CommandRequest,
        update_id: String,
    ) -> Result<Asked<CommandAnswer>, StarterError> {
        let intake = self.store.intake(order_id).await?.ok_or(StarterError::NotFound)?;
        let start = self.options(&intake.order);
        let options = WorkflowUpdateWithStartOptions::new(start.task_queue, start.workflow_id, WorkflowIdConflictPolicy::UseExisting)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .maybe_search_attributes(start.search_attributes)
            .maybe_static_summary(start.static_summary)
            .update_id(update_id)
            .build();
        let (input, command) = (self.input(order_id, intake.by), OrderWorkflow::command);
        let asked = self.temporal.execute_update_with_start_workflow(OrderWorkflow::run, input, command, self.signed(request), options);
        with_start(asked.await)
    }

    pub(crate) fn input(&self, order_id: &OrderId, by: Option<By>) -> OrderInput {
        OrderInput {
            order_id: order_id.clone(),
            clock: self.config.clock,
            policy: self.config.policy.clone(),
            queues: self.config.queues.clone(),
            handed_over_at: 0,
            history_max: history_max(),
            by,
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
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
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
