//! Products, their popularity, and the stock that a shop of average trade would hold of them.

use jiff::Timestamp;

use super::{
    draw::{Draw, interpolate, running},
    places::{SITES, WAREHOUSES},
};
use crate::demo::data::Delivery;

/// As many as the recorded shop sold.
const PRODUCTS: usize = 3_642;
/// How often the product of a rank is bought, as read off the recorded orders: (ln rank, ln lines), ranks from 1.
const POPULARITY: [(f64, f64); 9] = [
    (0.0, 7.507),
    (2.398, 6.897),
    (3.932, 6.533),
    (4.615, 6.194),
    (5.303, 5.861),
    (5.994, 5.468),
    (6.686, 4.913),
    (7.379, 4.111),
    (8.201, 0.0),
];
/// Unit prices, in pence.
const PRICES: [(f64, f64); 9] =
    [(0.0, 19.0), (0.05, 42.0), (0.25, 125.0), (0.5, 210.0), (0.75, 413.0), (0.9, 795.0), (0.95, 995.0), (0.99, 1_663.0), (1.0, 4_250.0)];
const STYLES: [&str; 12] =
    ["WHITE", "RED RETROSPOT", "VINTAGE", "PINK POLKADOT", "WOODEN", "SILVER", "GLASS", "PAPER", "SKULL", "ROSE", "SET OF 6", "JUMBO"];
const THINGS: [&str; 12] = [
    "T-LIGHT HOLDER",
    "LUNCH BAG",
    "CAKE STAND",
    "BUNTING",
    "PHOTO FRAME",
    "DOORMAT",
    "TEA TOWEL",
    "STORAGE JAR",
    "HOT WATER BOTTLE",
    "ALARM CLOCK",
    "GIFT TAG",
    "BACKPACK",
];
/// Opening stock, in weeks of the average demand.
const OPENING_WEEKS: f64 = 16.0;

/// What is sold, most popular first.
pub(super) struct Catalogue {
    pub products: Vec<Product>,
    /// Running sums, for drawing a product as popular as its rank.
    pub popularity: Vec<f64>,
}

pub(super) struct Product {
    pub sku: String,
    pub price_minor: i64,
    pub weight_g: u32,
    /// Where it is kept, and which part of its demand each place is stocked for.
    homes: Vec<(usize, f64)>,
}

impl Catalogue {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        let weight = |rank: usize| interpolate(&POPULARITY, ((rank + 1) as f64).ln()).exp();
        let popularity = running((0..PRODUCTS).map(weight));
        let product = |rank: usize| Product {
            // Ranks and SKUs have nothing to do with each other; 1,223 and 3,642 have no divisor in common.
            sku: format!("{}", 20_000 + rank * 1_223 % PRODUCTS),
            price_minor: draw.quantile(&PRICES).round() as i64,
            weight_g: 40 + draw.below(960) as u32,
            homes: homes(rank, draw),
        };
        Self { products: (0..PRODUCTS).map(product).collect(), popularity }
    }

    pub(super) fn products_csv(&self) -> String {
        let header = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n".to_owned();
        let row = |(rank, product): (usize, &Product)| {
            let Product { sku, price_minor, weight_g, .. } = product;
            let (style, thing) = (STYLES[rank % STYLES.len()], THINGS[rank / STYLES.len() % THINGS.len()]);
            let [length, width, height] = [(40, 360), (40, 260), (10, 190)].map(|(least, range)| least + rank * 37 % range);
            format!("{sku},{style} {thing} {sku},{price_minor},GBP,{weight_g},{length},{width},{height}\n")
        };
        std::iter::once(header).chain(self.products.iter().enumerate().map(row)).collect()
    }

    /// Units of each product that are sold in a week, when so many units are sold of all.
    fn weekly(&self, units: f64) -> impl Iterator<Item = (&Product, f64)> {
        let all = self.popularity.last().copied().unwrap_or(1.0);
        let before = std::iter::once(&0.0).chain(&self.popularity);
        let share = self.popularity.iter().zip(before).map(move |(upto, before)| (upto - before) / all);
        self.products.iter().zip(share.map(move |share| share * units))
    }

    pub(super) fn stock_csv(&self, units_a_week: f64) -> String {
        let rows = self.weekly(units_a_week).flat_map(|(product, weekly)| {
            product.homes.iter().map(move |(site, share)| {
                let on_hand = (OPENING_WEEKS * weekly * share).round().max(2.0);
                let safety_stock = (0.1 * weekly * share).round();
                format!("{},{},{on_hand},{safety_stock}\n", SITES[*site].facility_id, product.sku)
            })
        });
        std::iter::once("facility_id,sku,on_hand,safety_stock\n".to_owned()).chain(rows).collect()
    }

    /// What comes in on one day: a week's demand, more or less.
    pub(super) fn delivery(&self, received_at: Timestamp, units_a_week: f64, draw: &mut Draw) -> Delivery {
        let mut delivery = Delivery::new(received_at);
        for (product, weekly) in self.weekly(units_a_week) {
            for (site, share) in &product.homes {
                let quantity = (weekly * share * (0.5 + draw.unit())).round() as u32;
                if quantity > 0 {
                    delivery.add(SITES[*site].facility_id, &product.sku, quantity);
                }
            }
        }
        delivery
    }
}

/// Four warehouses keep what sells best and two what sells well; six stores have a fifth of the best sellers.
fn homes(rank: usize, draw: &mut Draw) -> Vec<(usize, f64)> {
    let warehouses = match rank {
        0..800 => 4,
        800..2_200 => 2,
        _ => 1,
    };
    let (in_warehouses, stores) = if rank < 600 { (0.8, 6) } else { (1.0, 0) };
    let mut homes: Vec<_> = some(0..WAREHOUSES, warehouses, draw).map(|site| (site, in_warehouses / warehouses as f64)).collect();
    homes.extend(some(WAREHOUSES..SITES.len(), stores, draw).map(|site| (site, 0.2 / stores as f64)));
    homes
}

/// So many different ones of the range.
fn some(range: std::ops::Range<usize>, count: usize, draw: &mut Draw) -> impl Iterator<Item = usize> {
    let mut left: Vec<usize> = range.collect();
    (0..count).map(|_| left.swap_remove(draw.below(left.len()))).collect::<Vec<_>>().into_iter()
}
