//! The largest order: 2,000 lines over 24 facilities, from entry to delivered. The limits of DynamoDB (400 kB an item) and Temporal
//! (512 kB a payload, 2 kB a search attribute) are design limits here, not surprises.

use anyhow::{Context, Result, ensure};
use oms_api::{feed::FeedView, order::OrderView};
use oms_domain::{ids::OrderId, order::Order, policy::Policy};
use oms_workflows::{
    contracts::{RecordInput, RecordedEvent},
    names::{FACILITY_IDS_MAX, order_workflow_id},
    order::OrderWorkflow,
};
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, http::dynamodb, in_own_shop};

const LINES: usize = 2_000;
const FACILITIES: usize = 24;
const ITEM_MAX_BYTES: usize = 400_000;
const PAYLOAD_MAX_BYTES: usize = 512 * 1024;
const ATTRIBUTE_MAX_BYTES: usize = 2_048;

async fn import(shop: &Shop, feed: &str, csv: String) -> Result<()> {
    let request = shop.request(Method::POST, &format!("/v1/feeds/{feed}")).header("content-type", "text/csv").body(csv);
    let run: FeedView = Answer::to(request).await?.view(200)?;
    ensure!(run.rejected == 0 && run.status == "finished", "{run:?}");
    Ok(())
}

/// Every line's product is at one facility alone, and dear enough to be sent from there.
async fn seed(shop: &Shop) -> Result<Basket> {
    let mut facilities = "facility_id,name,type,country,city,latitude,longitude,timezone,cutoff_local_time,working_days\n".to_owned();
    for n in 0..FACILITIES {
        let (latitude, longitude) = (50.5 + 0.2 * n as f64, -3.0 + 0.1 * n as f64);
        facilities.push_str(&format!(
            "A-FACILITY-WITH-A-LONG-NAME-{n:02},F{n},warehouse,GB,T,{latitude},{longitude},Europe/London,17:00,Mon-Sun\n"
        ));
    }
    let mut products = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n".to_owned();
    let mut stock = "facility_id,sku,on_hand\n".to_owned();
    let mut basket = Basket::empty();
    for n in 0..LINES {
        products.push_str(&format!("L-{n:04},Thing number {n},4999,GBP,50,100,80,60\n"));
        stock.push_str(&format!("A-FACILITY-WITH-A-LONG-NAME-{:02},L-{n:04},9\n", n % FACILITIES));
        basket = basket.and(&format!("L-{n:04}").parse()?, 1 + (n % 3) as u32, 4_999);
    }
    for (feed, csv) in [("facilities", facilities), ("products", products), ("stock", stock)] {
        import(shop, feed, csv).await?;
    }
    Ok(basket)
}

#[test]
fn the_largest_order_works_whole_and_stays_within_every_limit() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let basket = seed(shop).await?;
        let order = shop.place_released(&basket).await?;
        assert_eq!(order.fulfillment_orders.len(), FACILITIES);
        records_stay_small(shop, &basket.id()).await?;
        for part in &order.fulfillment_orders {
            shop.insist(&part.fulfillment_order_id, "ship").await?;
        }
        for part in &order.fulfillment_orders {
            shop.insist(&part.fulfillment_order_id, "deliver").await?;
        }
        let order: OrderView = shop.until_status(&basket.id(), "completed").await?;
        assert_eq!(order.totals.captured_minor, order.totals.total_minor);
        assert!(order.lines.iter().all(|line| line.units.delivered == line.units.ordered));
        items_stay_small(shop, &basket.id()).await?;
        history_stays_small(shop, &basket.id()).await
    })
}

/// What a record would be as a payload, should PostgreSQL be slow: the first one has the most in it.
async fn records_stay_small(shop: &Shop, id: &OrderId) -> Result<()> {
    let order: Order = shop.document(id).await?.context("the document")?;
    let events = shop.system.store.events(id, 0, 100).await?;
    let events = events.into_iter().map(|e| RecordedEvent { seq: e.seq, at: e.at, kind: e.kind, data: e.data, by: e.by }).collect();
    let (at, beginning) = (order.status_since, Some(Box::new(order.core.clone())));
    let record = serde_json::to_vec(&RecordInput { events, stock_facts: Vec::new(), base: 0, since: 0, beginning, at, order })?;
    println!("a record: {} bytes", record.len());
    ensure!(record.len() < PAYLOAD_MAX_BYTES, "a record has {} bytes", record.len());
    Ok(())
}

/// Every item of the order, as DynamoDB counts its bytes: names and values.
async fn items_stay_small(shop: &Shop, id: &OrderId) -> Result<()> {
    let addresses = &shop.system.addresses;
    let query = json!({"TableName": addresses.table, "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": format!("ORDER#{id}")}}});
    let (mut start, mut items, mut largest) = (Value::Null, 0, 0);
    loop {
        let mut page = query.clone();
        if !start.is_null() {
            page["ExclusiveStartKey"] = start;
        }
        let answer = dynamodb(addresses, "Query", &page).await?;
        for item in answer["Items"].as_array().into_iter().flatten() {
            largest = largest.max(item_bytes(item));
            items += 1;
        }
        start = answer["LastEvaluatedKey"].clone();
        if start.is_null() {
            break;
        }
    }
    println!("{items} items, the largest {largest} bytes");
    ensure!(items == 2 && largest < ITEM_MAX_BYTES, "{items} items, the largest {largest} bytes");
    Ok(())
}

fn item_bytes(item: &Value) -> usize {
    let value_bytes = |value: &Value| match (value["B"].as_str(), value["S"].as_str().or_else(|| value["N"].as_str())) {
        // Base 64 takes four characters for three bytes.
        (Some(binary), _) => binary.len() / 4 * 3,
        (None, Some(text)) => text.len(),
        (None, None) => value.to_string().len(),
    };
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

async fn history_stays_small(shop: &Shop, id: &OrderId) -> Result<()> {
    let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(id));
    let events = handle.fetch_history(Default::default()).into_events().await?;
    let largest = events.iter().max_by_key(|event| event.encoded_len()).context("an event")?;
    println!("{} events, the largest {} bytes: {}", events.len(), largest.encoded_len(), largest.event_type().as_str_name());
    ensure!(largest.encoded_len() < PAYLOAD_MAX_BYTES, "an event has {} bytes", largest.encoded_len());
    let described = handle.describe(Default::default()).await?;
    let info = described.raw_description.workflow_execution_info.context("the run")?;
    let attributes = info.search_attributes.context("search attributes")?.indexed_fields;
    for (name, payload) in &attributes {
        ensure!(payload.data.len() < ATTRIBUTE_MAX_BYTES, "{name} has {} bytes", payload.data.len());
    }
    let facilities: Vec<String> = serde_json::from_slice(&attributes.get("FacilityIds").context("FacilityIds")?.data)?;
    assert_eq!(facilities.len(), FACILITY_IDS_MAX);
    Ok(())
}
