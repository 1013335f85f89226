//! What happened, for people.

use oms_domain::order::OrderStatus;

use super::figures::{Explained, Figures};
use crate::style::{error, faint, good, strong};

/// Said wherever a figure is shown.
pub const NOTE: &str = "facilities and stock are synthetic; in recorded data, orders, prices and requests are real";
/// Columns of the longest bar.
const BAR_COLUMNS: f64 = 36.0;
/// Orders named where many are meant.
const NAMED_MAX: usize = 12;

/// The whole report.
pub fn text(figures: &Figures) -> String {
    let parts = [
        heading(figures),
        orders(figures),
        units(figures),
        played(figures),
        told(figures),
        pace(figures),
        books(figures),
        waiting(figures),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn heading(figures: &Figures) -> String {
    let Figures { data, ended_at, profile, cores, .. } = figures;
    let orders = figures.played.orders;
    let until = ended_at.strftime("%-d %b %Y %H:%M");
    format!("{}\n{}", strong(&format!("{orders} orders, {data}, played until {until} ({profile} build, {cores} cores)")), faint(NOTE))
}

fn orders(figures: &Figures) -> String {
    let outcome = &figures.outcome;
    let all: usize = outcome.orders_by_status.values().sum();
    let known = OrderStatus::ALL.iter().rev().filter_map(|status| Some((status.name(), *outcome.orders_by_status.get(status.name())?)));
    let rows = known.map(|(status, count)| bar(status, count as u64, all as u64));
    let mut text = strong("Orders");
    rows.for_each(|row| text.push_str(&row));
    text.push_str(&format!(
        "\n  {} of them in more than one package; {} packages, {} per order",
        outcome.split_orders, outcome.packages, outcome.packages_per_order
    ));
    text
}

fn units(figures: &Figures) -> String {
    let units = &figures.outcome.units;
    let fates = [
        ("delivered", units.delivered),
        ("in transit", units.in_transit),
        ("allocated", units.allocated),
        ("backordered", units.backordered),
        ("unsourced", units.open),
        ("cancelled", units.cancelled),
        ("lost", units.lost),
        ("sent back", units.sent_back),
    ];
    let mut text = strong(&format!("Units ({})", units.ordered));
    fates.iter().filter(|(_, count)| *count > 0).for_each(|(fate, count)| text.push_str(&bar(fate, *count, units.ordered)));
    text
}

fn bar(name: &str, count: u64, all: u64) -> String {
    let share = count as f64 / all.max(1) as f64;
    let columns = (share * BAR_COLUMNS).ceil() as usize;
    format!("\n  {name:<12} {count:>9}  {:>5.1} %  {}", 100.0 * share, good(&"█".repeat(columns)))
}

fn played(figures: &Figures) -> String {
    let played = &figures.played;
    let mut text = strong("Played through the API");
    text.push_str(&format!("\n  {} deliveries of goods, {} units", played.deliveries, played.received_units));
    text.push_str(&format!(
        "\n  {} cancellations: {} units cancelled at once, {} asked of a facility, {} too late",
        played.cancellations, played.units_cancelled, played.units_cancel_requested, played.units_too_late
    ));
    text.push_str(&format!(
        "\n  {} returns: {} units put away, {} paid back in minor units, {} refused for units the customer never had",
        played.returns, played.units_returned, played.refunded_minor, played.returns_refused
    ));
    text.push_str(&format!(
        "\n  {} fulfillment orders given back by their facility, {} short of a unit when picked",
        played.rejected, played.short_picked
    ));
    text.push_str(&format!(
        "\n  {} parcels and pallets shipped, {} carrier scans, {} lost by the carrier",
        played.parcels, played.carrier_events, played.lost
    ));
    if played.retries > 0 {
        text.push_str(&format!("\n  {} calls made again after a passing fault", played.retries));
    }
    played.refused.iter().take(NAMED_MAX).for_each(|refused| text.push_str(&format!("\n  {} {refused}", error("refused:"))));
    text
}

fn told(figures: &Figures) -> String {
    let Some(told) = &figures.told else { return String::new() };
    let verdict = if told.is_whole() { good("ok") } else { error("BROKEN") };
    format!(
        "{}\n  {} events of {} orders, {} missing, {} more than once under one id, {} corrected  {verdict}",
        strong("Read back from EventBridge's target"),
        told.events,
        told.orders,
        told.missing,
        told.repeated,
        told.corrected
    )
}

fn pace(figures: &Figures) -> String {
    let (pace, workflows) = (&figures.pace, &figures.workflows);
    let mut text = strong("Pace");
    text.push_str(&format!(
        "\n  {:.0} s, {} orders/s at {} business seconds to the second, never more than {} h behind",
        pace.replay_seconds, pace.orders_per_second, figures.time_scale, pace.lag_max_hours
    ));
    text.push_str(&format!("\n  placing an order: p50 {} ms, p99 {} ms", pace.placement_p50_ms, pace.placement_p99_ms));
    text.push_str(&format!(
        "\n  Temporal, per ended order: {} state transitions (p99 {}), {} history events (p99 {})",
        workflows.state_transitions_median, workflows.state_transitions_p99, workflows.history_events_median, workflows.history_events_p99
    ));
    text
}

fn books(figures: &Figures) -> String {
    let mut text = strong("Invariants, over PostgreSQL, DynamoDB, Temporal and the payment gateway");
    for (name, count) in figures.books.figures() {
        let verdict = if count == 0 { good("ok") } else { error("BROKEN") };
        text.push_str(&format!("\n  {name:<26} {count:>6}  {verdict}"));
    }
    for finding in figures.books.findings.iter().take(NAMED_MAX) {
        text.push_str(&format!("\n  {} order {}: {}", error(finding.figure.as_str()), finding.order_id, finding.what));
    }
    text
}

fn waiting(figures: &Figures) -> String {
    let lists = [("Waiting, as they should", &figures.outcome.waiting), ("Neither over nor waiting", &figures.outcome.unexplained)];
    let lists = lists.iter().filter(|(_, orders)| !orders.is_empty());
    lists.map(|(title, orders)| list(title, orders)).collect::<Vec<_>>().join("\n\n")
}

fn list(title: &str, orders: &[Explained]) -> String {
    let mut text = strong(&format!("{title} ({})", orders.len()));
    for Explained { order_id, why } in orders.iter().take(NAMED_MAX) {
        text.push_str(&format!("\n  {order_id}  {why}"));
    }
    if orders.len() > NAMED_MAX {
        text.push_str(&format!("\n  and {} more; -o json names them all", orders.len() - NAMED_MAX));
    }
    text
}
