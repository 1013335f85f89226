//! From the text of a rule file to rules.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::DeTable;

use super::reader::{AMOUNTS, DAYS, Reader, Section};
use super::{Check, Costs, Group, Rule, RuleMistakes, Rules, Selection};
use crate::rate_card::{RateCard, Zone};

pub(super) fn parse(text: &str, facility_ids: Option<&BTreeSet<String>>) -> Result<Rules, RuleMistakes> {
    let mut reader = Reader::new(text, facility_ids);
    let document = reader.document();
    let rules = if reader.mistakes.is_empty() { file(&mut reader, &document) } else { None };
    reader.mistakes.sort();
    match rules {
        Some(rules) if reader.mistakes.is_empty() => Ok(rules),
        Some(_) | None => Err(RuleMistakes { mistakes: reader.mistakes }),
    }
}

fn file<'t>(reader: &mut Reader<'t>, document: &Spanned<DeTable<'t>>) -> Option<Rules> {
    let top = Section { table: document.get_ref(), start: 0 };
    reader.only(top, &["version", "costs", "rules", "groups", "channels", "rate_card"]);
    let version = reader.required(top, "version");
    let version = reader.text(version, "version");
    let costs = reader.required(top, "costs");
    let costs = reader.section(costs, "costs").and_then(|section| read_costs(reader, section));
    let rules = reader.sections(top.table.get("rules"), "rules");
    let rules: Vec<Option<Rule>> = rules.into_iter().map(|section| read_rule(reader, section)).collect();
    let groups = read_groups(reader, top);
    let channels = read_channels(reader, top, &groups);
    let card = reader.required(top, "rate_card");
    let rate_card = reader.section(card, "rate_card").and_then(|section| read_card(reader, section));
    let rules = rules.into_iter().collect::<Option<Vec<Rule>>>()?;
    for (kind, present) in [
        ("active", rules.iter().any(|rule| rule.check == Check::Active)),
        ("capacity", rules.iter().any(|rule| matches!(rule.check, Check::Capacity { .. }))),
    ] {
        if !present {
            reader.mistake(0, format!("a rule `{kind}` is missing: without it orders would go where nothing can ship"));
        }
    }
    Some(Rules { version: version?, costs: costs?, rules, groups, channels, rate_card: rate_card? })
}

fn read_costs<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>) -> Option<Costs> {
    reader.only(section, &["split_penalty_minor", "late_penalty_minor_per_day", "pick_minor_per_unit", "max_packages", "stock_prices"]);
    let split_penalty_minor = required_number(reader, section, "split_penalty_minor", AMOUNTS);
    let late_penalty_minor_per_day = required_number(reader, section, "late_penalty_minor_per_day", AMOUNTS);
    let pick_minor_per_unit = required_number(reader, section, "pick_minor_per_unit", AMOUNTS);
    Some(Costs {
        max_packages: reader.number(section.table.get("max_packages"), "max_packages", AMOUNTS),
        stock_prices: reader.flag(section.table.get("stock_prices"), "stock_prices").unwrap_or(true),
        split_penalty_minor: split_penalty_minor?,
        late_penalty_minor_per_day: late_penalty_minor_per_day?,
        pick_minor_per_unit: pick_minor_per_unit?,
    })
}

fn required_number<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, key: &str, range: RangeInclusive<i64>) -> Option<i64> {
    let value = reader.required(section, key);
    reader.number(value, key, range)
}

/// Keys every rule may have.
const RULE_KEYS: [&str; 5] = ["rule", "name", "facilities", "types", "penalty_minor"];

fn read_rule<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>) -> Option<Rule> {
    let value = reader.required(section, "rule")?;
    let kind = reader.text(Some(value), "rule")?;
    let get = |key: &str| section.table.get(key);
    let (check, own_keys): (Check, &[&str]) = match kind.as_str() {
        "active" => (Check::Active, &[]),
        "distance" => {
            let max_km = reader.number(get("max_km"), "max_km", AMOUNTS);
            let same_country = reader.flag(get("same_country"), "same_country").unwrap_or(false);
            (Check::Distance { max_km, same_country }, &["max_km", "same_country"])
        }
        "group" => (Check::Group, &[]),
        "capacity" => {
            let days = required_number(reader, section, "horizon_working_days", 1..=*DAYS.end())?;
            (Check::Capacity { horizon_working_days: usize::try_from(days).ok()? }, &["horizon_working_days"])
        }
        "rejected" => (Check::Rejected, &[]),
        "exclusion" => {
            let (skus, categories) = (reader.texts(get("skus"), "skus"), reader.texts(get("categories"), "categories"));
            if [&skus, &categories].iter().all(|list| list.is_empty()) && get("facilities").or(get("types")).is_none() {
                let message = "this rule excludes everything: name `skus`, `categories`, `facilities` or `types`";
                reader.mistake(section.start, message);
            }
            (Check::Exclusion { skus, categories }, &["skus", "categories"])
        }
        _ => {
            reader.mistake(
                value.span().start,
                format!("unknown rule `{kind}`; known: active, distance, group, capacity, rejected, exclusion"),
            );
            return None;
        }
    };
    reader.only(section, &[RULE_KEYS.as_slice(), own_keys].concat());
    let penalty_minor = reader.number(get("penalty_minor"), "penalty_minor", AMOUNTS);
    // No penalty buys an inactive facility, or a place in a day that is full.
    let always_hard = matches!(check, Check::Active | Check::Capacity { .. });
    if let Some(penalty) = get("penalty_minor").filter(|_| always_hard) {
        reader.mistake(penalty.span().start, format!("the rule `{kind}` cannot be soft: it takes no `penalty_minor`"));
    }
    let name = reader.text(get("name"), "name").unwrap_or(kind);
    Some(Rule { name, check, about: read_selection(reader, section), penalty_minor })
}

fn read_selection<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>) -> Selection {
    Selection { facilities: reader.facilities(section.table.get("facilities")), types: reader.texts(section.table.get("types"), "types") }
}

fn read_groups<'t>(reader: &mut Reader<'t>, top: Section<'_, 't>) -> BTreeMap<String, Group> {
    let mut groups = BTreeMap::new();
    let Some(section) = reader.section(top.table.get("groups"), "groups") else { return groups };
    for (name, value) in section.table {
        let Some(group) = reader.section(Some(value), name.get_ref()) else { continue };
        reader.only(group, &["facilities", "types", "fallback"]);
        let fallback = reader.text(group.table.get("fallback"), "fallback");
        let members = read_selection(reader, group);
        groups.insert(name.get_ref().to_string(), Group { members, fallback });
    }
    for (name, value) in section.table {
        let Some(fallback) = value.get_ref().as_table().and_then(|table| table.get("fallback")) else { continue };
        if let Some(problem) = wrong_fallback(&groups, name.get_ref()) {
            reader.mistake(fallback.span().start, problem);
        }
    }
    groups
}

/// What is wrong with a group's chain of fallbacks.
fn wrong_fallback(groups: &BTreeMap<String, Group>, name: &str) -> Option<String> {
    let mut chain = vec![name];
    loop {
        let last = chain[chain.len() - 1];
        let next = groups.get(last)?.fallback.as_deref()?;
        if next == name {
            return Some(format!("the fallbacks go in a circle: {} -> {next}", chain.join(" -> ")));
        }
        if !groups.contains_key(next) {
            // Told once, where it stands.
            return (last == name).then(|| format!("there is no group `{next}`"));
        }
        // A circle further on is told by the groups that are in it.
        if chain.contains(&next) {
            return None;
        }
        chain.push(next);
    }
}

fn read_channels<'t>(reader: &mut Reader<'t>, top: Section<'_, 't>, groups: &BTreeMap<String, Group>) -> BTreeMap<String, String> {
    let mut channels = BTreeMap::new();
    let Some(section) = reader.section(top.table.get("channels"), "channels") else { return channels };
    for (channel, value) in section.table {
        let Some(group) = reader.text(Some(value), channel.get_ref()) else { continue };
        if !groups.contains_key(&group) {
            reader.mistake(value.span().start, format!("there is no group `{group}`"));
        }
        channels.insert(channel.get_ref().to_string(), group);
    }
    channels
}

fn read_card<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>) -> Option<RateCard> {
    reader.only(section, &["version", "express_percent", "zones"]);
    let version = reader.required(section, "version");
    let version = reader.text(version, "version");
    let express_percent = required_number(reader, section, "express_percent", 1..=10_000);
    let zones = reader.sections(section.table.get("zones"), "rate_card.zones");
    let zones: Vec<Option<Zone>> = zones.into_iter().map(|zone| read_zone(reader, zone)).collect();
    let zones = zones.into_iter().collect::<Option<Vec<Zone>>>()?;
    for same_country in [true, false] {
        if !zones.iter().any(|zone| zone.same_country == same_country && zone.max_km.is_none()) {
            let message = format!("no zone with same_country = {same_country} is without max_km: far places would have no rate");
            reader.mistake(section.start, message);
        }
    }
    Some(RateCard { version: version?, express_percent: express_percent?, zones })
}

fn read_zone<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>) -> Option<Zone> {
    reader.only(section, &["same_country", "max_km", "package_minor", "minor_per_kg", "standard_days", "express_days"]);
    let same_country = reader.required(section, "same_country");
    let same_country = reader.flag(same_country, "same_country");
    let max_km = reader.number(section.table.get("max_km"), "max_km", AMOUNTS);
    let [package_minor, minor_per_kg] = ["package_minor", "minor_per_kg"].map(|key| required_number(reader, section, key, AMOUNTS));
    let [standard_days, express_days] = ["standard_days", "express_days"].map(|key| required_number(reader, section, key, DAYS));
    Some(Zone {
        same_country: same_country?,
        max_km,
        package_minor: package_minor?,
        minor_per_kg: minor_per_kg?,
        standard_days: standard_days?,
        express_days: express_days?,
    })
}
