//! One order whose every free text and personal detail is a word that occurs nowhere else, taken through all that people do with orders: then
//! each place that must not know people is searched for these words.

use anyhow::{Context, Result, ensure};
use oms_api::{claim::ClaimView, event::StreamEventView, page::StreamPage, returns::ReturnView};
use oms_domain::{ids::OrderId, policy::Policy};
use oms_workflows::names::{order_workflow_id, return_workflow_id};
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};
use temporalio_client::UntypedWorkflow;

use crate::support::{Basket, Shop, in_own_shop, logs, runtime::until, system::LEEDS, tables::of_each_table};

/// Who placed the order, and how it is paid: nowhere but in the order as placed.
const PERSON: [&str; 5] = ["Xanthippe", "xanthippe@quux.example", "Quuxstreet", "+4477009001", "tok_quux"];
/// What people wrote about it.
const TEXTS: [&str; 8] =
    ["zorble-cancel", "zorble-change", "zorble-refund", "zorble-claim", "zorble-declined", "zorble-return", "zorble-sent", "zorble-note"];
/// The checkout's own name of the customer: lists find orders by it.
const CUSTOMER: &str = "CUST-quux-4711";

fn basket(sku: &oms_domain::ids::Sku) -> Basket {
    Basket::of(sku, 6, 500)
        .with("/customer/customer_id", CUSTOMER)
        .with("/customer/name", PERSON[0])
        .with("/customer/email", PERSON[1])
        .with("/ship_to/name", PERSON[0])
        .with("/ship_to/line1", format!("94 {}", PERSON[2]))
        .with("/ship_to/phone", PERSON[3])
        .token(PERSON[4])
}

/// Everything that is asked in people's own words, each once; answers with the order's return.
async fn live(shop: &Shop, id: &OrderId) -> Result<String> {
    let ask = async |path: &str, body: Value| shop.post(path, &body).await;
    let of_order = format!("/v1/orders/{id}");
    let change = json!({"change_id": "ch-1", "reason": TEXTS[1], "changes": [{"change": "decrease", "line_id": "1", "quantity": 1}]});
    ask(&format!("{of_order}/changes"), change).await?.view::<Value>(200)?;
    let line = |quantity: u32| json!([{"line_id": "1", "quantity": quantity}]);
    let cancel = json!({"cancellation_id": "c-1", "reason": TEXTS[0], "lines": line(1)});
    ask(&format!("{of_order}/cancellations"), cancel).await?.view::<Value>(200)?;
    ask(&format!("{of_order}/notes"), json!({"text": TEXTS[7], "author": PERSON[0]})).await?.view::<Value>(201)?;
    let part = shop.until_part(id, 1, "released").await?.fulfillment_order_id;
    shop.ship(&part).await?;
    shop.acts(&part, "deliver", json!({})).await?;
    shop.until_status(id, "completed").await?;

    let claim = json!({"order_id": id, "lines": line(1), "reason": TEXTS[3]});
    let claim: ClaimView = ask("/v1/claims", claim).await?.view(201)?;
    let declined = json!({"reason": TEXTS[4]});
    ask(&format!("/v1/claims/{}/decline", claim.claim_id), declined).await?.view::<Value>(200)?;
    let refund = json!({"refund_id": "r-1", "amount_minor": 100, "reason": TEXTS[2]});
    ask(&format!("{of_order}/refunds"), refund).await?.view::<Value>(201)?;
    let lines = json!([{"line_id": "1", "quantity": 1, "reason": TEXTS[5]}]);
    let opened: ReturnView = ask("/v1/returns", json!({"order_id": id, "lines": lines})).await?.view(201)?;
    ask(&format!("/v1/returns/{}/cancel", opened.return_id), json!({"reason": TEXTS[6]})).await?.view::<Value>(200)?;
    Ok(opened.return_id)
}

/// What is wrong with a text that should have none of these words.
fn is_clear_of(words: &[&str], what: &str, bytes: &[u8]) -> Result<()> {
    let has = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    let found: Vec<_> = words.iter().filter(has).collect();
    ensure!(found.is_empty(), "{what} has {found:?}");
    Ok(())
}

/// All that Temporal has of a workflow: its history, its search attributes, its memo and summary.
async fn in_temporal(shop: &Shop, workflow_id: String) -> Result<Vec<u8>> {
    let handle = shop.system.temporal.get_workflow_handle::<UntypedWorkflow>(workflow_id);
    let mut bytes = handle.describe(Default::default()).await?.raw_description.encode_to_vec();
    for event in handle.fetch_history(Default::default()).into_events().await? {
        bytes.extend(event.encode_to_vec());
    }
    Ok(bytes)
}

#[test]
fn who_an_order_is_for_and_what_people_write_about_it_is_nowhere_but_with_the_order_itself() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = basket(&sku);
        let id = shop.place(&basket).await?;
        let return_id = live(shop, &id).await?;
        let all: Vec<&str> = PERSON.into_iter().chain(TEXTS).chain([CUSTOMER]).collect();

        for workflow_id in [order_workflow_id(&id), return_workflow_id(&return_id.parse()?)] {
            is_clear_of(&all, &format!("workflow {workflow_id}"), &in_temporal(shop, workflow_id).await?)?;
        }
        let events = async || {
            let page: StreamPage<StreamEventView> = shop.get("/v1/events?limit=500").await?.view(200)?;
            Ok(Some(page.items).filter(|items| items.iter().any(|event| event.event.kind == "payment.refunded")))
        };
        let events = until("the events to be published", events).await?;
        is_clear_of(&all, "the event feed", serde_json::to_string(&events)?.as_bytes())?;
        let figures = shop.request(Method::GET, "/metrics").send().await?.text().await?;
        ensure!(figures.contains("oms_"), "{figures}");
        is_clear_of(&all, "/metrics", figures.as_bytes())?;
        let body = json!({"refund_id": "r-2", "amount_minor": 1_000_000, "reason": TEXTS[2]});
        let refused = shop.post(&format!("/v1/orders/{id}/refunds"), &body).await?;
        is_clear_of(&all, "a refusal", refused.problem(409, "refused_by_rule")?.detail.unwrap_or_default().as_bytes())?;
        let every_row = "coalesce(string_agg(t::text, ' '), '')";
        for (table, rows) in of_each_table::<String>(&shop.system, every_row).await? {
            let nowhere: Vec<&str> = PERSON.into_iter().chain(TEXTS).collect();
            is_clear_of(&nowhere, &format!("table {table}"), rows.as_bytes())?;
            ensure!(table == "orders" || !rows.contains(CUSTOMER), "table {table} names the customer");
        }
        are_shown_to_those_who_read_the_order(shop, &id, &return_id).await?;
        // That lines are searched is shown by one that is marked.
        tracing::info!("a line with zorble-probe");
        let marked = logs::marked();
        ensure!(marked.len() == 1 && marked[0].contains("zorble-probe"), "logged: {marked:#?}");
        ensure!(all.iter().all(|word| word.starts_with('+') || logs::MARKS.iter().any(|mark| word.contains(mark))), "unmarked");
        Ok(())
    })
}

/// Whoever works on the order reads what was written.
async fn are_shown_to_those_who_read_the_order(shop: &Shop, id: &OrderId, return_id: &str) -> Result<()> {
    let read = async |path: String| -> Result<String> {
        let answer = shop.get(&path).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.body);
        let text = answer.body.to_string();
        ensure!(!text.contains("\"text:"), "{path} shows a reference: {text}");
        Ok(text)
    };
    let timeline = read(format!("/v1/orders/{id}/events?limit=500")).await?;
    for text in &TEXTS[..4] {
        ensure!(timeline.contains(text), "the timeline does not have {text}: {timeline}");
    }
    let of_return = read(format!("/v1/returns/{return_id}")).await? + &read(format!("/v1/returns/{return_id}/events")).await?;
    ensure!(of_return.contains(TEXTS[5]) && of_return.contains(TEXTS[6]), "{of_return}");
    let order = read(format!("/v1/orders/{id}")).await?;
    ensure!(order.contains(PERSON[0]) && order.contains(CUSTOMER), "{order}");
    let found: Value = shop.get(&format!("/v1/orders?customer_id={CUSTOMER}")).await?.view(200)?;
    let items = found["items"].as_array().context("items")?;
    ensure!(items.len() == 1 && items[0]["order_id"] == id.as_str(), "{found}");
    Ok(())
}
