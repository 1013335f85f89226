//! Plans a basket that is no order yet, as sourcing would plan the order.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use oms_allocation::{
    Decision, Destination, Invalid, LineToSource, Options, OrderToSource, Position, Rules, Service, StockLevel, build_problem,
};
use oms_api::promise::{PromiseBody, PromiseView, PromisedConsignmentView, PromisedUnitsView};
use oms_domain::ids::{FacilityId, Sku};
use oms_store::{Places, Product};
use uuid::Uuid;

/// What the plans are made from.
pub(crate) struct Basket<'a> {
    pub(crate) body: &'a PromiseBody,
    /// The store, if it is picked up.
    pub(crate) pickup_facility_id: Option<FacilityId>,
    pub(crate) products: BTreeMap<Sku, Product>,
    pub(crate) places: Arc<Places>,
    pub(crate) stock: Vec<StockLevel>,
    pub(crate) rules: &'a Rules,
    /// Units may wait where a consignment is not worth it, as an order's may at first.
    pub(crate) may_wait: bool,
    pub(crate) at: Timestamp,
}

impl Basket<'_> {
    /// Where its units would come from.
    pub(crate) fn plan(&self, basket_id: &str, service: Service) -> Result<Decision, Invalid> {
        Ok(build_problem(&self.order(basket_id, service), &self.places.facilities, &self.stock, self.rules, self.at)?
            .decide(Options::default()))
    }

    /// One option for each shipping method.
    pub(crate) fn options(&self) -> Result<Vec<PromiseView>, Invalid> {
        [(Service::Standard, "standard"), (Service::Express, "express")]
            .map(|(service, method)| self.option(service, method))
            .into_iter()
            .collect()
    }

    /// The option of one shipping method.
    pub(crate) fn option_of(&self, method: &str) -> Result<Option<PromiseView>, Invalid> {
        Ok(self.options()?.into_iter().find(|option| option.method == method))
    }

    fn option(&self, service: Service, method: &str) -> Result<PromiseView, Invalid> {
        let promise_id = format!("pr-{}", Uuid::now_v7().simple());
        let decision = self.plan(&promise_id, service)?;
        let order = self.order(&promise_id, service);
        Ok(view(promise_id, method, &order, decision))
    }

    fn order(&self, promise_id: &str, service: Service) -> OrderToSource {
        let address = &self.body.address;
        let position = address.latitude.zip(address.longitude).map(|(latitude, longitude)| Position { latitude, longitude });
        OrderToSource {
            order_id: promise_id.to_owned(),
            channel: self.body.channel.clone().unwrap_or_default(),
            destination: Destination { country: address.country.clone(), position },
            service,
            pickup_facility_id: self.pickup_facility_id.as_ref().map(ToString::to_string),
            requested_delivery_date: self.body.requested_delivery_date,
            allow_split: true,
            packages_already: 0,
            open_packages: vec![],
            lines: self.lines(),
        }
    }

    fn lines(&self) -> Vec<LineToSource> {
        let line = |line: &oms_api::promise::PromiseLineBody| {
            let product = self.products.get(&line.sku);
            LineToSource {
                line_id: line.line_id.to_string(),
                sku: line.sku.to_string(),
                category: None,
                quantity: line.quantity.into(),
                unit_weight_g: product.map_or(0, |product| product.weight_g.into()),
                unfilled_penalty_minor: product.filter(|_| self.may_wait).map(|product| product.price_minor),
                rejected_by: vec![],
            }
        };
        self.body.lines.iter().map(line).collect()
    }
}

fn view(promise_id: String, method: &str, order: &OrderToSource, decision: Decision) -> PromiseView {
    let mut left: BTreeMap<&str, i64> = order.lines.iter().map(|line| (line.line_id.as_str(), line.quantity)).collect();
    for shipped in decision.packages.iter().flat_map(|package| &package.lines) {
        left.entry(&shipped.line_id).and_modify(|units| *units -= shipped.quantity);
    }
    let units = |line_id: &str, quantity: i64| PromisedUnitsView { line_id: line_id.to_owned(), quantity };
    let unfilled = order.lines.iter().map(|line| units(&line.line_id, left[line.line_id.as_str()])).filter(|units| units.quantity > 0);
    let cost_milli = decision.cost_milli - decision.costs.unfilled_penalty_milli - decision.costs.stock_price_milli;
    PromiseView {
        promise_id,
        method: method.to_owned(),
        delivery_date: decision.packages.iter().map(|package| package.outlook.delivery_date).max(),
        // The bounds of a body and of a rule file keep it far below.
        cost_milli: i64::try_from(cost_milli).unwrap_or(i64::MAX),
        unfilled: unfilled.collect(),
        consignments: decision
            .packages
            .iter()
            .map(|package| PromisedConsignmentView {
                facility_id: package.facility_id.clone(),
                ship_date: package.outlook.ship_date,
                delivery_date: package.outlook.delivery_date,
                lines: package.lines.iter().map(|line| units(&line.line_id, line.quantity)).collect(),
            })
            .collect(),
        rules_version: decision.rules_version,
    }
}
