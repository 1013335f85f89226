//! What an order costs: the Temporal server (state transitions are what is paid for, events what is kept), PostgreSQL and DynamoDB.

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use oms_domain::{ids::OrderId, policy::Policy};
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::support::{Basket, Shop, in_own_shop, in_shop, runtime::until, system::LEEDS};

/// (state transitions, events) of a finished order.
async fn cost(shop: &Shop, id: &OrderId) -> Result<(i64, i64)> {
    shop.until_status(id, "completed").await?;
    let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(id));
    let ended = async || {
        let described = handle.describe(Default::default()).await?;
        let info = described.raw_description.workflow_execution_info.context("the run")?;
        Ok(info.close_time.map(|_| (info.state_transition_count, info.history_length)))
    };
    crate::support::runtime::until("the run to end", ended).await
}

#[test]
fn an_order_that_is_only_shipped_costs_at_most_twenty_transitions_and_forty_events() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.fulfill(&order).await?;
        let (transitions, events) = cost(shop, &order.heading.order_id.parse()?).await?;
        println!("ship only: {transitions} transitions, {events} events");
        ensure!(transitions <= 20 && events <= 40, "{transitions} transitions, {events} events");
        Ok(())
    })
}

#[test]
fn an_order_with_four_updates_costs_at_most_24_transitions_and_64_events() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        for (action, body) in [("accept", json!({})), ("start-picking", json!({"picker": "P-7"})), ("pack", json!({}))] {
            shop.acts(part, action, body).await?;
        }
        shop.ship(part).await?;
        shop.acts(part, "deliver", json!({})).await?;
        let (transitions, events) = cost(shop, &order.heading.order_id.parse()?).await?;
        println!("four updates: {transitions} transitions, {events} events");
        ensure!(transitions <= 24 && events <= 64, "{transitions} transitions, {events} events");
        Ok(())
    })
}

#[test]
fn a_refusal_costs_no_event() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(format!("order:{}", order.heading.order_id));
        // Of a run that has nothing under way: what was on its way when the order was released would be counted, too.
        let length = async || {
            let described = handle.describe(Default::default()).await?.raw_description;
            let is_idle = described.pending_workflow_task.is_none() && described.pending_activities.is_empty();
            Ok(described.workflow_execution_info.filter(|_| is_idle).map(|info| info.history_length))
        };
        let before = until("the run to have nothing under way", length).await?;
        for _ in 0..3 {
            shop.act(&order.fulfillment_orders[0].fulfillment_order_id, "unpack", json!({})).await?.problem(409, "illegal_transition")?;
        }
        assert_eq!(until("the run to have nothing under way", length).await?, before);
        Ok(())
    })
}

/// From now on each change of a row notes the transaction that made it, but for figures: whatever comes in a second is counted together.
const NOTE_WRITES: [&str; 3] = [
    "CREATE TABLE noted_writes (xid xid8 NOT NULL, wrote text NOT NULL, PRIMARY KEY (xid, wrote))",
    "CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO noted_writes VALUES (pg_current_xact_id(), lower(TG_OP) || ' ' || TG_ARGV[0]) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$",
    "DO $$ DECLARE one text; BEGIN
        FOR one IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            AND NOT c.relispartition AND c.relname <> 'noted_writes' AND c.relname !~ '^(insight|fact)_'
        LOOP
            EXECUTE format('CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION note_write(%L)', one, one);
        END LOOP;
    END $$",
];

/// What each of them wrote, the first one first, but for what the house writes by its own clock, however many orders there are: which servers
/// deliver events, and what the positions of a moment have come to.
async fn noted_writes(shop: &Shop) -> Result<Vec<String>> {
    let mut connection = PgConnection::connect(&shop.system.addresses.database_url).await?;
    let noted = "SELECT string_agg(wrote, ', ' ORDER BY wrote) FROM noted_writes GROUP BY xid
        HAVING bool_and(wrote !~ ' (outlet_servers|endpoint_lanes|stock_told)$') ORDER BY xid";
    Ok(sqlx::query_scalar(noted).fetch_all(&mut connection).await?)
}

#[test]
fn an_order_with_five_keyed_actions_costs_at_most_12_transactions_that_write_and_30_write_units() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        // What is kept in memory from the second order on is read.
        let first = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        shop.fulfill(&first).await?;
        shop.until_status(&first.heading.order_id.parse()?, "completed").await?;

        for statement in NOTE_WRITES {
            shop.system.execute(statement).await?;
        }
        let units = shop.system.store.write_units();
        let basket = Basket::of(&sku, 1, 255);
        let id = basket.id();
        shop.post_keyed("/v1/orders", &format!("{id}-place"), &basket.body).await?.view::<Value>(201)?;
        shop.note(id.clone());
        let part = shop.until_part(&id, 1, "released").await?.fulfillment_order_id;
        let ships = json!({"carrier": "van", "tracking_number": format!("V-{id}")});
        for (action, body) in [("accept", json!({})), ("start-picking", json!({"picker": "P-7"})), ("pack", json!({})), ("ship", ships)] {
            let path = format!("/v1/fulfillment-orders/{part}/{action}");
            shop.post_keyed(&path, &format!("{id}-{action}"), &body).await?.view::<Value>(200)?;
        }
        let delivered = json!({"event_id": format!("{id}-d"), "carrier": "van", "tracking_number": format!("V-{id}"), "status": "delivered",
            "occurred_at": Timestamp::now()});
        shop.post("/v1/carrier-events", &json!({"events": [delivered]})).await?.view::<Value>(202)?;
        shop.until_status(&id, "completed").await?;

        let writes = noted_writes(shop).await?;
        let units = shop.system.store.write_units() - units;
        println!("{} transactions that write, {units} write units:\n{}", writes.len(), writes.join("\n"));
        ensure!(writes.len() <= 12 && units <= 30, "{} transactions that write, {units} write units: {writes:#?}", writes.len());
        Ok(())
    })
}
