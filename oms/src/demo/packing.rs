//! What goes into which parcel: no carrier takes over 30 kg.

use std::collections::BTreeMap;

use oms_api::fulfillment::FulfillmentOrderView;
use oms_domain::ids::Sku;
use serde_json::{Value, json};

/// Heaviest parcel, with its packaging still under the carrier's 30 kg.
const PARCEL_MAX_G: u64 = 28_000;
/// What is heavier goes on a pallet, with a haulier who needs no label.
const PALLET_FROM_G: u64 = 300_000;
const HAULIER: &str = "PALLETLINE";

fn weight_g(found: &FulfillmentOrderView, weights_g: &BTreeMap<Sku, u32>) -> u64 {
    found.lines.iter().map(|line| unit_g(&line.sku, weights_g) * u64::from(line.quantity)).sum()
}

/// A product of unknown weight is taken for half a kilogram.
fn unit_g(sku: &str, weights_g: &BTreeMap<Sku, u32>) -> u64 {
    let known = Sku::parse(sku).ok().and_then(|sku| weights_g.get(&sku).copied());
    u64::from(known.unwrap_or(500)).max(1)
}

/// The body of `pack`: parcels as full as they may be, or one pallet.
pub fn pack(found: &FulfillmentOrderView, weights_g: &BTreeMap<Sku, u32>) -> Value {
    let all_g = weight_g(found, weights_g);
    if all_g >= PALLET_FROM_G {
        let lines: Vec<Value> = found.lines.iter().map(|line| json!({"line_id": line.line_id, "quantity": line.quantity})).collect();
        return json!({"parcels": [{"lines": lines, "weight_g": all_g.min(10_000_000)}]});
    }
    let mut parcels: Vec<(Vec<Value>, u64)> = vec![(Vec::new(), 0)];
    for line in &found.lines {
        let (unit_g, mut left) = (unit_g(&line.sku, weights_g), u64::from(line.quantity));
        while left > 0 {
            let room_g = parcels.last().map_or(0, |(_, filled_g)| PARCEL_MAX_G.saturating_sub(*filled_g));
            let fitting = (room_g / unit_g).min(left);
            match parcels.last_mut() {
                Some((lines, filled_g)) if fitting > 0 => {
                    lines.push(json!({"line_id": line.line_id, "quantity": fitting}));
                    *filled_g += fitting * unit_g;
                    left -= fitting;
                }
                // A unit heavier than any parcel goes alone: the carrier will say what it thinks of it.
                Some((lines, filled_g)) if lines.is_empty() => {
                    lines.push(json!({"line_id": line.line_id, "quantity": 1}));
                    *filled_g += unit_g;
                    left -= 1;
                }
                Some(_) | None => parcels.push((Vec::new(), 0)),
            }
        }
    }
    let parcels: Vec<Value> = parcels.into_iter().map(|(lines, weight_g)| json!({"lines": lines, "weight_g": weight_g})).collect();
    json!({"parcels": parcels})
}

/// The body of `ship`: the carrier is asked for labels, or the haulier gives its number.
pub fn ship(found: &FulfillmentOrderView) -> Value {
    match found.parcels.iter().any(|parcel| parcel.weight_g.is_some_and(|grams| u64::from(grams) >= PALLET_FROM_G)) {
        true => json!({"carrier": HAULIER, "tracking_number": format!("PL-{}", found.fulfillment_order_id)}),
        false => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[(&str, u32)]) -> FulfillmentOrderView {
        let lines: Vec<Value> = (1..)
            .zip(lines)
            .map(|(n, (sku, quantity)): (i32, _)| json!({"line_id": n.to_string(), "sku": sku, "title": null, "quantity": quantity}))
            .collect();
        let found = json!({"fulfillment_order_id": "O-F1", "order_id": "O", "facility_id": "F", "status": "picking", "delivery_method": "standard",
            "ship_to": null, "ship_by": null, "rejections": [], "lines": lines, "parcels": [], "legal_actions": []});
        serde_json::from_value(found).unwrap()
    }

    fn units(body: &Value) -> u64 {
        let parcels = body["parcels"].as_array().unwrap();
        parcels.iter().flat_map(|parcel| parcel["lines"].as_array().unwrap()).map(|line| line["quantity"].as_u64().unwrap()).sum()
    }

    #[test]
    fn every_unit_is_packed_and_no_parcel_is_too_heavy() {
        let weights_g = BTreeMap::from([("LIGHT".parse().unwrap(), 40), ("HEAVY".parse().unwrap(), 900)]);
        let body = pack(&found(&[("LIGHT", 3), ("HEAVY", 100), ("LIGHT", 500)]), &weights_g);
        assert_eq!(units(&body), 603);
        let parcels = body["parcels"].as_array().unwrap();
        assert!(parcels.iter().all(|parcel| parcel["weight_g"].as_u64().unwrap() <= PARCEL_MAX_G), "{body}");
        assert_eq!(parcels.len(), 4, "110 kg fit into four parcels: {body}");
    }

    #[test]
    fn what_is_very_heavy_goes_on_one_pallet() {
        let weights_g = BTreeMap::from([("HEAVY".parse().unwrap(), 900)]);
        let body = pack(&found(&[("HEAVY", 1_000)]), &weights_g);
        assert_eq!((units(&body), body["parcels"].as_array().unwrap().len()), (1_000, 1));
    }

    #[test]
    fn a_unit_that_is_too_heavy_for_any_parcel_goes_alone() {
        let weights_g = BTreeMap::from([("ANVIL".parse().unwrap(), 40_000)]);
        let body = pack(&found(&[("ANVIL", 2)]), &weights_g);
        assert_eq!((units(&body), body["parcels"].as_array().unwrap().len()), (2, 2));
    }
}
