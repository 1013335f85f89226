//! Facilities that a plan chooses from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_allocation::{Decision, Destination, LineToSource, Options, OrderToSource, Position, Rules, Service, StockLevel, build_problem};
use oms_domain::ids::{FacilityId, Sku};
use serde_json::Value;

use super::{bench_facility, facility, id};
use crate::{error::StoreError, feed_rows::Facility, store::Store};

/// So many facilities from north to south, one of which is the hot SKU's.
fn facilities(count: u32) -> Result<Vec<Facility>, StoreError> {
    let others = (1..count).map(|n| {
        let facility = facility(id(FacilityId::parse(format!("BENCH-{n:04}")))?);
        Ok(Facility { latitude: 50.0 + f64::from(n) / 200.0, ..facility })
    });
    std::iter::once(Ok(facility(bench_facility()?))).chain(others).collect()
}

/// Writes them.
pub(super) async fn open(store: &Store, count: u32) -> Result<(), StoreError> {
    for facility in facilities(count)? {
        store.catalog().put_facility(&facility).await?;
    }
    Ok(())
}

/// Where one unit comes from.
pub(super) fn plan(order: &str, facilities: &[oms_allocation::Facility], stock: &[StockLevel], sku: &Sku) -> Result<Decision, StoreError> {
    let order = OrderToSource {
        order_id: order.to_owned(),
        channel: "web".to_owned(),
        destination: Destination { country: "GB".to_owned(), position: Some(Position { latitude: 51.5, longitude: -0.1 }) },
        service: Service::Standard,
        pickup_facility_id: None,
        requested_delivery_date: None,
        allow_split: true,
        packages_already: 0,
        open_packages: Vec::new(),
        lines: vec![LineToSource {
            line_id: "1".to_owned(),
            sku: sku.to_string(),
            category: None,
            quantity: 1,
            unit_weight_g: 500,
            unfilled_penalty_minor: None,
            rejected_by: Vec::new(),
        }],
    };
    thread_local! {
        static RULES: Rules = Rules::built_in();
    }
    let problem = RULES.with(|rules| build_problem(&order, facilities, stock, rules, Timestamp::now()));
    let problem = problem.map_err(|_| StoreError::Internal { system: "the benchmark", code: "made a problem that is none".into() })?;
    Ok(problem.decide(Options::default()))
}

/// What is kept of a plan where each of so many facilities has the SKU.
pub(super) fn decision(count: u32, at: &FacilityId, sku: &Sku) -> Result<Value, StoreError> {
    let facilities: Vec<_> = facilities(count)?.into_iter().filter_map(|facility| facility.for_sourcing(BTreeMap::new())).collect();
    let level = |facility: &oms_allocation::Facility| StockLevel {
        facility_id: facility.facility_id.clone(),
        sku: sku.to_string(),
        available: 3,
        stock_price_milli: 0,
    };
    let stock: Vec<_> = facilities.iter().map(level).collect();
    let decision = plan(at.as_str(), &facilities, &stock, sku)?;
    serde_json::to_value([decision.brief()]).map_err(|_| StoreError::Corrupt { what: "a decision" })
}
