//! What a change set would do: its money by the rules, its stock and its promise as sourcing would plan them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use oms_allocation::{Invalid, Rules, StockLevel};
use oms_api::{
    availability::PlaceBody,
    change::{AskedView, AvailableView, ChangePreviewView, PreviewLineView},
    promise::{PromiseBody, PromiseLineBody, PromiseView},
};
use oms_domain::{
    fulfillment::FulfillmentStatus,
    ids::Sku,
    order::{Effect, Lines, Order},
    placed::{DeliveryGroup, DeliveryMethod},
};
use oms_starter::Preview;
use oms_store::{Places, Product};

use crate::promising::Basket;

/// What the preview is worked out from.
pub(crate) struct Previewed<'a> {
    pub(crate) preview: Preview,
    /// Units that would look for a facility.
    pub(crate) seeking: Lines,
    pub(crate) products: BTreeMap<Sku, Product>,
    pub(crate) places: Arc<Places>,
    pub(crate) stock: Vec<StockLevel>,
    pub(crate) rules: &'a Rules,
    pub(crate) at: Timestamp,
}

impl Previewed<'_> {
    /// SKUs that would look for a facility, each once.
    pub(crate) fn skus(preview: &Preview, seeking: &Lines) -> Vec<Sku> {
        let mut skus: Vec<Sku> = seeking.keys().filter_map(|id| Some(preview.after.core_line(id)?.sku.clone())).collect();
        skus.sort();
        skus.dedup();
        skus
    }

    pub(crate) fn view(mut self) -> Result<ChangePreviewView, Invalid> {
        self.set_free();
        let Preview { before, after, asked, .. } = &self.preview;
        Ok(ChangePreviewView {
            order_id: after.core.order_id.to_string(),
            version: before.version,
            difference_minor: after.total_minor() - before.total_minor(),
            total_minor: after.total_minor(),
            unpaid_minor: unpaid_minor(after),
            lines: PreviewLineView::of(before, after),
            asked: asked.iter().flat_map(|(request, _)| AskedView::all(before, request)).collect(),
            until: asked.as_ref().map(|(_, until)| *until),
            reissued: reissued(before, after),
            availability: self.availability(),
            promises: self.promises()?,
        })
    }

    /// What the change calls back is there for whoever plans after it.
    fn set_free(&mut self) {
        let reserved = |order: &Order| {
            let mut reserved: BTreeMap<(String, String), i64> = BTreeMap::new();
            for target in order.stock_targets_since(0) {
                if let Some(facility_id) = &target.facility_id {
                    *reserved.entry((facility_id.to_string(), target.sku.to_string())).or_default() += i64::from(target.allocated);
                }
            }
            reserved
        };
        let after = reserved(&self.preview.after);
        for (position, units) in reserved(&self.preview.before) {
            let free = units - after.get(&position).copied().unwrap_or(0);
            let level = self.stock.iter_mut().find(|level| (&level.facility_id, &level.sku) == (&position.0, &position.1));
            if let Some(level) = level {
                level.available += free;
            }
        }
    }

    fn availability(&self) -> Vec<AvailableView> {
        let of = |sku: Sku| {
            let ids = self.seeking.iter().filter(|(id, _)| self.preview.after.core_line(id).is_some_and(|line| line.sku == sku));
            let levels = self.stock.iter().filter(|level| level.sku == sku.as_str());
            AvailableView {
                wanted: ids.map(|(_, units)| u64::from(*units)).sum(),
                available: levels.map(|level| level.available.max(0)).sum(),
                sku: sku.to_string(),
            }
        };
        Self::skus(&self.preview, &self.seeking).into_iter().map(of).collect()
    }

    fn promises(&self) -> Result<Vec<PromiseView>, Invalid> {
        let groups = (0..).zip(&self.preview.placed.delivery_groups);
        let promised = groups.map(|(index, group)| self.promise(index, group)).collect::<Result<Vec<_>, _>>()?;
        Ok(promised.into_iter().flatten().collect())
    }

    /// What is collected at a store is not promised a delivery.
    fn promise(&self, index: u16, group: &DeliveryGroup) -> Result<Option<PromiseView>, Invalid> {
        let of_group = |(id, units): (&oms_domain::ids::LineId, &u32)| {
            let line = self.preview.after.core_line(id).filter(|line| line.group == index)?;
            Some(PromiseLineBody { line_id: id.clone(), sku: line.sku.clone(), quantity: *units })
        };
        let lines: Vec<PromiseLineBody> = self.seeking.iter().filter_map(of_group).collect();
        let Some(address) = group.destination.address().filter(|_| group.method != DeliveryMethod::Pickup && !lines.is_empty()) else {
            return Ok(None);
        };
        let body = PromiseBody {
            lines,
            address: PlaceBody {
                country: address.country.clone(),
                city: Some(address.city.clone()),
                postal_code: address.postal_code.clone(),
                latitude: address.position.map(|position| position.latitude),
                longitude: address.position.map(|position| position.longitude),
            },
            channel: Some(self.preview.placed.channel.clone()),
            requested_delivery_date: self.preview.placed.requested_delivery_date,
        };
        let (products, places, stock) = (self.products.clone(), Arc::clone(&self.places), self.stock.clone());
        let (rules, may_wait) = (self.rules, self.may_wait());
        let basket = Basket { body: &body, pickup_facility_id: None, products, places, stock, rules, may_wait, at: self.at };
        basket.option_of(group.method.as_str())
    }

    /// As the round of sourcing would have it that the change asks for.
    fn may_wait(&self) -> bool {
        let effects = self.preview.after.pending_effects();
        effects.iter().any(|effect| matches!(effect, Effect::Source(request) if self.at < request.may_wait_until))
    }
}

/// What no instrument was given to pay.
fn unpaid_minor(after: &Order) -> i64 {
    let given_minor: i64 = after.payments.iter().map(|payment| payment.amount_minor).sum();
    (after.shipped_minor + after.remaining_minor() - given_minor).max(0)
}

fn reissued(before: &Order, after: &Order) -> Vec<String> {
    let groups = after.changes.last().filter(|_| after.changes.len() > before.changes.len()).map(|set| set.reissued_groups.clone());
    let groups = groups.unwrap_or_default();
    let live = before.fulfillment_orders.iter().filter(|found| !found.status.is_final() && groups.contains(&found.group));
    let called_back = live.filter(|found| {
        let now = after.fulfillment_order(&found.fulfillment_order_id);
        now.is_some_and(|now| now.status == FulfillmentStatus::Cancelled)
    });
    called_back.map(|found| found.fulfillment_order_id.to_string()).collect()
}
