//! Where units that a plan lets wait could come from: what the queue for stock goes by.

use std::collections::BTreeMap;

use oms_allocation::{Invalid, Reach, reach};
use oms_domain::ids::{FacilityId, LineId, Sku};
use oms_store::{FacilitySet, FullFacility, Places};

use super::plan::{Planned, Planner};

/// Of the lines that wait, by line.
#[derive(Debug, Default)]
pub(super) struct Waits {
    pub lines: BTreeMap<LineId, LineWait>,
    /// Places that could serve some of them, and have no capacity now.
    pub full: Vec<FullFacility>,
}

#[derive(Debug, Default)]
pub(super) struct LineWait {
    pub could_have: FacilitySet,
    /// What was there for it, and the plan did not take.
    pub declined: BTreeMap<FacilityId, i64>,
}

impl Planner<'_> {
    /// What is said of the lines that the plan lets wait.
    pub(super) fn waits(&self, planned: &Planned, places: &Places) -> Result<Waits, Invalid> {
        let units: BTreeMap<&LineId, u32> =
            planned.answer.waiting.iter().flat_map(|package| &package.lines).map(|(line_id, units)| (line_id, *units)).collect();
        let mut waits = Waits::default();
        for ((group, _), lines) in self.batches() {
            let waiting: Vec<_> = lines.iter().filter_map(|(line, _)| Some((*line, *units.get(&line.line_id)?))).collect();
            if waiting.is_empty() {
                continue;
            }
            let reaches = reach(&self.to_source(group, &lines), self.facilities, self.rules, self.at);
            for (line, units) in waiting {
                waits.lines.insert(line.line_id.clone(), self.line_wait(&line.line_id, &line.sku, units, &reaches, planned, places));
            }
            let full = |reach: &Reach| Some(FullFacility { facility_id: reach.facility_id.parse().ok()?, due: reach.full_until? });
            waits.full.extend(reaches.iter().filter_map(full));
        }
        Ok(waits)
    }

    fn line_wait(&self, line_id: &LineId, sku: &Sku, units: u32, reaches: &[Reach], planned: &Planned, places: &Places) -> LineWait {
        let wanted = self.request.wanted.get(line_id);
        let may = |reach: &&Reach| reach.skus.contains(sku.as_str()) && wanted.is_none_or(|wanted| wanted.as_str() == reach.facility_id);
        let mut wait = LineWait::default();
        for reach in reaches.iter().filter(may) {
            if let Some(number) = places.numbers.get(&reach.facility_id) {
                wait.could_have.insert(*number);
            }
            let here = |level: &&oms_allocation::StockLevel| level.sku == sku.as_str() && level.facility_id == reach.facility_id;
            // What it gave back it is asked for again in its own time.
            let asked = !self.exclusions.iter().any(|known| known.line_id == *line_id && known.facility_id.as_str() == reach.facility_id);
            let there = planned.left.iter().find(here).filter(|_| asked).map_or(0, |level| level.available.min(i64::from(units)));
            // Nothing that comes to a full place is of use, until it is another matter there.
            let declined = if reach.full_until.is_some() { i64::from(units) } else { there };
            if let Some(facility_id) = (declined > 0).then(|| reach.facility_id.parse().ok()).flatten() {
                wait.declined.insert(facility_id, declined);
            }
        }
        wait
    }
}
