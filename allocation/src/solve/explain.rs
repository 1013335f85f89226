//! Why each other facility ships nothing.

use super::amount::Amount;
use super::draft::Draft;
use super::levels::Levels;
use super::network::{Network, Scope};
use super::search::best;
use crate::check::Problem;
use crate::plan::{Forced, NotChosen, NotChosenReason};

/// One entry for each facility without a package, by id.
pub(super) fn not_chosen(problem: &Problem, draft: &Draft, forced: &[(usize, Forced)]) -> Vec<NotChosen> {
    let mut stocked = vec![false; problem.by_id.len()];
    problem.stock.iter().for_each(|stock| stocked[stock.facility] = true);
    (0..problem.by_id.len())
        .filter(|&rank| !draft.ships_from(rank))
        .map(|rank| NotChosen {
            facility_id: problem.facility(rank).facility_id.clone(),
            reason: reason(problem, draft, rank, stocked[rank]),
            forced: forced.iter().find(|(of, _)| *of == rank).map(|(_, forced)| forced.clone()),
        })
        .collect()
}

fn reason(problem: &Problem, draft: &Draft, rank: usize, stocked: bool) -> NotChosenReason {
    if problem.facility(rank).capacity_left == Some(0) {
        NotChosenReason::NoCapacity
    } else if !stocked {
        NotChosenReason::NoStock
    } else if problem.packages_left() == Some(0) {
        NotChosenReason::MaxPackages
    } else if problem.file.rules.ship_complete && !draft.is_complete() {
        NotChosenReason::ShipComplete
    } else {
        NotChosenReason::NotCheaper
    }
}

/// The best plan with each other facility open, its fixed cost paid, whether or not units are then worth taking from it.
pub(super) fn forced<A: Amount>(problem: &Problem, levels: &Levels, draft: &Draft, node_budget: u64) -> Vec<(usize, Forced)> {
    let network = Network::<A>::new(problem, levels, Scope::Stocked);
    let others = (0..network.len()).filter(|&facility| !draft.ships_from(network.ranks[facility]));
    let best_with = |facility: usize| {
        let set = best(&network, node_budget, Some(facility)).set?;
        let with = Draft::from_set(problem, levels, &network, &set.ranks);
        if problem.file.rules.ship_complete && !with.is_complete() {
            return None;
        }
        let cost_milli = levels.cost_milli(set.amount.wide() + levels.first_package(problem));
        Some((network.ranks[facility], Forced { unfilled_units: with.unfilled_units(), cost_milli }))
    };
    others.filter_map(best_with).collect()
}
