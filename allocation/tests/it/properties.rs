//! What holds for every problem.

use oms_allocation::{Options, Plan, Problem, ProblemFile, solve};
use proptest::prelude::*;

use crate::{brute, generate};

fn plan(file: &ProblemFile) -> Plan {
    let problem = Problem::new(file.clone()).expect("the generator makes valid problems");
    solve(&problem, Options::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn brute_force_agrees_ties_included(file in generate::small()) {
        let plan = plan(&file);
        prop_assert!(plan.optimal);
        let (cost_milli, unfilled_units, shipped) = brute::best(&file);
        prop_assert_eq!((plan.cost_milli, plan.unfilled_units), (cost_milli, unfilled_units));
        prop_assert_eq!(brute::shipped(&plan), shipped);
    }
}
