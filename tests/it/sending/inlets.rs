//! Messages from outside: signed, each once, kept, and dealt with again when a table of columns was wrong.

use anyhow::{Context, Result};
use jiff::Timestamp;
use oms_api::inlet::InletView;
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use crate::support::{Answer, Shop, http::client, in_own_shop, system::LEEDS};

/// What signs as the other side would, with the standard's own library.
struct Sender {
    url: String,
    webhook: standardwebhooks::Webhook,
}

impl Sender {
    async fn of(shop: &Shop, body: &Value) -> Result<(InletView, Self)> {
        let made: InletView = shop.post("/v1/inlets", body).await?.view(201)?;
        let secret = made.secrets[0].secret.clone().context("a secret")?;
        let sender = Self { url: shop.url(&made.path), webhook: standardwebhooks::Webhook::new(&secret)? };
        Ok((made, sender))
    }

    async fn send(&self, id: &str, body: &[u8], at_s: i64) -> Result<Answer> {
        let signature = self.webhook.sign(id, at_s, body)?;
        let request = client().post(&self.url).header("webhook-id", id).header("webhook-timestamp", at_s);
        Answer::to(request.header("webhook-signature", signature).body(body.to_vec())).await
    }
}

const MAPPING: &str = r#"
version = 1
kind = "stock"
delimiter = ";"
decimal = ","

[columns.sku]
from = "Artikel"
[columns.facility_id]
from = "Lager"
values = { "01" = "LEEDS" }
[columns.on_hand]
from = "Kartons"
as = "number"
factor = 12
"#;

#[test]
fn a_signed_message_in_a_foreign_form_counts_once_and_one_that_was_refused_is_dealt_with_again_by_a_better_table() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 1)]).await?;
        let (inlet, sender) = Sender::of(shop, &json!({"name": "ERP", "kind": "stock", "mapping": MAPPING})).await?;
        let now = Timestamp::now().as_second();
        let body = format!("Artikel;Lager;Kartons\n{sku};01;2,5\n");
        let taken: Value = sender.send("m-1", body.as_bytes(), now).await?.view(202)?;
        assert_eq!((&taken["status"], &taken["mapping_version"]), (&json!("applied"), &json!(1)), "{taken}");
        assert_eq!(shop.stock(&sku, LEEDS).await?, (30, 0));
        // A count that came since stands: the message again is no message.
        shop.put(&format!("/v1/stock/{LEEDS}/{sku}"), &json!({"on_hand": 7})).await?.view::<Value>(200)?;
        let again: Value = sender.send("m-1", body.as_bytes(), now).await?.view(202)?;
        assert_eq!((again, shop.stock(&sku, LEEDS).await?), (taken, (7, 0)));
        sender.send("m-1", b"Artikel;Lager;Kartons\n", now).await?.problem(409, "message_conflict")?;

        for (id, text, at_s) in [("m-2", "", now - 900), ("m-2", "x", now + 900)] {
            sender.send(id, text.as_bytes(), at_s).await?.problem(401, "unauthenticated")?;
        }
        let forged =
            client().post(&sender.url).header("webhook-id", "m-3").header("webhook-timestamp", now).header("webhook-signature", "v1,AAAA");
        Answer::to(forged.body("x")).await?.problem(401, "unauthenticated")?;

        let other = format!("Artikel;Lager;Kartons\n{sku};01;3\n{sku};02;3\n");
        let refused: Value = sender.send("m-4", other.as_bytes(), now).await?.view(202)?;
        assert_eq!(
            (&refused["status"], &refused["why"]),
            (&json!("refused"), &json!("1 row was refused: the feed run names each")),
            "{refused}"
        );
        let rejects: Value = shop.get(&format!("/v1/feeds/{}/rejects", refused["feed_id"].as_str().context("a run")?)).await?.view(200)?;
        assert_eq!(rejects["items"][0]["row_number"], 2, "{rejects}");
        let better = MAPPING.replace(r#""01" = "LEEDS""#, r#""01" = "LEEDS", "02" = "YORK""#);
        let path = format!("/v1/inlets/{}", inlet.inlet_id);
        shop.put(&format!("{path}/mapping"), &json!({"mapping": better})).await?.view::<InletView>(200)?;
        let listed: Value = shop.get(&format!("{path}/messages?outcome=refused")).await?.view(200)?;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        let dealt_with: Value = shop.post(&format!("{path}/messages/m-4/retry"), &json!({})).await?.view(200)?;
        assert_eq!(
            (&dealt_with["status"], &dealt_with["attempts"], &dealt_with["mapping_version"]),
            (&json!("applied"), &json!(2), &json!(2))
        );
        assert_eq!(shop.stock(&sku, "YORK").await?, (36, 0));
        shop.post(&format!("{path}/messages/m-4/retry"), &json!({})).await?.problem(404, "not_found")?;
        Ok(())
    })
}

#[test]
fn orders_come_in_by_signed_messages_and_one_that_nobody_finished_is_taken_over() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let (inlet, sender) = Sender::of(shop, &json!({"name": "marketplace", "kind": "orders"})).await?;
        let basket = crate::support::Basket::of(&sku, 2, 255);
        let id = basket.id();
        let taken: Value = sender.send("m-1", basket.body.to_string().as_bytes(), Timestamp::now().as_second()).await?.view(202)?;
        assert_eq!(taken["status"], "applied", "{taken}");
        shop.note(id.clone());
        shop.until_part(&id, 1, "released").await?;
        let order = shop.order(&id).await?;
        // As if whoever took it had died before it was done.
        let left = format!("UPDATE inlet_messages SET status = 'taken', leased_until = now() WHERE inlet_id = '{}'", inlet.inlet_id);
        shop.system.execute(left).await?;
        let path = format!("/v1/inlets/{}/messages", inlet.inlet_id);
        crate::support::runtime::until("it to be taken over", async || {
            let listed: Value = shop.get(&path).await?.view(200)?;
            Ok((listed["items"][0]["status"] == "applied" && listed["items"][0]["attempts"] == 2).then_some(()))
        })
        .await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?.1, 2, "once");
        shop.fulfill(&order).await
    })
}
