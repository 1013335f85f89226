//! Whoever has been let in, as handlers see them.

use std::{ops::Deref, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use oms_api::problem::Problem;
use oms_domain::{
    access::{By, Permission, Principal},
    error::ErrorCode,
    ids::{FulfillmentOrderId, OrderId, RequestId},
    placed::{PaymentMethod, PlacedOrder},
};

use crate::{failure::Failure, state::AppState};

/// The principal of a request. A route that names no permission has none.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Arc<Principal>,
    pub(crate) request_id: Option<RequestId>,
}

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| ErrorCode::Internal.into())
    }
}

impl Caller {
    /// Whose doing this request is.
    pub(crate) fn by(&self) -> By {
        By { actor: self.principal.actor(), request_id: self.request_id.clone() }
    }

    /// Refuses what a role of theirs would have to allow.
    pub(crate) fn refuse_unless_may(&self, permission: Permission) -> Result<(), Failure> {
        if self.may(permission) { Ok(()) } else { Err(forbidden(format!("it needs the permission {}", permission.name()))) }
    }

    /// Refuses orders of other channels.
    pub(crate) fn refuse_channel(&self, channel: &str) -> Result<(), Failure> {
        if self.sees_channel(channel) { Ok(()) } else { Err(forbidden("the channel is not one of this account's")) }
    }

    /// Refuses an order that this account may not place: of another channel, in another currency, or said to be paid elsewhere.
    pub(crate) fn refuse_placing(&self, order: &PlacedOrder) -> Result<(), Failure> {
        self.refuse_channel(&order.channel)?;
        if !self.scope.currencies.covers(&order.currency) {
            return Err(forbidden("the currency is not one of this account's"));
        }
        order.payments.iter().try_for_each(|payment| self.refuse_method(payment.method))
    }

    /// Refuses to hear that something is paid elsewhere from whom is not trusted with that.
    pub(crate) fn refuse_method(&self, method: PaymentMethod) -> Result<(), Failure> {
        if method == PaymentMethod::External { self.refuse_unless_may(Permission::PayElsewhere) } else { Ok(()) }
    }

    /// Refuses a file of orders, of which any may be of any channel and currency, and paid elsewhere.
    pub(crate) fn refuse_order_feed(&self) -> Result<(), Failure> {
        self.refuse_unless_may(Permission::PayElsewhere)?;
        self.refuse_narrowed(!self.scope.currencies.is_all(), "currencies")
    }

    /// Refuses what stands for all that there is of something to who knows of a part.
    pub(crate) fn refuse_narrowed(&self, is_narrowed: bool, what: &str) -> Result<(), Failure> {
        if is_narrowed { Err(forbidden(format!("it needs an account of all {what}"))) } else { Ok(()) }
    }

    /// Whether they know of the order. Of one that does not exist nobody does, but who knows of everything finds that out elsewhere.
    pub(crate) async fn sees_order(&self, state: &AppState, id: &OrderId) -> Result<bool, Failure> {
        if self.scope.is_whole() {
            return Ok(true);
        }
        Ok(state.store.order_reach(id).await?.is_some_and(|reach| reach.is_within(&self.scope)))
    }

    /// The same as a refusal.
    pub(crate) async fn refuse_order(&self, state: &AppState, id: &OrderId) -> Result<(), Failure> {
        if self.sees_order(state, id).await? { Ok(()) } else { Err(ErrorCode::OrderNotFound.into()) }
    }

    /// Whether they know of the fulfillment order: where it is now, not where others of its order are.
    pub(crate) async fn sees_fulfillment_order(&self, state: &AppState, id: &FulfillmentOrderId) -> Result<bool, Failure> {
        if self.scope.is_whole() {
            return Ok(true);
        }
        let Some(found) = state.store.fulfillment_order(id).await? else { return Ok(false) };
        let here = match &found.facility_id {
            Some(facility_id) => self.sees_facility(facility_id),
            None => self.scope.facilities.is_all(),
        };
        Ok(here && (self.scope.channels.is_all() || self.sees_order(state, &found.order_id).await?))
    }
}

fn forbidden(why: impl Into<String>) -> Failure {
    Problem::new(ErrorCode::Forbidden).detail(why).into()
}
