//! Journeys, as people make them.

use anyhow::{Result, ensure};
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use super::{
    browser::in_browser,
    webdriver::{ENTER, TAB},
};
use crate::support::{
    Basket, in_own_shop, in_shop,
    runtime::until,
    system::{LEEDS, YORK},
};

#[test]
fn an_order_is_packed_by_scanner_alone_and_the_next_one_opens_by_itself() -> Result<()> {
    in_shop(async |shop| {
        let (sku, other) = (shop.stocked(&[(LEEDS, 50)]).await?, shop.stocked(&[(LEEDS, 50)]).await?);
        let codes = json!({"barcodes": [{"code": format!("C-{sku}")}]});
        shop.put(&format!("/v1/products/{sku}/barcodes"), &codes).await?.view::<Value>(200)?;
        let first = shop.place_released(&Basket::of(&sku, 20, 100)).await?;
        let second = shop.place_released(&Basket::of(&other, 1, 100)).await?;
        in_browser(shop, "by-scanner", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page("/console/pack").await?;
            browser.scan(&format!("C-{sku}")).await?;
            let part = &first.fulfillment_orders[0].fulfillment_order_id;
            browser.until_at(&format!("/console/pack/{part}")).await?;
            browser.sound().await?;
            browser.scan(other.as_str()).await?;
            browser.until_says("Wrong item").await?;
            browser.sound().await?;
            browser.keep("bench-wrong").await?;
            // As fast as keys come, while others wait for their answer. Of the same code within 300 ms one counts, so that they take turns.
            for n in 0..20 {
                let code = if n % 2 == 0 { format!("C-{sku}") } else { sku.to_string() };
                browser.scan(&code).await?;
            }
            browser.until_says("All there: packed").await?;
            browser.sound().await?;
            browser.keep("bench-complete").await?;
            shop.until_part(&first.heading.order_id.parse()?, 1, "shipped").await?;
            browser.scan(other.as_str()).await?;
            browser.until_at(&format!("/console/pack/{}", second.fulfillment_orders[0].fulfillment_order_id)).await?;
            browser.scan(other.as_str()).await?;
            browser.until_says("All there: packed").await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn scans_wait_while_the_line_is_down_and_go_out_by_themselves() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 100)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        in_browser(shop, "line-down", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page(&format!("/console/pack/{part}")).await?;
            browser.offline(true).await?;
            for code in [sku.to_string(), sku.as_str().to_lowercase(), sku.to_string()] {
                browser.scan(&code).await?;
            }
            browser.until_says("3 waiting").await?;
            browser.keep("bench-waiting").await?;
            browser.offline(false).await?;
            until("three to be counted", async || {
                let bench: Value = shop.get(&format!("/v1/fulfillment-orders/{part}/bench")).await?.view(200)?;
                Ok((bench["lines"][0]["counted"] == 3).then_some(()))
            })
            .await?;
            browser.until_says("Counted").await?;
            // What failed while the line was down is on the browser's console.
            browser.driver.console().await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn support_finds_an_order_and_cancels_it_by_keyboard_alone() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        let id = order.heading.order_id.clone();
        in_browser(shop, "by-keyboard", async |browser| {
            browser.come_in(&["support"], &[]).await?;
            browser.type_keys("/").await?;
            browser.scan(&id).await?;
            browser.until_at(&format!("/console/orders/{id}")).await?;
            browser.sound().await?;
            browser.type_keys("a").await?;
            // Open it; past which units, and how many of the one line; the reason.
            browser.type_keys(&format!("{ENTER}{TAB}{TAB}{TAB}wants another{ENTER}")).await?;
            browser.until_says("Cancelled.").await?;
            browser.sound().await?;
            let order: Value = shop.get(&format!("/v1/orders/{id}")).await?.view(200)?;
            ensure!(order["status"] == "cancelled", "{order}");
            browser.type_keys("?").await?;
            browser.until_says("Keys of this screen").await?;
            browser.sound().await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn new_work_shows_itself_to_whoever_looks_at_the_queue() -> Result<()> {
    // Elsewhere the queue is as long as the tests are many, and new work stands on its last page.
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        in_browser(shop, "new-work", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page("/console/work/LEEDS").await?;
            let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
            browser.until_says(&order.fulfillment_orders[0].fulfillment_order_id).await?;
            browser.sound().await
        })
        .await
    })
}

#[test]
fn a_bench_stops_by_itself_when_its_customer_wants_to_cancel_and_is_answered_by_scanner() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 3, 100)).await?;
        let (id, part) = (order.heading.order_id.clone(), order.fulfillment_orders[0].fulfillment_order_id.clone());
        shop.acts(&part, "start-picking", json!({"picker": "kim"})).await?;
        in_browser(shop, "cancelled-while-packing", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page(&format!("/console/pack/{part}?facility={LEEDS}")).await?;
            browser.scan(sku.as_str()).await?;
            browser.until_says("Counted").await?;
            shop.cancel(&id.parse()?, "c", &[]).await?;
            // Nobody has touched anything: the page hears of it.
            browser.until_says("Stop: the customer wants to cancel").await?;
            browser.sound().await?;
            browser.keep("bench-stopped").await?;
            browser.scan("CMD-LET-GO").await?;
            browser.until_says("Cancelled: put back what is in the box").await?;
            browser.sound().await?;
            shop.until_status(&id.parse()?, "cancelled").await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn two_benches_count_one_order_and_each_sees_what_the_other_has_done() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 100)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        let bench = format!("/console/pack/{part}?facility={LEEDS}");
        in_browser(shop, "bench-one", async |one| {
            in_browser(shop, "bench-two", async |two| {
                for browser in [one, two] {
                    browser.come_in(&["associate"], &[LEEDS]).await?;
                    browser.open_page(&bench).await?;
                }
                one.scan(sku.as_str()).await?;
                one.until_says("Counted").await?;
                two.scan(sku.as_str()).await?;
                two.until_says("All there: packed").await?;
                // The first one is told by the stream.
                one.until_says("Next").await?;
                for browser in [one, two] {
                    browser.sound().await?;
                }
                shop.until_part(&order.heading.order_id.parse()?, 1, "shipped").await?;
                Ok(())
            })
            .await
        })
        .await
    })
}

#[test]
fn what_is_not_there_is_given_back_at_the_bench_for_a_reason() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 2), (YORK, 9)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 10_000)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        in_browser(shop, "short-pick", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page(&format!("/console/pack/{part}?facility={LEEDS}")).await?;
            browser.scan(sku.as_str()).await?;
            browser.until_says("Counted").await?;
            browser.click("#bench summary").await?;
            browser.click("#bench form[action$='/short'] button").await?;
            browser.until_says("The rest looks for another facility.").await?;
            browser.sound().await?;
            browser.scan("CMD-PACK").await?;
            browser.until_says("All there: packed").await?;
            shop.until(&order.heading.order_id.parse()?, "find another facility", |order| {
                order.fulfillment_orders.iter().any(|part| part.facility_id.as_deref() == Some(YORK))
            })
            .await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn a_page_whose_stream_is_cut_says_how_old_it_is_and_is_up_to_date_again_by_itself() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        in_browser(shop, "stream-cut", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page(&format!("/console/work/{LEEDS}")).await?;
            browser.offline(true).await?;
            let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
            browser.until_says("Nothing was heard for").await?;
            browser.keep("work-stale").await?;
            browser.offline(false).await?;
            browser.until_says(&order.fulfillment_orders[0].fulfillment_order_id).await?;
            until("the page to be well again", async || Ok((!browser.text().await?.contains("Nothing was heard for")).then_some(())))
                .await?;
            // What failed while the line was down is on the browser's console.
            browser.driver.console().await?;
            browser.sound().await
        })
        .await
    })
}

#[test]
fn a_half_written_note_is_kept_when_the_order_changes_underneath() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        let (id, part) = (order.heading.order_id.clone(), order.fulfillment_orders[0].fulfillment_order_id.clone());
        in_browser(shop, "half-written", async |browser| {
            browser.come_in(&["support"], &[]).await?;
            browser.open_page(&format!("/console/orders/{id}")).await?;
            browser.write("textarea[name=text]", "Wants it on Fri").await?;
            shop.acts(&part, "accept", json!({})).await?;
            browser.until_says("There is news").await?;
            browser.write("textarea[name=text]", "day.").await?;
            browser.click("form[action$='/notes'] button").await?;
            browser.until_says("Wants it on Friday.").await?;
            browser.until_says("Accepted by the facility").await?;
            browser.sound().await
        })
        .await
    })
}

#[test]
fn an_order_by_telephone_is_looked_at_before_it_is_placed() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        in_browser(shop, "telephone", async |browser| {
            browser.come_in(&["support"], &[]).await?;
            browser.open_page("/console/orders/new").await?;
            for (field, text) in [("sku-1", sku.as_str()), ("quantity-1", "2"), ("name", "Ada Example"), ("line1", "94 High Street")] {
                browser.put(field, text).await?;
            }
            for (field, text) in [("postal_code", "LS1 1AA"), ("city", "Leeds"), ("country", "GB")] {
                browser.put(field, text).await?;
            }
            browser.click("button[value=preview]").await?;
            browser.until_says("When it would come").await?;
            browser.sound().await?;
            browser.keep("new-order-preview").await?;
            browser.click("button[value=place]").await?;
            browser.until_says("Placed.").await?;
            browser.sound().await?;
            let path = browser.path().await?;
            let id = path.trim_start_matches("/console/orders/").to_owned();
            shop.note(id.parse()?);
            shop.until_part(&id.parse()?, 1, "released").await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn a_refund_above_the_limit_waits_for_a_second_person_at_another_browser() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 30_000)).await?;
        let id = order.heading.order_id.clone();
        shop.fulfill(&order).await?;
        shop.until(&id.parse()?, "be captured", |order| order.totals.captured_minor == 60_000).await?;
        shop.put("/v1/limits/GBP", &json!({"per_order_minor": 1_000})).await?;
        in_browser(shop, "refund-asked", async |support| {
            in_browser(shop, "refund-approved", async |approver| {
                support.come_in(&["support"], &[]).await?;
                approver.come_in(&["approver"], &[]).await?;
                support.open_page(&format!("/console/orders/{id}")).await?;
                support.open_details("form[action$='/refund']").await?;
                support.put("amount", "500.00").await?;
                support.write("form[action$='/refund'] [name=reason]", "arrived broken").await?;
                support.click("form[action$='/refund'] button").await?;
                support.until_says("Waits for approval:").await?;
                support.sound().await?;
                approver.open_page("/console/approvals").await?;
                approver.until_says("GBP 500.00").await?;
                approver.click("form[action$='/approve'] button").await?;
                approver.until_says("Approved.").await?;
                approver.sound().await?;
                // The same form again, as it stands there.
                let approvals: Value = shop.get("/v1/approvals?status=approved").await?.view(200)?;
                ensure!(approvals["items"].as_array().is_some_and(|items| items.len() == 1), "{approvals}");
                Ok(())
            })
            .await
        })
        .await
    })
}

#[test]
fn who_works_at_one_store_sees_nothing_of_another_in_any_page_or_stream() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(YORK, 5)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 500)).await?;
        let (id, part) = (order.heading.order_id.clone(), order.fulfillment_orders[0].fulfillment_order_id.clone());
        in_browser(shop, "elsewhere", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            let pages = ["/console/work/YORK", "/console/handover/YORK", "/console/facilities/YORK", "/console/pickup/YORK"];
            let of_order = [format!("/console/orders/{id}"), format!("/console/pack/{part}"), format!("/console/print/slip/{part}")];
            for path in pages.into_iter().map(str::to_owned).chain(of_order) {
                browser.open_page(&path).await?;
                let text = browser.text().await?;
                ensure!(
                    text.contains("This cannot be shown") && !text.contains("Ada Example") && !text.contains(sku.as_str()),
                    "{path}: {text}"
                );
            }
            browser.open_page(&format!("/console/find?q={part}")).await?;
            browser.until_says("Nothing is called exactly so").await?;
            let told = browser
                .driver
                .run_async(
                    "const done = arguments[arguments.length - 1];
                fetch('/console/live?topics=queue:YORK').then((answer) => done(answer.status))",
                )
                .await?;
            ensure!(told == 404, "{told}");
            browser.driver.console().await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn a_list_prints_on_paper_and_a_slip_on_a_label_of_its_size() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 500)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        in_browser(shop, "printed", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page(&format!("/console/print/slip/{part}")).await?;
            ensure!(browser.paper_mm().await? == (100, 150), "{:?}", browser.paper_mm().await?);
            browser.open_page("/console/print/commands").await?;
            let (width, height) = browser.paper_mm().await?;
            ensure!((width, height) == (216, 279) || (width, height) == (210, 297), "{width} x {height} is no sheet of paper");
            Ok(())
        })
        .await
    })
}

#[test]
fn an_order_goes_from_entry_to_delivered_by_scanner_alone() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 100)).await?;
        let (id, part) = (order.heading.order_id.clone(), order.fulfillment_orders[0].fulfillment_order_id.clone());
        in_browser(shop, "entry-to-delivered", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page(&format!("/console/work/{LEEDS}")).await?;
            browser.click("form[action$='/wave'] button").await?;
            browser.until_says("Tote 1").await?;
            browser.sound().await?;
            browser.open_page("/console/pack").await?;
            browser.scan(sku.as_str()).await?;
            browser.until_at(&format!("/console/pack/{part}")).await?;
            browser.scan(sku.as_str()).await?;
            browser.scan(&sku.as_str().to_lowercase()).await?;
            browser.until_says("All there: packed").await?;
            let shipped = shop.until_part(&id.parse()?, 1, "shipped").await?;
            let number = shipped.parcels[0].tracking_number.clone().unwrap_or_default();
            browser.open_page(&format!("/console/handover/{LEEDS}")).await?;
            browser.scan(&number).await?;
            browser.until_says("On the manifest").await?;
            browser.sound().await?;
            browser.click("form[action$='/close'] button").await?;
            browser.until_says("Received, in good order").await?;
            browser.sound().await?;
            browser.keep("print-manifest").await?;
            shop.acts(&part, "deliver", json!({})).await?;
            shop.until_status(&id.parse()?, "completed").await?;
            Ok(())
        })
        .await
    })
}
