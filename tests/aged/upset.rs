//! One run is set back to its beginning, and one is terminated; their orders go on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    api::Event,
    house::House,
    orders::Ordered,
    report::{Figure, Report},
    runs,
    until::until,
};

const GOES_ON_WITHIN: Duration = Duration::from_secs(60);

/// Two fresh orders, for whatever the demo has left open may end by itself at any moment.
pub struct Upset {
    reset: String,
    terminated: String,
}

impl Upset {
    /// Places both, and waits until facilities have been told of them.
    pub async fn place(house: &House, like: &Ordered) -> Result<Self> {
        let now = jiff::Timestamp::now();
        let sku = sku(house).await?;
        let (reset, terminated) = (format!("aged-reset-{}", now.as_second()), format!("aged-terminated-{}", now.as_second()));
        for id in [&reset, &terminated] {
            let mut body: Value = serde_json::from_str(&like.body)?;
            body["order_id"] = json!(id);
            body["placed_at"] = json!(now.to_string());
            body["lines"] = json!([{"line_id": "1", "sku": sku, "quantity": 1, "unit_price_minor": 255}]);
            let (status, answer) = house.api.post("/v1/orders", body.to_string()).await?;
            ensure!(status == 201, "{id} was not taken: {status} {answer}");
            until_status(house, id, "processing").await?;
        }
        Ok(Self { reset, terminated })
    }

    /// Upsets both, cancels both, and looks at what came of them. One that the demo has left open is set back as well: it goes on by
    /// the demo's clock, and what had happened to it stays.
    pub async fn play(self, house: &House, left_open: Option<&String>, report: &mut Report) -> Result<()> {
        if let Some(id) = left_open {
            runs::reset(&house.temporal, id).await?;
            println!("reset: {id}, which the demo has left open");
        }
        let (reset, terminated) = (house.api.events(&self.reset).await?, house.api.events(&self.terminated).await?);
        runs::reset(&house.temporal, &self.reset).await?;
        runs::terminate(&house.temporal, &self.terminated).await?;
        println!("reset: {}; terminated: {}", self.reset, self.terminated);
        for (id, before) in [(&self.reset, reset), (&self.terminated, terminated)] {
            if let Err(error) = go_on(house, id, &before).await {
                report.found(Figure::UpsetAmiss, format!("{id}: {error:#}"));
            }
        }
        Ok(())
    }
}

/// A product that nobody waits for, and of which there is more than is reserved.
async fn sku(house: &House) -> Result<String> {
    let query = "SELECT s.sku FROM stock s
        WHERE NOT EXISTS (SELECT FROM order_skus o JOIN order_guards g USING (order_id) WHERE o.sku = s.sku AND g.closed_at IS NULL)
        ORDER BY s.on_hand - s.reserved DESC, s.sku LIMIT 1";
    sqlx::query_scalar(query).fetch_optional(&house.sql).await?.context("there is no product that no open order has")
}

async fn until_status(house: &House, id: &str, status: &str) -> Result<Value> {
    let there = async || Ok(Some(house.api.order(id).await?).filter(|order| order["status"] == status));
    until(&format!("{id} to be {status}"), GOES_ON_WITHIN, there).await
}

/// The order takes a note and a cancellation, and ends as one that was never upset.
async fn go_on(house: &House, id: &str, before: &[Event]) -> Result<()> {
    let note = json!({"note_id": "n1", "text": "the customer has called", "author": "support"});
    let cancellation = json!({"cancellation_id": "c1", "reason": "the customer changed their mind"});
    for (what, body) in [("notes", note), ("cancellations", cancellation)] {
        let (status, answer) = house.api.post(&format!("/v1/orders/{id}/{what}"), body.to_string()).await?;
        ensure!((200..300).contains(&status), "{what}: {status} {answer}");
    }
    let order = until_status(house, id, "cancelled").await?;
    let (units, totals) = (&order["lines"][0]["units"], &order["totals"]);
    ensure!(units["cancelled"] == 1 && units["allocated"] == 0 && units["shipped"] == 0, "its units are {units}");
    ensure!(totals["captured_minor"] == 0, "it was paid for: {totals}");
    ensure!(house.api.events(id).await?.starts_with(before), "its timeline does not begin as it did");
    let closed = "SELECT count(*) FROM order_guards WHERE order_id = $1 AND closed_at IS NOT NULL";
    until("it to be closed", GOES_ON_WITHIN, async || {
        let count: i64 = sqlx::query_scalar(closed).bind(id).fetch_one(&house.sql).await?;
        Ok((count > 0).then_some(()))
    })
    .await
}
