//! What carriers report: late, twice, out of order, and of parcels nobody has heard of yet.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use oms_api::carrier::CarrierEventsView;
use oms_domain::ids::OrderId;
use serde_json::{Value, json};

use crate::support::{Basket, Shop, basket::unique, in_shop, replay, system::LEEDS};

/// A scan, so many hours from now.
fn scan(event_id: &str, number: &str, status: &str, hours: i64) -> Value {
    let occurred_at = Timestamp::now() + SignedDuration::from_hours(hours);
    json!({"event_id": event_id, "carrier": "van", "tracking_number": number, "status": status, "occurred_at": occurred_at.to_string()})
}

/// What became of each event.
async fn report(shop: &Shop, events: &[Value]) -> Result<Vec<String>> {
    let view: CarrierEventsView = shop.post("/v1/carrier-events", &json!({"events": events})).await?.view(202)?;
    Ok(view.results.into_iter().map(|result| result.result).collect())
}

/// An order that has shipped under this number.
async fn shipped(shop: &Shop, number: &str) -> Result<OrderId> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
    let body = json!({"carrier": "van", "tracking_number": number});
    shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "ship", body).await?;
    Ok(order.heading.order_id.parse()?)
}

async fn until_parcel(shop: &Shop, id: &OrderId, status: &str) -> Result<()> {
    let is = |order: &oms_api::order::OrderView| order.fulfillment_orders[0].parcels[0].status == status;
    shop.until(id, &format!("have its parcel {status}"), is).await.map(drop)
}

#[test]
fn scans_take_a_parcel_to_its_customer() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        let id = shipped(shop, number).await?;
        for (n, (status, shown)) in [
            ("handed_over", "handed_over"),
            ("in_transit", "in_transit"),
            ("out_for_delivery", "out_for_delivery"),
            ("attempted", "attempted"),
        ]
        .iter()
        .enumerate()
        {
            assert_eq!(report(shop, &[scan(&format!("e{n}"), number, status, n as i64)]).await?, ["accepted"]);
            until_parcel(shop, &id, shown).await?;
        }
        report(shop, &[scan("e9", number, "delivered", 9)]).await?;
        shop.until_status(&id, "completed").await?;
        replay::keep(&shop.system, &id, "scans").await
    })
}

#[test]
fn scans_that_come_twice_or_out_of_order_change_nothing() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        let id = shipped(shop, number).await?;
        let (transit, handed, out) =
            (scan("t", number, "in_transit", 2), scan("h", number, "handed_over", 1), scan("o", number, "out_for_delivery", 3));
        assert_eq!(report(shop, &[transit.clone(), transit.clone()]).await?, ["accepted", "duplicate"]);
        until_parcel(shop, &id, "in_transit").await?;
        assert_eq!(report(shop, &[transit, handed]).await?, ["duplicate", "accepted"]);
        assert_eq!(report(shop, &[out]).await?, ["accepted"]);
        until_parcel(shop, &id, "out_for_delivery").await?;
        let moves = shop.timeline(&id).await?.iter().filter(|kind| *kind == "parcel_moved").count();
        assert_eq!(moves, 2, "the late hand-over is kept and counts for nothing");
        Ok(())
    })
}

#[test]
fn a_batch_in_any_order_is_taken_in_the_carriers() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        let id = shipped(shop, number).await?;
        let batch = [scan("d", number, "delivered", 4), scan("t", number, "in_transit", 2), scan("h", number, "handed_over", 1)];
        assert_eq!(report(shop, &batch).await?, ["accepted"; 3]);
        shop.until_status(&id, "completed").await?;
        let moves = shop.timeline(&id).await?.iter().filter(|kind| *kind == "parcel_moved").count();
        assert_eq!(moves, 3);
        Ok(())
    })
}

#[test]
fn a_scan_of_an_unknown_parcel_waits_for_it() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        assert_eq!(report(shop, &[scan("d", number, "delivered", 1)]).await?, ["parked"]);
        let id = shipped(shop, number).await?;
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn a_scan_after_the_end_is_kept_and_changes_nothing() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        let id = shipped(shop, number).await?;
        report(shop, &[scan("d", number, "delivered", 1)]).await?;
        let version = shop.until_status(&id, "completed").await?.version;
        assert_eq!(report(shop, &[scan("x", number, "exception", 2)]).await?, ["accepted"]);
        assert_eq!(shop.order(&id).await?.version, version);
        Ok(())
    })
}

#[test]
fn a_lost_parcel_needs_a_person() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        let id = shipped(shop, number).await?;
        report(shop, &[scan("h", number, "handed_over", 1), scan("l", number, "lost", 2)]).await?;
        let order = shop.until(&id, "need attention", |order| order.needs_attention).await?;
        assert_eq!(order.lines[0].units.lost, 2);
        Ok(())
    })
}

#[test]
fn a_scan_ahead_of_its_time_keeps_no_later_word_from_counting() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        let id = shipped(shop, number).await?;
        report(shop, &[scan("ahead", number, "in_transit", 9)]).await?;
        until_parcel(shop, &id, "in_transit").await?;
        report(shop, &[scan("now", number, "delivered", 0)]).await?;
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn a_label_that_no_carrier_has_collected_is_neither_lost_nor_sent_back_by_a_word() -> Result<()> {
    in_shop(async |shop| {
        for word in ["lost", "returned_to_sender"] {
            let number = &unique("V");
            let id = shipped(shop, number).await?;
            report(shop, &[scan("word", number, word, 0)]).await?;
            let order = shop.until(&id, "need attention", |order| order.needs_attention).await?;
            let parcel = &order.fulfillment_orders[0].parcels[0];
            assert_eq!((parcel.status.as_str(), order.totals.refunded_minor), ("labelled", 0), "{word}");
            let path = format!("/v1/parcels/{}/resolve", parcel.parcel_id);
            shop.post(&path, &json!({"resolution": "replace"})).await?.problem(409, "illegal_transition")?;
        }
        Ok(())
    })
}

#[test]
fn a_scan_of_a_label_that_is_void_here_is_looked_into() -> Result<()> {
    in_shop(async |shop| {
        let number = &unique("V");
        let id = shipped(shop, number).await?;
        let part = shop.order(&id).await?.fulfillment_orders[0].fulfillment_order_id.clone();
        shop.acts(&part, "unship", json!({})).await?;
        assert_eq!(report(shop, &[scan("t", number, "in_transit", 0)]).await?, ["accepted"]);
        let order = shop.until(&id, "need attention", |order| order.needs_attention).await?;
        assert_eq!(order.attention[0].subject, format!("{part}-P1"));
        Ok(())
    })
}

#[test]
fn a_delivery_is_one_whatever_the_carriers_clock_and_words() -> Result<()> {
    in_shop(async |shop| {
        for (status, occurred_at) in
            [("Delivered", "0001-01-01T00:00:00Z"), ("DELIVERED", "2010-12-02 10:00"), ("delivered", "9999-12-31T23:59:59Z")]
        {
            let number = &unique("V");
            let id = shipped(shop, number).await?;
            let body = json!({"event_id": unique("E"), "carrier": "Van", "tracking_number": number, "status": status,
                "occurred_at": occurred_at, "signed_by": "a neighbour"});
            let view: CarrierEventsView = shop.post("/v1/carrier-events", &json!({"events": [body]})).await?.view(202)?;
            assert_eq!(view.results[0].result, "accepted", "{view:?}");
            assert!(view.results[0].detail.as_ref().is_some_and(|why| why.contains("as of its arrival")), "{view:?}");
            shop.until_status(&id, "completed").await?;
        }
        Ok(())
    })
}

#[test]
fn a_carriers_name_is_written_as_people_write_it() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let number = &unique("R");
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let body = json!({"carrier": "Royal Mail", "tracking_number": number});
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "ship", body).await?;
        let mut told = scan(&unique("E"), number, "delivered", 0);
        told["carrier"] = json!("royal-mail");
        assert_eq!(report(shop, &[told]).await?, ["accepted"]);
        shop.until_status(&order.heading.order_id.parse()?, "completed").await.map(drop)
    })
}
