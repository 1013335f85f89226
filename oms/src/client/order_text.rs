//! Orders, worded for people.

use jiff::Timestamp;
use oms_allocation::Decision;
use oms_api::{
    attention::AttentionItem,
    cancellation::{CancellationView, CancelledUnits},
    event::{AllocationView, EventView},
    fulfillment::FulfillmentOrderView,
    hold::DeadlineView,
    order::{OrderSummary, OrderView, PaymentView},
};
use oms_domain::money::{Currency, Money};
use serde_json::Value;

use super::change;
use crate::output::{or_dash, table};

/// A list of orders.
pub fn orders(orders: &[OrderSummary]) -> String {
    let row = |order: &OrderSummary| {
        let holds = if order.hold_reasons.is_empty() { "-".to_owned() } else { order.hold_reasons.join(", ") };
        let total = money(order.total_minor, &order.currency);
        let attention = if order.needs_attention { "yes" } else { "-" }.to_owned();
        [order.order_id.clone(), order.status.clone(), seconds(order.placed_at), order.channel.clone(), total, holds, attention]
    };
    table(["ORDER", "STATUS", "PLACED", "CHANNEL", "TOTAL", "HOLDS", "ATTENTION"], orders.iter().map(row))
}

/// One order: where it stands, where its units are, and what moves them.
pub fn order(order: &OrderView) -> String {
    let (heading, totals) = (&order.heading, &order.totals);
    let amount = |minor: i64| money(minor, &heading.currency);
    let mut parts = vec![format!(
        "Order {}: {} (version {})\nplaced {} on {} by customer {}, {}: authorized {}, captured {}, refunded {}",
        heading.order_id,
        order.status,
        order.version,
        seconds(heading.placed_at),
        heading.channel,
        heading.customer.customer_id,
        amount(totals.total_minor),
        amount(totals.authorized_minor),
        amount(totals.captured_minor),
        amount(totals.refunded_minor),
    )];
    parts.extend(order.holds.iter().map(|hold| {
        let why = hold.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("on hold: {} ({}) since {}{why}", hold.reason, hold.hold_id, seconds(hold.placed_at))
    }));
    parts.extend(order.attention.iter().map(|a| format!("needs attention: {}: {}, since {}", a.subject, a.why, seconds(a.since))));
    parts.extend(order.exchange_of.as_ref().map(|of| format!("exchanged for units of {} in return {}", of.order_id, of.return_id)));
    parts.extend(
        order
            .exchanges
            .iter()
            .map(|found| format!("return {} pays {} of exchange {}", found.return_id, amount(found.credit_minor), found.exchange_id)),
    );
    parts.push(lines(order));
    if !order.fulfillment_orders.is_empty() {
        parts.push(format!("\n{}", fulfillment_orders(&order.fulfillment_orders)));
    }
    if !order.payments.is_empty() {
        parts.push(format!("\n{}", payments(&order.payments, &heading.currency)));
    }
    parts.extend(order.refunds.iter().map(|refund| {
        let (all, back) = (amount(refund.amount_minor), amount(refund.given_back_minor));
        format!("refund {}: {all}, {back} given back: {}", refund.refund_id, refund.reason)
    }));
    parts.extend(order.decisions.iter().map(|asked| {
        format!("asked {} about {}: {}", asked.decision_id, asked.fulfillment_order_id, asked.choice.as_deref().unwrap_or("no answer yet"))
    }));
    parts.extend(order.changes.iter().map(|set| format!("\n{}", change::change_set(set, &heading.currency))));
    parts.extend(order.cancellations.iter().map(|found| format!("\n{}", cancellation(found))));
    parts.join("\n")
}

fn lines(order: &OrderView) -> String {
    let rows = order.lines.iter().map(|line| {
        let units = &line.units;
        let counts = [units.ordered, units.allocated, units.unfilled, units.shipped, units.delivered, units.cancelled];
        let [ordered, allocated, unfilled, shipped, delivered, cancelled] = counts.map(|count| count.to_string());
        [line.line.line_id.clone(), line.line.sku.clone(), ordered, allocated, unfilled, shipped, delivered, cancelled]
    });
    format!("\n{}", table(["LINE", "SKU", "UNITS", "ALLOCATED", "UNFILLED", "SHIPPED", "DELIVERED", "CANCELLED"], rows))
}

fn fulfillment_orders(found: &[FulfillmentOrderView]) -> String {
    let row = |found: &FulfillmentOrderView| {
        let units: u64 = found.lines.iter().map(|line| u64::from(line.quantity)).sum();
        let parcel = |parcel: &oms_api::fulfillment::ParcelView| format!("{} {}", or_dash(parcel.tracking_number.as_ref()), parcel.status);
        let parcels: Vec<String> = found.parcels.iter().map(parcel).collect();
        let facility = or_dash(found.facility_id.as_ref());
        [
            found.fulfillment_order_id.clone(),
            found.status.clone(),
            facility,
            units.to_string(),
            parcels.join(", "),
            found.legal_actions.join(", "),
        ]
    };
    table(["FULFILLMENT ORDER", "STATUS", "FACILITY", "UNITS", "PARCELS", "POSSIBLE"], found.iter().map(row))
}

fn payments(payments: &[PaymentView], currency: &str) -> String {
    let rows = payments.iter().flat_map(|payment| {
        payment.operations.iter().map(|operation| {
            let name = format!("{} ({})", payment.payment_id, payment.method);
            let status = operation.declined.as_ref().map_or(operation.status.clone(), |why| format!("{}: {why}", operation.status));
            [
                name,
                format!("{} {}", operation.number, operation.kind),
                money(operation.amount_minor, currency),
                status,
                seconds(operation.since),
            ]
        })
    });
    table(["PAYMENT", "OPERATION", "AMOUNT", "STATUS", "SINCE"], rows)
}

/// What became of the units that were to be cancelled.
pub fn cancellation(found: &CancellationView) -> String {
    let kinds = [("cancelled", &found.cancelled), ("requested", &found.requested), ("too late", &found.too_late)];
    let row =
        |kind: &str, units: &CancelledUnits| [units.line_id.clone(), units.quantity.to_string(), kind.to_owned(), units.reason.clone()];
    let rows = kinds.into_iter().flat_map(|(kind, units)| units.iter().map(move |units| row(kind, units)));
    format!("Cancellation {} of {}\n{}", found.cancellation_id, seconds(found.at), table(["LINE", "UNITS", "ANSWER", "REASON"], rows))
}

/// What the order waits for.
pub fn deadlines(deadlines: &[DeadlineView]) -> String {
    let row =
        |found: &DeadlineView| [found.deadline_id.clone(), seconds(found.due), found.default.clone(), or_dash(found.extended_by.as_ref())];
    table(["DEADLINE", "DUE", "THEN", "EXTENDED BY"], deadlines.iter().map(row))
}

/// What only a person can put right.
pub fn attention(items: &[AttentionItem]) -> String {
    let row = |item: &AttentionItem| {
        let what_helps = match (&item.attention.wait, item.attention.retryable) {
            (Some(_), _) => "do it, or extend its deadline",
            (None, true) => "retry",
            (None, false) => "a decision",
        };
        [item.attention_id.clone(), seconds(item.attention.since), what_helps.to_owned(), item.attention.why.clone()]
    };
    table(["ATTENTION", "SINCE", "WHAT HELPS", "WHY"], items.iter().map(row))
}

/// A timeline.
pub fn events(events: &[EventView]) -> String {
    let row = |event: &EventView| {
        let by = or_dash(event.actor.as_ref().map(ToString::to_string));
        [event.seq.to_string(), seconds(event.at), event.kind.clone(), by, said(&event.data)]
    };
    table(["SEQ", "AT", "EVENT", "BY", "WHAT"], events.iter().map(row))
}

/// Each field with its value, but for the event's type, which has a column; what is nested stays JSON.
fn said(data: &Value) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match data {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| *name != "type");
            fields.map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Every decision of sourcing.
pub fn allocation(rounds: &[AllocationView]) -> String {
    if rounds.is_empty() {
        return "nothing has been decided yet".to_owned();
    }
    rounds.iter().map(round).collect::<Vec<_>>().join("\n\n")
}

fn round(round: &AllocationView) -> String {
    let title = format!("Round {}, {}", round.round, seconds(round.decided_at));
    // One for each delivery group.
    match serde_json::from_value::<Vec<Decision>>(round.decision.clone()) {
        Ok(decisions) => format!("{title}: {}", decisions.iter().map(decided).collect::<Vec<_>>().join("\n\n")),
        // Another version of the rules wrote it: what it says is still what was decided.
        Err(_) => format!("{title}\n{:#}", round.decision),
    }
}

/// A decision as a person reads it: the packages, then every other facility with what spoke against it.
fn decided(decision: &Decision) -> String {
    let proof = match &decision.pool_id {
        Some(pool_id) => format!("the best for all of pool {pool_id}"),
        None if decision.optimal => "optimal".to_owned(),
        None => format!("within {} milli of the best", decision.gap_milli),
    };
    let summary = format!(
        "{} packages, {} units unfilled, cost {} ({proof}), rules {}, rate card {}{}",
        decision.packages.len(),
        decision.unfilled_units,
        milli(decision.cost_milli),
        decision.rules_version,
        decision.rate_card_version,
        prices(decision),
    );
    let packages = decision.packages.iter().map(|package| {
        let units: i64 = package.lines.iter().map(|line| line.quantity).sum();
        let outlook = &package.outlook;
        let place = format!("zone {}, {} km", outlook.zone, or_dash(outlook.distance_km));
        let dates = format!("{} to {}", outlook.ship_date, outlook.delivery_date);
        [package.facility_id.clone(), units.to_string(), milli(package.cost_milli), place, dates]
    });
    let packages = table(["FACILITY", "UNITS", "COST", "DISTANCE", "SHIPS AND ARRIVES"], packages);
    let others = decision.not_chosen.iter().map(|unused| [unused.facility_id.clone(), unused.rule.clone(), unused.detail.clone()]);
    let more = decision.left_out.iter().map(|(rule, count)| [format!("{count} more"), rule.clone(), String::new()]);
    let others = others.chain(more);
    format!("{summary}\n{packages}\n\n{}", table(["NOT CHOSEN", "RULE", "WHY"], others))
}

/// What the stock's prices are of the cost, and which they were.
fn prices(decision: &Decision) -> String {
    let part = milli(decision.costs.stock_price_milli);
    decision.stock_prices_version.as_ref().map_or_else(String::new, |version| format!(", stock prices {version}: {part} of the cost"))
}

/// Thousandths of a minor unit, in minor units: the currency is the order's.
fn milli(milli: i128) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", milli.unsigned_abs() / 1000, milli.unsigned_abs() % 1000)
}

/// An amount, in words for people.
pub fn money(minor: i64, currency: &str) -> String {
    currency.parse::<Currency>().map_or_else(|_| format!("{currency} {minor} minor"), |currency| Money::new(minor, currency).to_string())
}

/// A time to the second.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_shown_in_minor_units() {
        assert_eq!((milli(416_000), milli(-1_005)), ("416.000".to_owned(), "-1.005".to_owned()));
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(seconds("2010-12-01T08:26:00.123Z".parse().unwrap()), "2010-12-01 08:26:00Z");
    }
}
