//! A transportation problem as a linear program, for its dual prices.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus, ZeroConeT};

/// Units from places to places.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transport {
    pub(super) supply: Vec<f64>,
    pub(super) demand: Vec<f64>,
    /// By supply and demand, in milli; infinite where there is no way.
    pub(super) cost: Vec<Vec<f64>>,
}

/// The solver's answer is no optimum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no prices for the stock of {sku}: the solver ended with {status}")]
pub struct Unsolved {
    pub sku: String,
    pub status: String,
}

/// Twice the dearest way: what is wanted and not there comes from nowhere at this.
const NOWHERE: f64 = 2.0;

impl Transport {
    /// What one more unit of each supply would save, in the cost's unit.
    pub(super) fn prices(&self) -> Result<Vec<f64>, String> {
        if self.plenty() {
            return Ok(vec![0.0; self.supply.len()]);
        }
        let program = Program::new(self);
        let settings = DefaultSettings { verbose: false, ..DefaultSettings::default() };
        let cones = [ZeroConeT(self.demand.len()), NonnegativeConeT(program.bounds.len() - self.demand.len())];
        let no_squares = CscMatrix::zeros((program.costs.len(), program.costs.len()));
        let mut solver = DefaultSolver::new(&no_squares, &program.costs, &program.matrix, &program.bounds, &cones, settings)
            .map_err(|error| error.to_string())?;
        solver.solve();
        match solver.solution.status {
            SolverStatus::Solved | SolverStatus::AlmostSolved => {
                let duals = solver.solution.z.iter().skip(self.demand.len()).take(self.supply.len());
                // The program is in units of the dearest way.
                Ok(duals.map(|dual| dual.max(0.0) * program.scale).collect())
            }
            status => Err(format!("{status:?}")),
        }
    }

    /// Whether each demand has all it wants from its cheapest supply. Then no unit is worth more than another.
    fn plenty(&self) -> bool {
        let mut left = self.supply.clone();
        for (region, units) in self.demand.iter().enumerate() {
            let cheapest = (0..self.supply.len()).min_by(|&a, &b| self.cost[a][region].total_cmp(&self.cost[b][region]));
            if let Some(place) = cheapest {
                left[place] -= units;
            }
        }
        left.iter().all(|&units| units >= 0.0)
    }
}

/// Minimise `costs · x` such that `bounds − matrix · x` is 0 for the demands, and not negative for the supplies and for x itself. The last of x are units that
/// come from nowhere, one for each demand.
struct Program {
    costs: Vec<f64>,
    matrix: CscMatrix<f64>,
    bounds: Vec<f64>,
    /// What the costs were divided by, so that they are near 1.
    scale: f64,
}

impl Program {
    fn new(transport: &Transport) -> Self {
        let (regions, places) = (transport.demand.len(), transport.supply.len());
        let ways =
            transport.cost.iter().enumerate().flat_map(|(place, costs)| costs.iter().enumerate().map(move |(to, &cost)| (place, to, cost)));
        let ways: Vec<(usize, usize, f64)> = ways.filter(|(.., cost)| cost.is_finite()).collect();
        let scale = ways.iter().map(|(.., cost)| *cost).fold(1.0, f64::max);
        let (mut rows, mut columns, mut values) = (vec![], vec![], vec![]);
        let mut entry = |row: usize, column: usize, value: f64| {
            rows.push(row);
            columns.push(column);
            values.push(value);
        };
        let size = ways.len() + regions;
        for (column, &(place, to, _)) in ways.iter().enumerate() {
            entry(to, column, 1.0);
            entry(regions + place, column, 1.0);
        }
        (0..regions).for_each(|to| entry(to, ways.len() + to, 1.0));
        (0..size).for_each(|column| entry(regions + places + column, column, -1.0));
        let costs = ways.iter().map(|(.., cost)| cost / scale).chain(std::iter::repeat_n(NOWHERE, regions)).collect();
        let bounds = transport.demand.iter().chain(&transport.supply).copied().chain(std::iter::repeat_n(0.0, size)).collect();
        Self { costs, matrix: CscMatrix::new_from_triplets(regions + places + size, size, rows, columns, values), bounds, scale }
    }
}
