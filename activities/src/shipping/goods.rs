//! What is in a parcel: how heavy and large that is, and what customs are told of it.

use std::collections::BTreeMap;

use oms_domain::{
    money::Money,
    order::Lines,
    placed::{PlacedLine, PlacedOrder},
};
use oms_store::Product;
use temporalio_sdk::activities::ActivityError;

use super::ShippingActivities;
use crate::{
    failure::store_failure,
    ports::{Content, Piece},
};

/// Properties of a line that customs ask for.
const HS_CODE: &str = "hs_code";
const ORIGIN_COUNTRY: &str = "origin_country";

impl ShippingActivities {
    /// The parcel and its contents; `weight_g` is what a scale said, if somebody has put it on one.
    pub(super) async fn goods(
        &self,
        order: &PlacedOrder,
        lines: &Lines,
        weight_g: Option<u32>,
    ) -> Result<(Piece, Vec<Content>), ActivityError> {
        let within: Vec<(&PlacedLine, u32)> = order.lines.iter().filter_map(|line| Some((line, *lines.get(&line.line_id)?))).collect();
        let wanted: Vec<_> = within.iter().map(|(line, _)| line.sku.clone()).collect();
        let products = self.store.catalog().products(&wanted).await.map_err(|error| store_failure(&error))?;
        let products: BTreeMap<_, _> = products.iter().map(|product| (&product.sku, product)).collect();
        let units: Vec<_> = within.iter().map(|(line, units)| (*line, *units, products.get(&line.sku).copied())).collect();
        let contents = units.iter().map(|(line, units, product)| content(order, line, *units, *product)).collect();
        Ok((piece(&units, weight_g), contents))
    }
}

/// A carrier takes at least a gram.
fn piece(units: &[(&PlacedLine, u32, Option<&Product>)], weight_g: Option<u32>) -> Piece {
    let grams = units.iter().map(|(_, units, product)| u64::from(*units) * product.map_or(0, |product| u64::from(product.weight_g)));
    let weight_g = weight_g.unwrap_or_else(|| u32::try_from(grams.sum::<u64>().max(1)).unwrap_or(u32::MAX));
    Piece { weight_g, size_mm: size_mm(units) }
}

/// One on top of the other, flat sides down: a box that holds them, if not the smallest. None where a product's size is not known.
fn size_mm(units: &[(&PlacedLine, u32, Option<&Product>)]) -> Option<[u32; 3]> {
    let mut held = [0_u64; 3];
    for (_, units, product) in units {
        let product = product.filter(|product| product.length_mm > 0 && product.width_mm > 0 && product.height_mm > 0)?;
        let mut sides = [product.length_mm, product.width_mm, product.height_mm].map(u64::from);
        sides.sort_unstable_by(|one, other| other.cmp(one));
        held = [held[0].max(sides[0]), held[1].max(sides[1]), held[2] + sides[2] * u64::from(*units)];
    }
    held.sort_unstable_by(|one, other| other.cmp(one));
    let sides = held.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    (sides[2] > 0).then_some(sides)
}

fn content(order: &PlacedOrder, line: &PlacedLine, quantity: u32, product: Option<&Product>) -> Content {
    let (carried, property) = (&line.carried, |name: &str| line.carried.properties.get(name).cloned());
    let title = carried.title.clone().or_else(|| product.map(|product| product.title.clone()));
    Content {
        sku: line.sku.to_string(),
        description: title.unwrap_or_else(|| line.sku.to_string()),
        quantity,
        unit_weight_g: product.map_or(0, |product| product.weight_g),
        unit_value: Money::new(line.unit_price_minor, order.currency),
        hs_code: property(HS_CODE),
        origin_country: property(ORIGIN_COUNTRY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(length_mm: u32, width_mm: u32, height_mm: u32) -> Product {
        Product {
            sku: "A".parse().unwrap(),
            title: "A".to_owned(),
            price_minor: 1,
            currency: "GBP".parse().unwrap(),
            weight_g: 300,
            length_mm,
            width_mm,
            height_mm,
        }
    }

    fn line() -> PlacedLine {
        PlacedLine {
            line_id: "1".parse().unwrap(),
            sku: "A".parse().unwrap(),
            quantity: 9,
            unit_price_minor: 255,
            tax_minor: 0,
            discount_minor: 0,
            delivery_group: 0,
            fulfill_at: None,
            substitutes: Vec::new(),
            unfilled_penalty_minor: None,
            carried: Default::default(),
        }
    }

    #[test]
    fn a_parcel_is_as_large_as_its_units_stacked_and_as_heavy_unless_a_scale_said_otherwise() {
        let (line, flat, long) = (line(), product(20, 200, 300), product(400, 50, 50));
        let units = [(&line, 3, Some(&flat)), (&line, 1, Some(&long))];
        assert_eq!(piece(&units, None), Piece { weight_g: 1_200, size_mm: Some([400, 200, 110]) });
        assert_eq!(piece(&units, Some(950)).weight_g, 950);
        let unknown = [(&line, 3, Some(&flat)), (&line, 1, None)];
        assert_eq!(piece(&unknown, None), Piece { weight_g: 900, size_mm: None });
        assert_eq!(piece(&[(&line, 1, Some(&product(0, 0, 0)))], None).size_mm, None);
        assert_eq!(piece(&[], None), Piece { weight_g: 1, size_mm: None });
    }
}
