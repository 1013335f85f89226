//! Opening returns.

use jiff::Timestamp;
use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::{LineId, OrderId, ReturnId},
    order::{self, Credit, Order},
    policy::Policy,
    returns::{AnnouncedLine, Consent, Return, ReturnCore},
};
use oms_workflows::returns::ReturnWorkflow;
use temporalio_client::{WorkflowIdReusePolicy, errors::WorkflowStartError};

use crate::{
    Placed, Starter, StarterError,
    command::{ANSWER_WITHIN, LOOK_EVERY},
    error::rpc,
};

/// So many others may take the next number of an order's returns at the same time.
const NUMBERS_TRIED_MAX: u32 = 20;

/// Why the units of a return come back whose books are lost.
const FORGOTTEN: &str = "not known any more";

/// A return that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReturn {
    /// None: the order's next number.
    pub return_id: Option<ReturnId>,
    pub order_id: OrderId,
    /// None: the goods are here unannounced.
    pub lines: Vec<AnnouncedLine>,
    /// What of their money is to pay for another order.
    pub credit: Option<Credit>,
}

impl Starter {
    /// Opens a return. When this returns, the order has let its units come back, and nobody else may return them.
    ///
    /// # Errors
    /// `Rejected` in the order's words, for ever the same; with `return_conflict` when the id is taken by other units. `NotFound`:
    /// there is no such order.
    pub async fn open_return(&self, opening: OpenReturn) -> Result<(Return, Placed), StarterError> {
        self.open_return_under(&self.config.policy, opening).await
    }

    /// The same, with the waits of somebody else.
    pub(crate) async fn open_return_under(&self, policy: &Policy, opening: OpenReturn) -> Result<(Return, Placed), StarterError> {
        let order = self.order(&opening.order_id).await?.ok_or(StarterError::NotFound)?;
        let lines = self.keep_reasons_of(&opening.order_id, opening.lines).await?;
        let opening = OpenReturn { lines, ..opening };
        if let Some(return_id) = opening.return_id.clone() {
            let started = match self.return_of(&return_id).await? {
                Some(_) => Placed::Existing,
                None => {
                    self.refuse_early(&order, &return_id, &opening)?;
                    self.start_return(policy, &return_id, &opening, WorkflowIdReusePolicy::AllowDuplicate).await?
                }
            };
            return self.opened(&return_id, &opening.lines, started).await;
        }
        let taken = self.store.returns_of(&opening.order_id).await?;
        self.refuse_early(&order, &ReturnId::of(&opening.order_id, taken + 1), &opening)?;
        for number in taken + 1..=taken + NUMBERS_TRIED_MAX {
            let return_id = ReturnId::of(&opening.order_id, number);
            // A number is used once, whatever became of the return that had it.
            let only_new = WorkflowIdReusePolicy::RejectDuplicate;
            if self.start_return(policy, &return_id, &opening, only_new).await? == Placed::Created {
                return self.opened(&return_id, &opening.lines, Placed::Created).await;
            }
        }
        Err(StarterError::Unavailable("too many returns of one order are being opened at once".to_owned()))
    }

    /// What the order's document refuses already needs no workflow to be refused; the order itself decides about the rest.
    fn refuse_early(&self, order: &Order, return_id: &ReturnId, opening: &OpenReturn) -> Result<(), StarterError> {
        let lines = opening.lines.iter().map(|line| (line.line_id.clone(), line.quantity)).collect();
        let (return_id, credit) = (return_id.clone(), opening.credit.clone());
        let request = order::Request::OpenReturn { return_id, lines, credit };
        let open = order::Command::Request { command_id: "preview".to_owned(), request };
        let at = self.config.clock.business(Timestamp::now());
        order::decide(order, &open, at).map(drop).map_err(StarterError::Rejected)
    }

    /// The workflow first: whatever the order keeps for it has somebody to give it back. Nothing is recorded of the return: it lives once,
    /// however long ago its run has ended.
    async fn start_return(
        &self,
        policy: &Policy,
        return_id: &ReturnId,
        opening: &OpenReturn,
        reuse: WorkflowIdReusePolicy,
    ) -> Result<Placed, StarterError> {
        let at = self.config.clock.business(Timestamp::now());
        // To the microsecond, as PostgreSQL keeps it.
        let opened_at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let OpenReturn { order_id, lines, credit, .. } = opening.clone();
        let core = ReturnCore { return_id: return_id.clone(), order_id, opened_at, lines, credit };
        let mut options = self.return_options(return_id, opening.lines.len());
        options.id_reuse_policy = reuse;
        let input = self.return_input(core, policy.clone(), self.store.acting().cloned());
        match self.temporal.start_workflow(ReturnWorkflow::run, input, options).await {
            Ok(_) => Ok(Placed::Created),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Placed::Existing),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// A return of which nothing is recorded any more, and that its order knows, begins again with the units that the order keeps for it.
    ///
    /// # Errors
    /// `NotFound`: no order knows it.
    pub async fn reopen_return(&self, return_id: &ReturnId) -> Result<(), StarterError> {
        let order_id = return_id.order_id().ok_or(StarterError::NotFound)?;
        let order = self.order(&order_id).await?.ok_or(StarterError::NotFound)?;
        let known = order.returned(return_id).ok_or(StarterError::NotFound)?;
        let line = |(line_id, quantity): (&LineId, &u32)| AnnouncedLine {
            line_id: line_id.clone(),
            quantity: *quantity,
            reason: FORGOTTEN.to_owned(),
        };
        let lines = known.announced.iter().map(line).collect();
        let opening = OpenReturn { return_id: Some(return_id.clone()), order_id, lines, credit: known.credit.clone() };
        self.start_return(&self.config.policy, return_id, &opening, WorkflowIdReusePolicy::AllowDuplicate).await.map(drop)
    }

    /// Waits for the order's answer.
    async fn opened(&self, id: &ReturnId, lines: &[AnnouncedLine], started: Placed) -> Result<(Return, Placed), StarterError> {
        let until = tokio::time::Instant::now() + ANSWER_WITHIN;
        let found = loop {
            match self.return_of(id).await? {
                Some(found) if found.is_answered() => break found,
                _ if tokio::time::Instant::now() >= until => return Err(StarterError::TimedOut),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        // One that began with an earlier build has its reasons themselves.
        let known = found.core.lines.iter().map(|line| {
            let reason = self.store.text_reference(&found.core.order_id, &line.reason).to_string();
            AnnouncedLine { reason: if line.reason.is_empty() { String::new() } else { reason }, ..line.clone() }
        });
        if !known.eq(lines.iter().cloned()) {
            let why = format!("return {id} exists with other units or reasons");
            return Err(StarterError::Rejected(Rejection::new(ErrorCode::ReturnConflict, why)));
        }
        match found.consent {
            Consent::Refused(refusal) => Err(StarterError::Rejected(refusal)),
            Consent::Pending | Consent::Given | Consent::Settled => Ok((found, started)),
        }
    }

    /// The return as last recorded.
    pub async fn return_of(&self, id: &ReturnId) -> Result<Option<Return>, StarterError> {
        let Some(document) = self.store.return_document(id).await? else { return Ok(None) };
        serde_json::from_value(document).map(Some).map_err(|error| StarterError::Internal(error.to_string()))
    }
}
