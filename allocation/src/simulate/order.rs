//! What a recorded order asks for.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::data::{Data, RecordedLine, RecordedOrder};
use super::replay::Settings;
use crate::rate_card::Service;
use crate::sourcing::{Destination, LineToSource, OrderToSource};

/// Calendar days from the order to the promised delivery, for orders that ask for no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    pub standard_days: i64,
    pub express_days: i64,
    /// More of them where no facility is in the destination's country.
    pub abroad_days: i64,
}

/// A recorded order with the date it is promised for.
pub fn order_to_source(data: &Data, order: &RecordedOrder, settings: Settings) -> OrderToSource {
    let service = if order.shipping.method == "express" { Service::Express } else { Service::Standard };
    let line = |line: &RecordedLine| LineToSource {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        category: None,
        quantity: line.quantity,
        unit_weight_g: data.products.get(&line.sku).map_or(0, |product| product.weight_g),
        unfilled_penalty_minor: settings.units_wait.then_some(line.unit_price_minor),
        rejected_by: vec![],
    };
    OrderToSource {
        order_id: order.order_id.clone(),
        channel: order.channel.clone(),
        destination: Destination { country: order.ship_to.country.clone(), position: order.ship_to.position() },
        service,
        pickup_facility_id: None,
        requested_delivery_date: order.requested_delivery_date.or_else(|| promised(data, order, service, settings.promise)),
        allow_split: true,
        packages_already: 0,
        open_packages: vec![],
        lines: order.lines.iter().map(line).collect(),
    }
}

fn promised(data: &Data, order: &RecordedOrder, service: Service, promise: Promise) -> Option<Date> {
    let at_home = data.facilities.iter().any(|facility| facility.country == order.ship_to.country);
    let days = match service {
        Service::Standard => promise.standard_days,
        Service::Express => promise.express_days,
    };
    let days = if at_home { days } else { days + promise.abroad_days };
    order.placed_at.to_zoned(TimeZone::UTC).date().checked_add(days.days()).ok()
}
