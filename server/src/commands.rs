//! Commands to orders: a few at once for one order, and no rule of the house on the way.

use oms_domain::{ids::OrderId, order::Request};
use oms_starter::CommandRequest;

use crate::{extract::CommandId, failure::Failure, state::AppState};

/// Sends a request to its order. When this returns, what it did can be read.
pub(crate) async fn run(state: &AppState, order_id: &OrderId, id: CommandId, request: Request) -> Result<(), Failure> {
    let _passage = state.gates.enter(order_id).await?;
    let is_new = id.is_new();
    let request = CommandRequest { command_id: id.0, request };
    let asked = if is_new { state.starter.new_command(order_id, request).await } else { state.starter.command(order_id, request).await };
    asked?;
    Ok(())
}
