//! Makes what happened durable, before anyone is answered and before anything is done because of it.

use jiff::Timestamp;
use oms_domain::order::Event;
use temporalio_workflow::{WorkflowContext, WorkflowTermination};

use super::{OrderWorkflow, effects};
use crate::contracts::{RecordInput, RecordedEvent};

/// OrderPlaced and SourcingAsked.
const BEGINNING: u64 = 2;

/// Records until nothing is left: events may come in while a record is under way.
pub(super) async fn record(ctx: &WorkflowContext<OrderWorkflow>) -> Result<(), WorkflowTermination> {
    while let Some(input) = ctx.state(OrderWorkflow::record_input) {
        let (version, taken) = (input.order.version, input.events.len());
        effects::record(ctx, input).await?;
        ctx.state_mut(|s| {
            s.recorded = version;
            s.unrecorded.drain(..taken);
        });
    }
    Ok(())
}

impl OrderWorkflow {
    /// Something happened that is not durable. An order's first two events (placed, sourcing asked) are recorded together with the
    /// answer: the intake says as much until then, and a record saved is a tenth of an order's writes.
    pub(super) fn must_record(&self) -> bool {
        let begins = self.recorded == 0 && self.order.as_ref().is_some_and(|order| order.version <= BEGINNING);
        self.version() > self.recorded && !begins
    }

    fn record_input(&self) -> Option<RecordInput> {
        let order = self.order.as_ref().filter(|_| self.must_record())?;
        let at = self.unrecorded.last().map(|(_, at)| *at)?;
        let numbered = || (self.recorded + 1..).zip(&self.unrecorded);
        let events = numbered().map(|(seq, (event, at))| recorded(seq, event, *at)).collect();
        let stock_facts = numbered().flat_map(|(seq, (event, _))| order.stock_facts(seq, event)).collect();
        Some(RecordInput { events, stock_facts, since: self.recorded, order: order.clone(), at })
    }
}

fn recorded(seq: u64, event: &Event, at: Timestamp) -> RecordedEvent {
    // An event is plain data: maps with string keys, which always has a JSON form.
    let data = serde_json::to_value(event).unwrap_or_default();
    RecordedEvent { seq, at, kind: event.kind().to_owned(), data }
}
