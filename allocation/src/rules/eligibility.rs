//! Which facilities may ship, and the first rule that says no.

use jiff::Zoned;

use super::{Check, Group, Rule, Rules};
use crate::calendar::{ShipDay, ship_day};
use crate::sourcing::{Exclusion, Facility, LineToSource, OrderToSource, RulePenalty, SkuRule, StockLevel};

/// A facility before the rules.
pub(crate) struct Candidate<'a> {
    pub(crate) order: &'a OrderToSource,
    pub(crate) facility: &'a Facility,
    /// The instant of the decision, where the facility is.
    pub(crate) local: &'a Zoned,
    pub(crate) distance_km: Option<f64>,
    /// What it has of the SKUs wanted.
    pub(crate) stock: &'a [&'a StockLevel],
    /// The groups that serve the channel, first to last; None: all facilities do.
    pub(crate) groups: Option<&'a [&'a Group]>,
    /// Of these groups so many are needed.
    pub(crate) groups_needed: usize,
}

/// What the rules say of a facility.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    /// The first hard rule it fails.
    pub(crate) excluded: Option<Exclusion>,
    /// Set unless it is excluded before its capacity is looked at.
    pub(crate) ship_day: Option<ShipDay>,
    /// Soft rules it fails, paid for a package.
    pub(crate) penalties: Vec<RulePenalty>,
    /// SKUs it may not ship, or at a price for each unit.
    pub(crate) sku_rules: Vec<SkuRule>,
}

impl Verdict {
    pub(crate) fn may_ship(&self, sku: &str) -> bool {
        !self.sku_rules.iter().any(|rule| rule.sku == sku && rule.penalty_minor.is_none())
    }
}

/// Tries the rules in their order until one excludes.
pub(crate) fn judge(rules: &Rules, candidate: &Candidate) -> Verdict {
    let mut verdict = Verdict::default();
    for rule in rules.rules.iter().filter(|rule| rule.about.contains(candidate.facility)) {
        let failure = match &rule.check {
            Check::Active => fails_active(candidate),
            Check::Distance { max_km, same_country } => fails_distance(candidate, *max_km, *same_country),
            Check::Group => fails_group(candidate),
            Check::Capacity { horizon_working_days } => {
                verdict.ship_day = ship_day(candidate.facility, candidate.local, *horizon_working_days);
                let full = || format!("no capacity within {horizon_working_days} working days");
                verdict.ship_day.is_none().then(full)
            }
            Check::Rejected => per_sku(rule, candidate, &mut verdict, |facility, line| line.rejected_by.contains(&facility.facility_id)),
            Check::Exclusion { skus, categories } => per_sku(rule, candidate, &mut verdict, |_, line| {
                let everything = skus.is_empty() && categories.is_empty();
                let category = line.category.as_ref().is_some_and(|category| categories.contains(category));
                everything || category || skus.contains(&line.sku)
            }),
        };
        match (failure, rule.penalty_minor) {
            (Some(detail), None) => {
                verdict.excluded = Some(Exclusion { rule: rule.name.clone(), detail });
                break;
            }
            (Some(_), Some(penalty_minor)) => verdict.penalties.push(RulePenalty { rule: rule.name.clone(), penalty_minor }),
            (None, _) => {}
        }
    }
    verdict
}

fn fails_active(candidate: &Candidate) -> Option<String> {
    let (facility, order) = (candidate.facility, candidate.order);
    if !facility.active {
        return Some("not active".into());
    }
    match &order.pickup_facility_id {
        Some(pickup) if *pickup != facility.facility_id => Some("the order is collected elsewhere".into()),
        Some(_) => (!facility.pickup_enabled).then(|| "not enabled for pickup".into()),
        None => (!facility.ship_enabled).then(|| "not enabled for shipping".into()),
    }
}

fn fails_distance(candidate: &Candidate, max_km: Option<i64>, same_country: bool) -> Option<String> {
    let (here, there) = (&candidate.facility.country, &candidate.order.destination.country);
    if same_country && here != there {
        return Some(format!("in {here}, the order goes to {there}"));
    }
    let (max_km, km) = (max_km?, candidate.distance_km?);
    (km > max_km as f64).then(|| format!("{km:.0} km away, at most {max_km} are allowed"))
}

fn fails_group(candidate: &Candidate) -> Option<String> {
    let groups = candidate.groups?;
    let channel = &candidate.order.channel;
    match groups.iter().position(|group| group.members.contains(candidate.facility)) {
        None => Some(format!("in no group that serves channel {channel}")),
        Some(place) if place >= candidate.groups_needed => Some(format!("in a fallback for channel {channel} that is not needed")),
        Some(_) => None,
    }
}

/// A rule about SKUs fails the facility only if it leaves it none of the SKUs it has; as a soft rule it is paid by the unit, not here.
fn per_sku(rule: &Rule, candidate: &Candidate, verdict: &mut Verdict, fails: impl Fn(&Facility, &LineToSource) -> bool) -> Option<String> {
    let had_some = candidate.stock.iter().any(|level| verdict.may_ship(&level.sku));
    for line in candidate.order.lines.iter().filter(|line| fails(candidate.facility, line)) {
        let known = verdict.sku_rules.iter().any(|known| known.sku == line.sku && known.rule == rule.name);
        if !known {
            verdict.sku_rules.push(SkuRule { sku: line.sku.clone(), rule: rule.name.clone(), penalty_minor: rule.penalty_minor });
        }
    }
    let has_some = candidate.stock.iter().any(|level| verdict.may_ship(&level.sku));
    (had_some && !has_some).then(|| "excludes every SKU it has".into())
}
