//! From business data to a problem.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, Zoned};

use super::decision::{LocatedBy, Outlook};
use super::{Exclusion, Facility, LineToSource, OrderToSource, SkuRule, StockLevel};
use crate::calendar::local_time;
use crate::check::Problem;
use crate::mistake::{Invalid, Mistake};
use crate::problem::{ProblemFacility, ProblemFile, ProblemLine, ProblemRules, ProblemStock};
use crate::rate_card::Freight;
use crate::rules::{Candidate, Rules, Verdict, judge};

/// A problem with what it was made from, ready to be decided.
#[derive(Debug, Clone)]
pub struct Sourcing {
    pub(super) order_id: String,
    pub(super) decided_at: Timestamp,
    pub(super) rules_version: String,
    pub(super) rate_card_version: String,
    pub(super) located_by: LocatedBy,
    pub(super) problem: Problem,
    /// For each facility that may ship, how.
    pub(super) outlooks: BTreeMap<String, Outlook>,
    pub(super) excluded: BTreeMap<String, Exclusion>,
}

impl Sourcing {
    /// What is to be decided.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// How a consignment from a facility would travel; None: it may not ship.
    pub fn outlook(&self, facility_id: &str) -> Option<&Outlook> {
        self.outlooks.get(facility_id)
    }

    /// Whether the rules let a facility ship a SKU of this order.
    pub fn may_ship(&self, facility_id: &str, sku: &str) -> bool {
        let forbids = |rule: &SkuRule| rule.sku == sku && rule.penalty_minor.is_none();
        self.outlooks.get(facility_id).is_some_and(|outlook| !outlook.sku_rules.iter().any(forbids))
    }

    /// The facilities that may not ship, each with the first rule that says so.
    pub fn excluded(&self) -> &BTreeMap<String, Exclusion> {
        &self.excluded
    }
}

/// Applies the rules and the rate card as of an instant. Stock at facilities that are not given is ignored. Refused are inputs that make no problem; the
/// place is a pointer into `{"lines":…,"facilities":…}` as given here, or into the problem's own form.
pub fn build_problem(
    order: &OrderToSource,
    facilities: &[Facility],
    stock: &[StockLevel],
    rules: &Rules,
    now: Timestamp,
) -> Result<Sourcing, Invalid> {
    let sites = sites(order, facilities, stock, now);
    let verdicts = judge_all(order, &sites, rules);
    let (mut outlooks, mut excluded) = (BTreeMap::new(), BTreeMap::new());
    let mut file = ProblemFile {
        lines: (0..).zip(&order.lines).map(|(place, line)| problem_line(place, line)).collect::<Result<_, _>>()?,
        facilities: vec![],
        availability: vec![],
        rules: problem_rules(order, rules),
    };
    for (site, verdict) in sites.iter().zip(verdicts) {
        let id = site.facility.facility_id.clone();
        match admit(order, site, &verdict, rules) {
            Ok((Ok(facility), outlook)) => {
                file.facilities.push(facility);
                file.availability.extend(problem_stock(site, &verdict, rules));
                outlooks.insert(id, outlook);
            }
            Ok((Err(invalid), _)) => {
                excluded.insert(id, Exclusion { rule: "costs".into(), detail: invalid.to_string() });
            }
            Err(exclusion) => {
                excluded.insert(id, exclusion);
            }
        }
    }
    nothing_stays_behind(&mut file);
    Ok(Sourcing {
        order_id: order.order_id.clone(),
        decided_at: now,
        rules_version: rules.version.clone(),
        rate_card_version: rules.rate_card.version.clone(),
        located_by: LocatedBy::of(order),
        problem: Problem::new(file)?,
        outlooks,
        excluded,
    })
}

/// What a facility might ship of an order if it had stock, whoever gave a line back before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    pub facility_id: String,
    /// The SKUs of the order that the rules let it ship; none: it is no place for this order.
    pub skus: BTreeSet<String>,
    /// It has no capacity left within the horizon: until then when its next day begins.
    pub full_until: Option<Timestamp>,
}

/// What each facility might ship of an order: which stock it would wait for. Groups that help out do, since what waits is nowhere else.
pub fn reach(order: &OrderToSource, facilities: &[Facility], rules: &Rules, now: Timestamp) -> Vec<Reach> {
    let mut order = order.clone();
    order.lines.iter_mut().for_each(|line| line.rejected_by.clear());
    let groups = rules.group_chain(&order.channel);
    let judged = |site: &Site, facility: &Facility| {
        let Some(local) = &site.local else { return nowhere(facility) };
        let groups_needed = groups.as_ref().map_or(0, Vec::len);
        let (distance_km, groups) = (site.distance_km, groups.as_deref());
        judge(rules, &Candidate { order: &order, facility, local, distance_km, stock: &[], groups, groups_needed })
    };
    let reach = |site: &Site| {
        let empty = Facility { capacity_taken: BTreeMap::new(), ..site.facility.clone() };
        let verdict = judged(site, &empty);
        let may = verdict.excluded.is_none() && freight(&order, site, rules).is_some();
        let skus = order.lines.iter().map(|line| &line.sku).filter(|sku| may && verdict.may_ship(sku)).cloned().collect();
        let is_full = may && site.facility.daily_order_capacity.is_some() && judged(site, site.facility).excluded.is_some();
        let full_until = is_full
            .then(|| site.local.as_ref().and_then(|local| local.tomorrow().ok()?.start_of_day().ok()).map_or(now, |day| day.timestamp()));
        Reach { facility_id: site.facility.facility_id.clone(), skus, full_until }
    };
    sites(&order, facilities, &[], now).iter().map(reach).collect()
}

/// A facility with what lies there and how far it is.
struct Site<'a> {
    /// Place in the input.
    place: usize,
    facility: &'a Facility,
    /// None: there is no time zone of the name that it has. That keeps out this facility, and no other.
    local: Option<Zoned>,
    distance_km: Option<f64>,
    stock: Vec<&'a StockLevel>,
}

fn sites<'a>(order: &OrderToSource, facilities: &'a [Facility], stock: &'a [StockLevel], now: Timestamp) -> Vec<Site<'a>> {
    let mut by_facility: BTreeMap<&str, Vec<&StockLevel>> = BTreeMap::new();
    for level in stock.iter().filter(|level| order.lines.iter().any(|line| line.sku == level.sku)) {
        by_facility.entry(&level.facility_id).or_default().push(level);
    }
    let site = |(place, facility): (usize, &'a Facility)| {
        let distance_km = match (facility.position, order.destination.position) {
            (Some(here), Some(there)) => Some(here.distance_km(there)),
            (_, None) | (None, _) => None,
        };
        let local = local_time(&facility.timezone, now);
        let stock = by_facility.get(facility.facility_id.as_str()).cloned().unwrap_or_default();
        Site { place, facility, local, distance_km, stock }
    };
    facilities.iter().enumerate().map(site).collect()
}

/// Judges all facilities, with as many of the channel's groups as it takes to have every unit.
fn judge_all(order: &OrderToSource, sites: &[Site], rules: &Rules) -> Vec<Verdict> {
    let groups = rules.group_chain(&order.channel);
    let mut groups_needed = 1;
    loop {
        let verdicts: Vec<Verdict> = sites
            .iter()
            .map(|site| {
                let Some(local) = &site.local else { return nowhere(site.facility) };
                judge(
                    rules,
                    &Candidate {
                        order,
                        facility: site.facility,
                        local,
                        distance_km: site.distance_km,
                        stock: &site.stock,
                        groups: groups.as_deref(),
                        groups_needed,
                    },
                )
            })
            .collect();
        if groups.as_ref().is_none_or(|groups| groups_needed >= groups.len()) || cover(order, sites, &verdicts) {
            return verdicts;
        }
        groups_needed += 1;
    }
}

/// No day can be named for a facility whose clock is not known.
fn nowhere(facility: &Facility) -> Verdict {
    let detail = format!("there is no time zone {:?}", facility.timezone);
    Verdict { excluded: Some(Exclusion { rule: "timezone".into(), detail }), ..Verdict::default() }
}

/// Whether the admitted facilities have every unit wanted.
fn cover(order: &OrderToSource, sites: &[Site], verdicts: &[Verdict]) -> bool {
    order.lines.iter().all(|line| {
        let wanted: i128 = order.lines.iter().filter(|other| other.sku == line.sku).map(|line| i128::from(line.quantity)).sum();
        let admitted = sites.iter().zip(verdicts).filter(|(_, verdict)| verdict.excluded.is_none() && verdict.may_ship(&line.sku));
        let levels = admitted.flat_map(|(site, _)| &site.stock).filter(|level| level.sku == line.sku);
        wanted <= levels.map(|level| i128::from(level.available)).sum()
    })
}

/// How an admitted facility enters the problem, or why it does not.
fn admit(
    order: &OrderToSource,
    site: &Site,
    verdict: &Verdict,
    rules: &Rules,
) -> Result<(Result<ProblemFacility, Invalid>, Outlook), Exclusion> {
    if let Some(exclusion) = &verdict.excluded {
        return Err(exclusion.clone());
    }
    let beyond = |detail: &str| Exclusion { rule: "rate_card".into(), detail: detail.into() };
    let ship_day = verdict.ship_day.ok_or_else(|| beyond("no rule looks at its capacity"))?;
    let freight = freight(order, site, rules).ok_or_else(|| beyond("no rate to that destination"))?;
    let delivery_date =
        ship_day.date.checked_add(freight.transit_days.days()).map_err(|_| beyond("delivery after the end of the calendar"))?;
    // What was asked for by a day that is over is late from today on: the days before are no facility's fault.
    let today = site.local.as_ref().map(Zoned::date);
    let due = order.requested_delivery_date.map(|requested| today.map_or(requested, |today| requested.max(today)));
    let days_late = due.map_or(0, |due| i64::from((delivery_date - due).get_days()).max(0));
    let outlook = Outlook {
        zone: freight.zone,
        distance_km: freight.distance_km.map(|km| km.round() as i64),
        ship_date: ship_day.date,
        delivery_date,
        days_late,
        penalties: verdict.penalties.clone(),
        sku_rules: verdict.sku_rules.clone(),
    };
    let penalties: i64 = verdict.penalties.iter().map(|penalty| penalty.penalty_minor).sum();
    let facility =
        milli(site.facility.handling_cost_minor.saturating_add(penalties), || format!("/facilities/{}/handling_cost_minor", site.place))
            .map(|handling_milli| ProblemFacility {
                facility_id: site.facility.facility_id.clone(),
                package_milli: freight.package_milli,
                handling_milli,
                weight_rate_milli_per_g: freight.weight_rate_milli_per_g,
                pick_milli: rules.costs.pick_minor_per_unit * 1000,
                days_late,
                capacity_left: ship_day.capacity_left,
                package_open: order.open_packages.contains(&site.facility.facility_id),
            });
    Ok((facility, outlook))
}

/// Leaving a unit costs more than letting it travel along: so nothing stays behind where a consignment is made anyway, however little it
/// is worth. Whether a consignment is made for it is another matter.
fn nothing_stays_behind(file: &mut ProblemFile) {
    let by_id: BTreeMap<&str, &ProblemFacility> =
        file.facilities.iter().map(|facility| (facility.facility_id.as_str(), facility)).collect();
    for line in &mut file.lines {
        let stock = file.availability.iter().filter(|stock| stock.sku == line.sku && stock.available > 0);
        let along = |stock: &ProblemStock| {
            let facility = by_id.get(stock.facility_id.as_str())?;
            let weight_milli = facility.weight_rate_milli_per_g.saturating_mul(line.unit_weight_g);
            Some(weight_milli.saturating_add(facility.pick_milli).saturating_add(stock.stock_price_milli))
        };
        let dearest = stock.filter_map(along).max();
        if let (Some(penalty), Some(dearest)) = (&mut line.unfilled_penalty_milli, dearest) {
            *penalty = (*penalty).max(dearest.saturating_add(1));
        }
    }
}

/// An order that is collected pays no freight and is ready on the day it is packed.
fn freight(order: &OrderToSource, site: &Site, rules: &Rules) -> Option<Freight> {
    let same_country = order.destination.country == site.facility.country;
    let freight = rules.rate_card.freight(order.service, same_country, site.distance_km)?;
    Some(match &order.pickup_facility_id {
        Some(_) => Freight { package_milli: 0, weight_rate_milli_per_g: 0, transit_days: 0, ..freight },
        None => freight,
    })
}

fn problem_line(place: usize, line: &LineToSource) -> Result<ProblemLine, Invalid> {
    let pointer = || format!("/lines/{place}/unfilled_penalty_minor");
    Ok(ProblemLine {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_weight_g: line.unit_weight_g,
        unfilled_penalty_milli: line.unfilled_penalty_minor.map(|minor| milli(minor, pointer)).transpose()?,
    })
}

/// The stock it may ship. A soft rule about a SKU makes its units dearer there.
fn problem_stock<'a>(site: &'a Site, verdict: &'a Verdict, rules: &'a Rules) -> impl Iterator<Item = ProblemStock> + 'a {
    let price_milli = |level: &StockLevel| if rules.costs.stock_prices { level.stock_price_milli } else { 0 };
    site.stock.iter().filter(|level| verdict.may_ship(&level.sku)).map(move |level| {
        let rules = verdict.sku_rules.iter().filter(|rule| rule.sku == level.sku);
        let penalties: i64 = rules.filter_map(|rule| rule.penalty_minor).sum();
        ProblemStock {
            facility_id: level.facility_id.clone(),
            sku: level.sku.clone(),
            available: level.available,
            stock_price_milli: price_milli(level).saturating_add(penalties * 1000),
        }
    })
}

fn problem_rules(order: &OrderToSource, rules: &Rules) -> ProblemRules {
    let costs = &rules.costs;
    ProblemRules {
        split_penalty_milli: costs.split_penalty_minor * 1000,
        late_penalty_milli_per_day: costs.late_penalty_minor_per_day * 1000,
        max_packages: if order.allow_split { costs.max_packages } else { Some(1) },
        packages_already: order.packages_already,
        ship_complete: !order.allow_split,
        // Units that wait on purpose are decided again: then a further consignment must be worth it.
        ship_something: order.packages_already == 0,
    }
}

fn milli(minor: i64, pointer: impl Fn() -> String) -> Result<i64, Invalid> {
    minor.checked_mul(1000).ok_or_else(|| Mistake::new(pointer(), format!("{minor} is too large an amount")).into())
}
