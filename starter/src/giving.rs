//! What a request would give away, before its order is asked.

use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{Giving, Order, Request, given_away, may_give_away},
};

use crate::{Starter, StarterError};

impl Starter {
    /// What the request would give away, with the order as last recorded that says so. None: nothing, or it was done before and is only told
    /// again.
    ///
    /// # Errors
    /// `Rejected`, as the order would refuse it.
    pub async fn gives_away(
        &self,
        order_id: &OrderId,
        command_id: &str,
        request: &Request,
    ) -> Result<Option<(Order, Giving)>, StarterError> {
        if !may_give_away(request) {
            return Ok(None);
        }
        let Some(order) = self.order(order_id).await? else { return Ok(None) };
        // As the order will be told it.
        let mut told = request.clone();
        for text in told.free_text_mut().into_iter().filter(|text| !text.is_empty()) {
            *text = self.store.text_reference(order_id, text).to_string();
        }
        match given_away(&order, command_id, &told, self.config.clock.business(Timestamp::now())) {
            Ok(giving) => Ok(giving.map(|giving| (order, giving))),
            Err(_) if self.store.taken_command(order_id, command_id).await?.is_some() => Ok(None),
            Err(refusal) => Err(StarterError::Rejected(refusal)),
        }
    }
}
