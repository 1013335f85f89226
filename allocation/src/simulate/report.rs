//! Runs side by side, and order by order, as rows to compute with.

use super::outcome::{Figures, OrderOutcome, Shadow};
use super::replay::Run;

/// What is told of a run.
pub const COLUMNS: [&str; 11] = [
    "policy",
    "packages/order",
    "split %",
    "dear packages %",
    "cost/order",
    "km/order",
    "late %",
    "fill %",
    "unfilled units",
    "moves",
    "gap %",
];

/// A run's figures as they are written, in the order of [`COLUMNS`]. Costs are in minor units; a gap that was not computed is `-`.
pub fn cells(run: &Run) -> [String; 11] {
    let of = Figures::of(&run.orders);
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    [
        run.policy.to_string(),
        format!("{:.3}", of.packages_per_order),
        percent(of.split_share),
        percent(of.dear_share),
        format!("{:.1}", of.cost_per_order),
        format!("{:.0}", of.km_per_order),
        percent(of.late_share),
        percent(of.fill_share),
        of.unfilled_units.to_string(),
        run.moves.to_string(),
        run.optimum.map_or("-".to_owned(), |bounded| percent(bounded.gap_share())),
    ]
}

/// The table as CSV.
///
/// # Errors
/// When the text cannot be made.
pub fn summary_csv(runs: &[Run]) -> Result<String, csv::Error> {
    csv_text(COLUMNS.as_slice(), runs.iter().map(|run| cells(run).to_vec()))
}

const ORDER_COLUMNS: [&str; 16] = [
    "policy",
    "order_id",
    "units",
    "unfilled_units",
    "packages",
    "dear_packages",
    "late_packages",
    "distance_km",
    "cost_milli",
    "live_unfilled_units",
    "live_packages",
    "live_cost_milli",
    "shadow_unfilled_units",
    "shadow_packages",
    "shadow_cost_milli",
    "shadow_difference_milli",
];

/// A row for each policy and order. `live_` is what the policy decided when the order was placed, `shadow_` what it would have decided under the other rules from the
/// same stock; both are empty without a shadow.
///
/// # Errors
/// When the text cannot be made.
pub fn orders_csv(runs: &[Run]) -> Result<String, csv::Error> {
    let rows = runs.iter().flat_map(|run| run.orders.iter().map(move |order| (run, order)));
    csv_text(&ORDER_COLUMNS, rows.map(|(run, order)| order_cells(run, order)))
}

fn order_cells(run: &Run, order: &OrderOutcome) -> Vec<String> {
    let mut cells = vec![
        run.policy.to_string(),
        order.order_id.clone(),
        order.units.to_string(),
        order.unfilled_units.to_string(),
        order.packages.to_string(),
        order.dear_packages.to_string(),
        order.late_packages.to_string(),
        order.distance_km.to_string(),
        order.cost_milli.to_string(),
    ];
    cells.extend(order.shadow.as_ref().map_or_else(|| vec![String::new(); 7], shadow_cells));
    cells
}

fn shadow_cells(shadow: &Shadow) -> Vec<String> {
    let decided = [&shadow.live, &shadow.candidate];
    let figures = decided.map(|decided| [decided.unfilled_units.to_string(), decided.packages.to_string(), decided.cost_milli.to_string()]);
    let difference = (shadow.candidate.cost_milli - shadow.live.cost_milli).to_string();
    figures.into_iter().flatten().chain([difference]).collect()
}

fn csv_text(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(head)?;
    for row in rows {
        writer.write_record(row)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
