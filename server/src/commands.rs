//! Commands to orders: a few at once for one order, and no rule of the house on the way.

use oms_domain::{
    error::ErrorCode,
    ids::OrderId,
    order::{Order, Request},
};
use oms_starter::{CommandRequest, StarterError};

use crate::{extract::CommandId, failure::Failure, giving, state::AppState};

/// A command that was done, now or before.
pub(crate) struct Done {
    order_id: OrderId,
    /// Of a command under a key: the version that answers it, for ever.
    version: Option<u64>,
}

impl Done {
    /// The order to answer from: of a command under a key always the same, so that it has one answer, whatever has happened since.
    pub(crate) async fn order(&self, state: &AppState) -> Result<Order, Failure> {
        let order = match self.version {
            Some(version) => state.starter.order_at(&self.order_id, version).await?,
            None => state.starter.order(&self.order_id).await?,
        };
        order.ok_or_else(|| ErrorCode::Internal.into())
    }
}

/// Sends a request to its order. When this returns, what it did can be read.
pub(crate) async fn run(state: &AppState, order_id: &OrderId, id: CommandId, request: Request) -> Result<Done, Failure> {
    let _passage = state.gates.enter(order_id).await?;
    let counted = giving::count(state, order_id, &id.id, &request).await?;
    let answered = ask(state, order_id, id, request).await;
    if let Some(counted) = counted {
        counted.settle(state, &answered).await?;
    }
    Ok(Done { order_id: order_id.clone(), version: answered? })
}

/// The version that answers it, where it has a key.
async fn ask(state: &AppState, order_id: &OrderId, id: CommandId, request: Request) -> Result<Option<u64>, StarterError> {
    let request = CommandRequest::new(id.id, request);
    if id.is_new {
        return state.starter.new_command(order_id, request).await.map(|_| None);
    }
    let answered = state.starter.keyed_command(order_id, request).await?;
    if answered.is_repeat {
        id.repeated.set();
    }
    Ok(Some(answered.version))
}
