//! A data set of our own, for those who have none: the same statistics as the recorded orders (basket sizes, popularity, quantities,
//! prices, arrivals over the day and the week, customers by country), drawn from a seed.

mod catalogue;
mod draw;
mod orders;
mod places;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};

use self::{catalogue::Catalogue, draw::Draw};
use super::data::Data;

/// Wednesday, as the recorded orders begin.
const OPENING: &str = "2010-12-01T00:00:00Z";
/// The weeks before Christmas, against what the shop is stocked for.
const ORDERS_A_DAY: f64 = 95.0;
const ORDERS_A_DAY_ON_AVERAGE: f64 = 47.0;
/// One customer for so many orders, but never fewer than this.
const ORDERS_PER_CUSTOMER: usize = 3;
const CUSTOMERS_MIN: usize = 50;
/// Goods come every week, first on the third day.
const FIRST_DELIVERY: SignedDuration = SignedDuration::from_hours(2 * 24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Draws so many orders, and everything that goes with them; receipts up to `tail` after the last order.
///
/// # Errors
/// When an order is drawn that the API would not take, which is a mistake here.
pub fn generate(count: usize, seed: u64, tail: SignedDuration) -> Result<Data> {
    let mut draw = Draw::new(seed);
    let opening: Timestamp = OPENING.parse()?;
    let catalogue = Catalogue::draw(&mut draw);
    let customers = (count / ORDERS_PER_CUSTOMER).max(CUSTOMERS_MIN);
    let arrivals = orders::arrivals(opening, count, ORDERS_A_DAY, &mut draw);
    let drawn = arrivals.iter().enumerate().map(|(n, at)| orders::order(n, *at, customers, &catalogue, &mut draw));
    let orders = drawn.collect::<Result<Vec<_>>>()?;
    let requests = orders.iter().filter_map(|order| orders::request(order, &mut draw)).collect();

    let units_a_week = 7.0 * ORDERS_A_DAY_ON_AVERAGE * mean(&orders::BASKETS) * mean(&orders::QUANTITIES);
    let end = arrivals.last().copied().unwrap_or(opening) + tail;
    let mut receipts = Vec::new();
    let mut received_at = opening + FIRST_DELIVERY;
    while received_at <= end {
        receipts.push(catalogue.delivery(received_at, units_a_week, &mut draw));
        received_at += WEEK;
    }
    Ok(Data {
        source: format!("generated from seed {seed}"),
        facilities: places::facilities_csv().into(),
        products: catalogue.products_csv().into(),
        stock: catalogue.stock_csv(units_a_week).into(),
        weights_g: catalogue.products.iter().map(|p| Ok((p.sku.parse()?, p.weight_g))).collect::<Result<_>>()?,
        orders,
        receipts,
        requests,
    })
}

/// The mean of what quantiles describe.
fn mean(table: &[(f64, f64)]) -> f64 {
    table.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::demo::data::Ask;

    fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
        let mut values: Vec<T> = values.collect();
        values.sort();
        values
    }

    #[test]
    fn the_same_seed_is_the_same_data_and_another_another() {
        let (one, same, other) = (generate(20, 1, WEEK).unwrap(), generate(20, 1, WEEK).unwrap(), generate(20, 2, WEEK).unwrap());
        assert!(one.orders == same.orders && one.stock == same.stock && one.receipts == same.receipts);
        assert_ne!(one.orders, other.orders);
    }

    #[test]
    fn the_statistics_are_those_of_the_recorded_orders() {
        let data = generate(2_000, 7, WEEK).unwrap();
        let sizes = sorted(data.orders.iter().map(|order| order.lines.len()));
        assert!((12..=18).contains(&sizes[1_000]), "median of 15 lines, here {}", sizes[1_000]);
        assert!((65..=90).contains(&sizes[1_900]), "one in twenty has over 75 lines, here {}", sizes[1_900]);
        let quantities = sorted(data.orders.iter().flat_map(|order| &order.lines).map(|line| line.quantity));
        assert_eq!(quantities[quantities.len() / 2], 4, "a median of 4 units");
        let mut sold: BTreeMap<_, u32> = BTreeMap::new();
        data.orders.iter().flat_map(|order| &order.lines).for_each(|line| *sold.entry(&line.sku).or_default() += 1);
        let sold = sorted(sold.into_values());
        let (all, best): (u32, u32) = (sold.iter().sum(), sold.iter().rev().take(400).sum());
        let share = f64::from(best) / f64::from(all);
        assert!((0.43..0.53).contains(&share), "400 products make 0.48 of the lines, here {share}");
        assert!(data.requests.iter().any(|r| r.ask == Ask::Cancel) && data.requests.iter().any(|r| r.ask == Ask::Return));
        let british = data.orders.iter().filter(|order| format!("{:?}", order.delivery_groups).contains("\"GB\"")).count();
        assert!((1_750..=1_900).contains(&british), "nine in ten from Britain, here {british} of 2000");
    }

    #[test]
    fn orders_come_in_order_and_goods_until_after_the_last() {
        let data = generate(300, 3, SignedDuration::from_hours(14 * 24)).unwrap();
        assert!(data.orders.is_sorted_by_key(|order| order.placed_at));
        let last = data.orders.last().unwrap().placed_at;
        assert!(data.receipts.last().unwrap().received_at > last + WEEK);
    }
}
