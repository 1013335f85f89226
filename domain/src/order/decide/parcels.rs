//! Parcels that ship apart, come back before the carrier has them, or never arrive.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::FulfillmentAction,
    ids::{ParcelId, RefundId},
    order::{Event, FulfillmentOrder, Lines, Parcel, Resolution, lines::add},
    parcel::{ParcelAction, ParcelStatus},
    policy::OnLoss,
};

impl Draft {
    /// Ships some parcels; what is in the others goes on as a fulfillment order of its own.
    pub(super) fn ship_parcels(&mut self, found: &FulfillmentOrder, parcels: &[ParcelId]) -> Result<(), Rejection> {
        if found.status.after(FulfillmentAction::Ship).is_none() {
            let why = format!("only packed parcels ship apart, and this is {}", found.status);
            return Err(Rejection { status: Some(found.status.name().to_owned()), ..Rejection::new(ErrorCode::IllegalTransition, why) });
        }
        let live = || found.parcels.iter().filter(|p| p.status != ParcelStatus::Voided);
        let refuse = |why: String| Err(Rejection::new(ErrorCode::RefusedByRule, why));
        if let Some(unknown) = parcels.iter().find(|id| !live().any(|p| p.parcel_id == **id)) {
            return refuse(format!("{} has no parcel {unknown}", found.fulfillment_order_id));
        }
        let rest: Vec<&Parcel> = live().filter(|p| !parcels.contains(&p.parcel_id)).collect();
        if parcels.is_empty() || (!rest.is_empty() && !self.order.core.allow_split) {
            return refuse("name the parcels; an order that must not be split ships all of them at once".to_owned());
        }
        if let Some(labelled) = rest.iter().find(|p| p.status != ParcelStatus::Packed) {
            return refuse(format!("parcel {} has a label, or is getting one: it ships too, or is unpacked first", labelled.parcel_id));
        }
        if !rest.is_empty() {
            let mut lines = Lines::new();
            rest.iter().for_each(|p| add(&mut lines, &p.lines));
            let (from, into) = (found.fulfillment_order_id.clone(), self.order.next_id());
            let parcels = rest.iter().map(|p| p.parcel_id.clone()).collect();
            self.emit(Event::FulfillmentSplit { from, into, lines, parcels });
        }
        let stays = self.order.fulfillment_order(&found.fulfillment_order_id).cloned();
        stays.map_or(Ok(()), |stays| self.ship(&stays, None, None))
    }

    /// Legal until the carrier has a parcel of it.
    pub(super) fn unship(&mut self, found: &FulfillmentOrder) -> Result<(), Rejection> {
        found.status.try_after(FulfillmentAction::Unship)?;
        let gone = |p: &&Parcel| !matches!(p.status, ParcelStatus::Labelled | ParcelStatus::Voided);
        if let Some(gone) = found.parcels.iter().find(gone) {
            let why = format!("the carrier has parcel {} ({}): it can only come back as a return", gone.parcel_id, gone.status);
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        found.refuse_more_parcels(found.contents(|p| p.status != ParcelStatus::Voided).len())?;
        let amount_minor: i64 = found.charges().map(|(_, _, charged)| charged.minor).sum();
        let given_before_minor = amount_minor - amount_minor.min(self.order.refundable_minor());
        let fulfillment_order_id = found.fulfillment_order_id.clone();
        self.emit(Event::FulfillmentUnshipped { fulfillment_order_id, amount_minor, given_before_minor });
        found.parcels.iter().for_each(|parcel| self.settle(parcel.parcel_id.as_str()));
        if let Some(refund_id) = self.refund_id("unship") {
            self.owe_back(refund_id, amount_minor, Lines::new(), "not shipped after all");
        }
        Ok(())
    }

    pub(super) fn mark_lost(&mut self, found: &FulfillmentOrder, named: &[ParcelId]) -> Result<(), Rejection> {
        let lost = |p: &&Parcel| (named.is_empty() || named.contains(&p.parcel_id)) && p.status.after(ParcelAction::Lose).is_some();
        let lost: Vec<ParcelId> = found.parcels.iter().filter(lost).map(|p| p.parcel_id.clone()).collect();
        if lost.is_empty() || (!named.is_empty() && lost.len() < named.len()) {
            let on_the_way: Vec<&str> = found.parcels.iter().filter(|p| p.status.is_in_transit()).map(|p| p.parcel_id.as_str()).collect();
            let why = format!("only a parcel that the carrier has can be lost; on their way are: {}", on_the_way.join(", "));
            return Err(Rejection { status: Some(found.status.name().to_owned()), ..Rejection::new(ErrorCode::IllegalTransition, why) });
        }
        lost.iter().for_each(|id| self.parcel_moved(id, ParcelAction::Lose, self.at, None));
        Ok(())
    }

    /// A person decides what is done about units that did not arrive. The same again changes nothing.
    pub(super) fn resolve_parcel(&mut self, id: &ParcelId, resolution: Resolution) -> Result<(), Rejection> {
        let parcels = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels);
        let Some(parcel) = parcels.into_iter().find(|p| p.parcel_id == *id).cloned() else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("this order has no parcel {id}")));
        };
        if parcel.resolution == Some(resolution) {
            return Ok(());
        }
        if !parcel.is_unresolved() {
            let why = format!("parcel {id} is {}: only one that was lost or sent back, and not dealt with yet, is resolved", parcel.status);
            return Err(Rejection { status: Some(parcel.status.name().to_owned()), ..Rejection::new(ErrorCode::IllegalTransition, why) });
        }
        self.resolve(&parcel, resolution);
        Ok(())
    }

    pub(super) fn resolve(&mut self, parcel: &Parcel, resolution: Resolution) {
        let into = (resolution == Resolution::Replace).then(|| self.order.next_id());
        self.emit(Event::ParcelResolved { parcel_id: parcel.parcel_id.clone(), resolution, into });
        if resolution == Resolution::Refund {
            let amount_minor = self.order.refund_share_minor(&parcel.lines);
            let id: Option<RefundId> = self.refund_id("lost");
            if let Some(refund_id) = id {
                self.owe_back(refund_id, amount_minor, parcel.lines.clone(), "it did not arrive");
            }
        }
        self.settle(parcel.parcel_id.as_str());
    }

    /// Where the policy knows the answer nobody is asked.
    pub(super) fn resolve_by_policy(&mut self) {
        let resolution = match self.order.policy.on_loss {
            OnLoss::Ask => return,
            OnLoss::Replace => Resolution::Replace,
            OnLoss::Refund => Resolution::Refund,
        };
        let unresolved = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels).filter(|p| p.is_unresolved());
        let unresolved: Vec<Parcel> = unresolved.cloned().collect();
        // No rule makes an order grow for ever: then somebody is asked, and in the end it is paid back.
        if resolution == Resolution::Replace && !unresolved.is_empty() && self.is_too_large() {
            return;
        }
        unresolved.iter().for_each(|parcel| self.resolve(parcel, resolution));
    }
}
