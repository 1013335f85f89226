//! What plans cost, in `milli`, exactly. Nothing here overflows once [`limit_milli`] has passed a problem.

use crate::check::{Problem, Sku, Stock};
use crate::mistake::{Invalid, Mistake};
use crate::plan::PackageCost;
use crate::problem::ProblemFacility;

/// Bits kept free above the sum of all costs: the solver scales amounts by 2^16 for its rounding, and sums them over up to 10,000 facilities.
const HEADROOM_BITS: u32 = 40;

/// The fixed cost of a consignment, by part.
pub(crate) fn fixed_parts(problem: &Problem, facility: &ProblemFacility) -> PackageCost {
    PackageCost {
        package_milli: if facility.package_open { 0 } else { facility.package_milli.into() },
        handling_milli: facility.handling_milli.into(),
        late_milli: i128::from(problem.file.rules.late_penalty_milli_per_day) * i128::from(facility.days_late),
        ..PackageCost::default()
    }
}

/// One unit of a SKU out of a stock row.
pub(crate) fn unit_milli(problem: &Problem, sku: &Sku, stock: &Stock) -> i128 {
    let facility = problem.facility(stock.facility);
    i128::from(facility.weight_rate_milli_per_g) * i128::from(sku.weight_g)
        + i128::from(facility.pick_milli)
        + i128::from(stock.price_milli)
}

/// The split penalty of a plan with this many packages of its own.
pub(crate) fn split_milli(problem: &Problem, packages: usize) -> i128 {
    let rules = &problem.file.rules;
    let beyond_first = i128::from(rules.packages_already) + packages as i128 - 1;
    i128::from(rules.split_penalty_milli) * beyond_first.max(0)
}

/// A cost above that of every plan. Refused, with the place at which the sum leaves the range, are costs so large that the solver's sums could overflow.
pub(crate) fn limit_milli(problem: &Problem) -> Result<i128, Invalid> {
    let file = &problem.file;
    let units: i128 = problem.skus.iter().map(|sku| i128::from(sku.quantity)).sum();
    let most = (i128::MAX >> HEADROOM_BITS) / (units + 1) / (file.facilities.len() as i128 + 2);
    let mut limit = 1_i128;
    let mut add = |amount: Option<i128>, place: &dyn Fn() -> String| match amount.and_then(|amount| limit.checked_add(amount)) {
        Some(sum) if sum <= most => {
            limit = sum;
            Ok(())
        }
        _ => Err(Invalid::from(Mistake::new(place(), "the costs of the problem sum beyond what 128 bits can compare"))),
    };
    let packages = file.facilities.len() as i128 + i128::from(file.rules.packages_already);
    add(i128::from(file.rules.split_penalty_milli).checked_mul(packages), &|| "/rules/split_penalty_milli".into())?;
    for (place, facility) in file.facilities.iter().enumerate() {
        add(Some(fixed_parts(problem, facility).total_milli()), &|| format!("/facilities/{place}"))?;
    }
    let mut dearest = vec![0_i128; problem.skus.len()];
    for stock in &problem.stock {
        let unit = unit_milli(problem, &problem.skus[stock.sku], stock);
        dearest[stock.sku] = dearest[stock.sku].max(unit);
    }
    for (sku, dearest) in problem.skus.iter().zip(dearest) {
        for &place in &sku.lines {
            let line = &file.lines[place];
            let unit = dearest.max(line.unfilled_penalty_milli.unwrap_or(0).into());
            add(unit.checked_mul(line.quantity.into()), &|| format!("/lines/{place}"))?;
        }
    }
    Ok(limit)
}
