//! Finds facilities for the open units and reserves there, in one transaction; plans again when stock moved underneath.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};
use oms_allocation::StockLevel;
use oms_domain::{
    error::ErrorCode,
    ids::{LineId, Sku},
    order::{SourceRequest, SourcingAnswer, WaitingPackage},
    placed::{Destination, PlacedOrder},
};
use oms_store::{Places, Position, Reserve, Reserved, StockMark, Waiting};
use oms_workflows::contracts::SourceInput;
use temporalio_sdk::activities::ActivityError;

use super::{
    DataActivities,
    held::{skus_of, with_held},
    plan::{Planned, Planner},
    waits::Waits,
};
use crate::failure::{failure, store_failure};

/// Under contention a plan is stale when it comes to reserving; after this many the attempt ends, and is made again later.
const PLANS_MAX: u32 = 10;

impl DataActivities {
    pub(super) async fn find_and_reserve(&self, input: &SourceInput) -> Result<SourcingAnswer, ActivityError> {
        let placed = self.store.taken_in(&input.request.order_id, &input.request.changes).await.map_err(|error| store_failure(&error))?;
        let (order, received_at) = placed.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order was not taken in"))?;
        let skus = wanted(&order, &input.request);
        let products = self.store.catalog().products(&skus).await.map_err(|error| store_failure(&error))?;
        let weights_g = products.into_iter().map(|product| (product.sku, product.weight_g)).collect::<BTreeMap<_, _>>();
        let exclusions = match input.request.round {
            // Nobody has been asked yet, so nobody gave a line back.
            ..=1 => Vec::new(),
            _ => self.store.exclusions(&order.order_id, input.at).await.map_err(|error| store_failure(&error))?,
        };
        let rules = self.rules.current();
        let promised = self.promised(&order).await?;
        for _ in 0..PLANS_MAX {
            let held = self.held(&order, &input.request, &skus).await?;
            let availability = self.store.availability(&skus).await.map_err(|error| store_failure(&error))?;
            let places = self.store.places(Some(availability.facilities_version), input.at).await.map_err(|error| store_failure(&error))?;
            let planner = Planner {
                order: &order,
                request: &input.request,
                facilities: &places.facilities,
                weights_g: &weights_g,
                rules: &rules,
                exclusions: &exclusions,
                held: skus_of(&held),
                promised,
                at: input.at,
            };
            let own = [held, self.offered(&input.request, &skus).await?].concat();
            let stock: Vec<StockLevel> = with_held(availability.positions, own).into_iter().map(Into::into).collect();
            let prices = availability.stock_prices_version;
            let planned = match &input.request.reallocation {
                Some(asked) => planner.exactly(asked, &stock),
                None => planner.plan(stock),
            };
            let mut planned = planned.map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
            planned.name_prices(prices.filter(|_| rules.costs.stock_prices));
            let waits = planner.waits(&planned, &places).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
            let plans_again = rules.costs.max_packages.is_some();
            let asked = Reserving { order: &order, request: &input.request, received_at, waits, plans_again, places: &places };
            let reserve = asked.reserve(planned, availability.mark)?;
            match self.store.reserve(&reserve).await.map_err(|error| store_failure(&error))? {
                Reserved::Done(answer) => return read(answer),
                // A pool's decision is made again by the next pool, or not at all.
                Reserved::Short(_) if input.request.reallocation.is_some() => return Ok(Planned::nothing(&input.request).answer),
                Reserved::Short(_) => {}
                // Nothing is reserved for an order that has ended; its workflow knows, or will when it has recorded.
                Reserved::Closed => return Ok(Planned::nothing(&input.request).answer),
            }
        }
        Err(failure(ErrorCode::InsufficientStock, "stock moved under every plan; it is planned again"))
    }
}

impl DataActivities {
    /// A promise nobody made, or one that is too old, binds nobody.
    async fn promised(&self, order: &PlacedOrder) -> Result<Option<Date>, ActivityError> {
        let Some(promise_id) = &order.promise_id else { return Ok(None) };
        let promise = self.store.promise(promise_id).await.map_err(|error| store_failure(&error))?;
        Ok(promise.and_then(|promise| promise.delivery_date))
    }
}

fn wanted(order: &PlacedOrder, request: &SourceRequest) -> Vec<Sku> {
    let lines = order.lines.iter().filter(|line| request.lines.contains_key(&line.line_id));
    let mut skus: Vec<Sku> = lines.map(|line| line.sku.clone()).collect();
    skus.sort();
    skus.dedup();
    skus
}

fn read(answer: serde_json::Value) -> Result<SourcingAnswer, ActivityError> {
    serde_json::from_value(answer).map_err(|error| failure(ErrorCode::Internal, format!("a stored answer cannot be read: {error}")))
}

/// What a plan is reserved with.
struct Reserving<'a> {
    order: &'a PlacedOrder,
    request: &'a SourceRequest,
    received_at: Timestamp,
    waits: Waits,
    /// Whether stock that comes for a waiting line must be planned with: what it may take depends on more than the rules for places.
    plans_again: bool,
    places: &'a Places,
}

impl Reserving<'_> {
    fn reserve(mut self, planned: Planned, mark: StockMark) -> Result<Reserve, ActivityError> {
        let unserializable = |error: serde_json::Error| failure(ErrorCode::Internal, error.to_string());
        let (order, request) = (self.order, self.request);
        let skus: BTreeMap<_, _> = order.lines.iter().map(|line| (&line.line_id, &line.sku)).collect();
        let positions = planned.answer.packages.iter().flat_map(|package| {
            let skus = &skus;
            package.lines.iter().filter_map(move |(line_id, units)| {
                Some(Position {
                    fulfillment_order_id: package.fulfillment_order_id.clone(),
                    line_id: line_id.clone(),
                    facility_id: package.facility_id.clone(),
                    sku: (*skus.get(line_id)?).clone(),
                    quantity: *units,
                })
            })
        });
        let positions = positions.collect();
        let waiting =
            planned.answer.waiting.iter().flat_map(|package| package.lines.iter().map(move |(line, units)| (package, line, units)));
        let waiting = waiting.filter_map(|(package, line_id, units)| self.waiting(package, line_id, *units, skus.get(line_id)?)).collect();
        Ok(Reserve {
            order_id: order.order_id.clone(),
            key: format!("{}:source:{}", order.order_id, request.round),
            positions,
            waiting,
            rank_at: self.received_at.checked_sub(SignedDuration::from_millis(request.head_start_ms)).ok(),
            planned_at: Some(mark),
            facilities_version: Some(self.places.version),
            full: self.waits.full,
            takes_over: order.reservation_id.clone().filter(|_| request.round <= 1),
            decision: planned.decided().then(|| serde_json::to_value(planned.briefly())).transpose().map_err(unserializable)?,
            answer: serde_json::to_value(&planned.answer).map_err(unserializable)?,
        })
    }

    fn waiting(&mut self, package: &WaitingPackage, line_id: &LineId, units: u32, sku: &Sku) -> Option<Waiting> {
        let wait = self.waits.lines.remove(line_id)?;
        Some(Waiting {
            fulfillment_order_id: package.fulfillment_order_id.clone(),
            line_id: line_id.clone(),
            sku: sku.clone(),
            quantity: units,
            // What it could have and did not take, it will not want bit by bit either.
            plans_again: package.whole || package.on_purpose || self.plans_again || !wait.declined.is_empty(),
            all_or_nothing: package.whole,
            ships_with: package.whole.then(|| self.journey(package.group, line_id)),
            only_at: only_at(self.order, package.group),
            could_have: Some(wait.could_have),
            declined: wait.declined,
            expires_at: self.order.cancel_after,
        })
    }

    /// Names what lines have in common that travel in one package: their delivery group, and the time before which they do not leave.
    fn journey(&self, group: u16, line_id: &LineId) -> String {
        let line = self.order.lines.iter().find(|line| line.line_id == *line_id);
        line.and_then(|line| line.fulfill_at).map_or_else(|| group.to_string(), |at| format!("{group} {at}"))
    }
}

/// What is picked up waits for stock at its store alone.
fn only_at(order: &PlacedOrder, group: u16) -> Vec<oms_domain::ids::FacilityId> {
    match order.delivery_groups.get(usize::from(group)).map(|delivery| &delivery.destination) {
        Some(Destination::Pickup { facility_id, .. }) => vec![facility_id.clone()],
        Some(Destination::Address(_)) | None => Vec::new(),
    }
}
