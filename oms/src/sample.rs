//! A small catalogue and an order for it, so that a first order can be placed within a minute.

use jiff::Timestamp;
use serde_json::{Value, json};

/// Three facilities, five products and their stock, as feeds: kind and CSV, in the order in which they refer to each other.
#[cfg(any(feature = "dev", test))]
pub const CATALOGUE: [(&str, &str); 3] = [
    ("facilities", include_str!("../samples/facilities.csv")),
    ("products", include_str!("../samples/products.csv")),
    ("stock", include_str!("../samples/stock.csv")),
];

/// An order of one line, placed now. The customer and the address are made up.
pub fn order(id: Option<String>, quantity: u32) -> Value {
    let placed_at = Timestamp::now();
    json!({
        "order_id": id.unwrap_or_else(|| format!("S-{}", placed_at.as_millisecond())),
        "channel": "web",
        "placed_at": placed_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "currency": "GBP",
        "customer": {"customer_id": "C-1", "name": "Sam Sample", "email": "sam@example.com"},
        "ship_to": {"name": "Sam Sample", "line1": "94 High Street", "city": "Leeds", "country": "GB", "latitude": 53.79648, "longitude": -1.54785},
        "shipping": {"method": "standard", "price_minor": 299},
        "payment": {"method": "card", "token": "tok_sample"},
        "lines": [{"line_id": "1", "sku": "85123A", "quantity": quantity, "unit_price_minor": 255}],
    })
}

#[cfg(test)]
mod tests {
    use oms_api::{facility::FacilityBody, feed::Rows, product::ProductBody, stock::StockRow};

    use super::*;

    #[test]
    fn the_sample_is_what_the_api_takes_and_fits_together() {
        let [(_, facilities), (_, products), (_, stock)] = CATALOGUE;
        let facilities: Vec<_> =
            Rows::<FacilityBody>::open(facilities.as_bytes()).unwrap().map(|row| row.unwrap().content.unwrap()).collect();
        let products: Vec<_> = Rows::<ProductBody>::open(products.as_bytes()).unwrap().map(|row| row.unwrap().content.unwrap()).collect();
        for row in Rows::<StockRow>::open(stock.as_bytes()).unwrap() {
            let row = row.unwrap().content.unwrap();
            assert!(facilities.iter().any(|facility| facility.facility_id == row.facility_id));
            assert!(products.iter().any(|product| product.sku == row.sku));
        }
        let order = oms_api::order::parse_order(order(None, 2).to_string().as_bytes()).unwrap();
        assert!(products.iter().any(|product| product.sku == order.lines[0].sku));
    }
}
