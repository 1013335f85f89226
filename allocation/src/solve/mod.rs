//! From a problem to its plan: an exact search, then the one plan among equals, then the explanation.

mod amount;
mod chosen;
mod dominance;
mod draft;
mod dual;
mod explain;
mod levels;
mod network;
mod partial;
mod prices;
mod search;

use crate::check::Problem;
use crate::plan::Plan;
use amount::Amount;
use draft::Draft;
use levels::Levels;
use network::{Network, Scope};
use search::best;

/// How far to search and how much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Partial plans whose bound may be computed (at least 1) before it answers with the best plan it has and the proven gap. Choosing among equals, and
    /// each facility explained, may visit as many again.
    pub node_budget: u64,
    /// Adds each package's cost by part, and for each facility not chosen the best plan with it.
    pub explain: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { node_budget: 50_000, explain: false }
    }
}

/// What is added to a plan so that it explains itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detail {
    /// Each package's cost by part.
    pub(crate) parts: bool,
    /// For each facility not chosen the best plan with it.
    pub(crate) forced: bool,
}

/// Units of a line from a facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shipment {
    pub(crate) facility_id: String,
    pub(crate) line_id: String,
    pub(crate) units: i64,
}

/// What shipments that were decided in another way cost, each package by part. None: they are of facilities or lines that the problem does not have.
pub(crate) fn price(problem: &Problem, shipments: &[Shipment]) -> Option<Plan> {
    Draft::from_shipments(problem, shipments).map(|draft| draft.to_plan(problem, true))
}

/// The plan of least objective; among equals the one the tie-breaks name. The order of the input does not matter.
pub fn solve(problem: &Problem, options: Options) -> Plan {
    solve_with(problem, options.node_budget, Detail { parts: options.explain, forced: options.explain })
}

pub(crate) fn solve_with(problem: &Problem, node_budget: u64, detail: Detail) -> Plan {
    let levels = Levels::new(problem);
    if levels.fits_64_bits {
        decide::<i64>(problem, &levels, node_budget, detail)
    } else {
        decide::<i128>(problem, &levels, node_budget, detail)
    }
}

fn decide<A: Amount>(problem: &Problem, levels: &Levels, node_budget: u64, detail: Detail) -> Plan {
    let network = Network::<A>::new(problem, levels, Scope::Useful);
    let best = best(&network, node_budget, None);
    let set = best.set.map(|set| Draft::from_set(problem, levels, &network, &set.ranks));
    let choice = choose(problem, levels, set, best.bound.wide());
    let mut plan = choice.draft.to_plan(problem, detail.parts);
    plan.nodes = best.nodes;
    (plan.gap_units, plan.gap_milli) = levels.gap(choice.draft.merit(problem, levels).0, choice.bound);
    plan.optimal = choice.settled && (plan.gap_units, plan.gap_milli) == (0, 0);
    let forced = if detail.forced { explain::forced::<A>(problem, levels, &choice.draft, node_budget) } else { vec![] };
    plan.not_chosen = explain::not_chosen(problem, &choice.draft, &forced);
    plan
}

/// What was chosen of all that is possible.
struct Choice {
    draft: Draft,
    /// Nothing that is possible amounts to less.
    bound: i128,
    /// False: the budget ended before it was known whether the order can ship complete, so that it may be wrong to wait.
    settled: bool,
}

/// The best of a set of facilities used as well as can be, a single unit shipped only because something must, and nothing.
fn choose(problem: &Problem, levels: &Levels, set: Option<Draft>, bound: i128) -> Choice {
    let rules = &problem.file.rules;
    // A bound this high proves that some unit stays unfilled whatever opens; then an order that ships complete waits.
    let hopeless = rules.ship_complete && bound >= levels.unfilled;
    let bound = if hopeless { i128::MAX } else { bound + levels.first_package(problem) };
    let nothing = Draft::nothing(problem);
    let nothing_merit = nothing.merit(problem, levels);
    let mut best = set.filter(|draft| !rules.ship_complete || draft.is_complete()).map(|draft| (draft.merit(problem, levels), draft));
    if rules.ship_something && !rules.ship_complete && best.as_ref().is_none_or(|(merit, _)| *merit > nothing_merit) {
        let unit = lone_unit(problem, levels).map(|draft| (draft.merit(problem, levels), draft));
        best = best.into_iter().chain(unit).min_by(|(a, _), (b, _)| a.cmp(b));
    }
    match best {
        Some((merit, draft)) if rules.ship_something || merit < nothing_merit => Choice { draft, bound: bound.min(merit.0), settled: true },
        Some(_) | None => {
            let settled = !rules.ship_complete || !rules.ship_something || hopeless;
            Choice { draft: nothing, bound: bound.min(nothing_merit.0), settled }
        }
    }
}

/// The cheapest plan of one unit. It is the answer where every unit costs more to ship than to leave unfilled, and still something must ship.
fn lone_unit(problem: &Problem, levels: &Levels) -> Option<Draft> {
    if problem.packages_left() == Some(0) {
        return None;
    }
    let dearest_line = |sku: usize| {
        // The last of equals by `max_by_key`, so from the back: the first line of its penalty.
        let lines = problem.skus[sku].lines.iter().copied().rev();
        lines.max_by_key(|&line| levels.penalty(problem, line))
    };
    problem
        .stock
        .iter()
        .filter(|stock| problem.facility(stock.facility).capacity_left != Some(0))
        .filter_map(|stock| Some(Draft::one_unit(problem, stock.facility, stock.sku, dearest_line(stock.sku)?)))
        .min_by_key(|draft| draft.merit(problem, levels))
}
