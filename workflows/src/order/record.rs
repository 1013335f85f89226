//! Makes what happened durable, before anyone is answered and before anything is done because of it.

use jiff::Timestamp;
use oms_domain::order::Event;
use temporalio_workflow::{WorkflowContext, WorkflowTermination};

use super::{OrderWorkflow, effects};
use crate::contracts::{RecordInput, RecordedEvent};

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
    fn record_input(&self) -> Option<RecordInput> {
        let order = self.order.as_ref().filter(|order| order.version > self.recorded)?;
        let at = self.unrecorded.last().map(|(_, at)| *at)?;
        let events = (self.recorded + 1..).zip(&self.unrecorded).map(|(seq, (event, at))| recorded(seq, event, *at)).collect();
        Some(RecordInput {
            events,
            stock: order.stock_targets_since(self.recorded),
            grants_seen: order.grants_seen_since(self.recorded),
            since: self.recorded,
            order: order.clone(),
            at,
        })
    }
}

fn recorded(seq: u64, event: &Event, at: Timestamp) -> RecordedEvent {
    // An event is plain data: maps with string keys, which always has a JSON form.
    let data = serde_json::to_value(event).unwrap_or_default();
    RecordedEvent { seq, at, kind: event.kind().to_owned(), data }
}
