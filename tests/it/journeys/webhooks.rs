//! What gateways and carriers say unasked: believed when it is signed, now, and with the right secret; each thing counts once.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, ensure};
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use oms_activities::adapters::{Credential, HttpClient, Stripe, read_easypost_webhook};
use oms_api::order::OrderView;
use oms_domain::{ids::OrderId, policy::Policy};
use oms_server::{AppState, Door, ReadWebhook, Webhooks};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{net::TcpListener, sync::oneshot};

use crate::support::{
    Answer, Basket, Shop,
    basket::unique,
    http::{self, client},
    in_shop, replay,
    system::LEEDS,
};

const SECRET: &str = "whsec_of_the_tests";

fn signed(parts: &[&[u8]], secret: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A server of the test's own that takes webhooks of a Stripe and an EasyPost.
struct Ears {
    url: String,
    _stop: oneshot::Sender<()>,
}

impl Ears {
    async fn open(shop: &Shop) -> Result<Self> {
        let secret = Credential::fixed(SECRET.into());
        let stripe = Stripe::new(HttpClient::new()?, &shop.system.addresses.gateway_url, Credential::fixed("sk_test".into()), true)?;
        let (of_stripe, of_easypost) = (secret.clone(), secret);
        let reads_stripe: ReadWebhook = Arc::new(move |headers, body| {
            let (stripe, secret) = (stripe.clone(), of_stripe.clone());
            async move { stripe.read_webhook(&secret, |name| headers.get(name)?.to_str().ok(), &body, Timestamp::now()).await }.boxed()
        });
        let reads_easypost: ReadWebhook = Arc::new(move |headers, body| {
            std::future::ready(read_easypost_webhook(&of_easypost, |name| headers.get(name)?.to_str().ok(), &body)).boxed()
        });
        let readers = BTreeMap::from([("stripe".parse()?, reads_stripe), ("easypost".parse()?, reads_easypost)]);
        let door = Door { accounts: http::accounts()?, webhooks: Webhooks::new(readers), ..Door::default() };
        let state = AppState::new(shop.system.store.clone(), shop.system.starter(Policy::default())).behind(door);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/v1/webhooks", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(oms_server::serve(state, listener, async { drop(stopped.await) }));
        Ok(Self { url, _stop: stop })
    }

    async fn stripe(&self, body: &Value, at: Timestamp, secret: &str) -> Result<Answer> {
        let (text, seconds) = (body.to_string(), at.as_second().to_string());
        let signature = signed(&[seconds.as_bytes(), b".", text.as_bytes()], secret)?;
        let request = client().post(format!("{}/stripe", self.url)).header("stripe-signature", format!("t={seconds},v1={signature}"));
        Answer::to(request.header("content-type", "application/json").body(text)).await
    }

    async fn easypost(&self, body: &Value, secret: &str) -> Result<Answer> {
        let text = body.to_string();
        let signature = format!("hmac-sha256-hex={}", signed(&[text.as_bytes()], secret)?);
        let request = client().post(format!("{}/easypost", self.url)).header("x-hmac-signature", signature);
        Answer::to(request.header("content-type", "application/json").body(text)).await
    }
}

fn accepted(answer: Answer) -> Result<u64> {
    Ok(answer.view::<Value>(200)?["accepted"].as_u64().unwrap_or_default())
}

#[test]
fn a_tracker_s_webhook_takes_a_parcel_to_its_customer() -> Result<()> {
    in_shop(async |shop| {
        let ears = Ears::open(shop).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let (id, number): (OrderId, _) = (order.heading.order_id.parse()?, unique("EZ"));
        let ships = json!({"carrier": "USPS", "tracking_number": number});
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "ship", ships).await?;
        let at = |minutes| Timestamp::now() + SignedDuration::from_mins(minutes);
        let details = json!([
            {"status": "pre_transit", "datetime": at(-4)}, {"status": "in_transit", "datetime": at(-3)},
            {"status": "out_for_delivery", "datetime": at(-2)}, {"status": "delivered", "datetime": at(-1)},
        ]);
        let tracker = json!({"id": unique("trk_"), "object": "Tracker", "tracking_code": number, "carrier": "USPS", "status": "delivered",
            "tracking_details": details});
        let event = json!({"id": unique("evt_"), "object": "Event", "description": "tracker.updated", "result": tracker});
        ears.easypost(&event, "another secret").await?.problem(401, "unauthenticated")?;
        assert_eq!(accepted(ears.easypost(&event, SECRET).await?)?, 3);
        assert_eq!(accepted(ears.easypost(&event, SECRET).await?)?, 3, "said again, it is the same");
        shop.until_status(&id, "completed").await?;
        let moves = shop.timeline(&id).await?.iter().filter(|kind| *kind == "parcel_moved").count();
        ensure!(moves <= 3, "{moves}");
        let batch = json!({"id": "evt_1", "object": "Event", "description": "batch.created", "result": {}});
        assert_eq!(accepted(ears.easypost(&batch, SECRET).await?)?, 0);
        Answer::to(client().post(format!("{}/nobody", ears.url)).json(&json!({}))).await?.problem(404, "not_found")?;
        Ok(())
    })
}

#[test]
fn a_dispute_is_shown_to_a_person_once_also_after_the_end() -> Result<()> {
    in_shop(async |shop| {
        let ears = Ears::open(shop).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        let dispute = |kind: &str, status: &str| {
            json!({"id": unique("evt_"), "type": kind, "data": {"object": {"id": format!("dp_{id}"), "amount": 510, "currency": "gbp",
                "status": status, "metadata": {"order_id": id}}}})
        };
        let now = Timestamp::now();
        let opened = dispute("charge.dispute.created", "needs_response");
        ears.stripe(&opened, now, "another secret").await?.problem(401, "unauthenticated")?;
        ears.stripe(&opened, now - SignedDuration::from_mins(6), SECRET).await?.problem(401, "unauthenticated")?;
        assert_eq!(accepted(ears.stripe(&opened, now, SECRET).await?)?, 1);
        assert_eq!(accepted(ears.stripe(&opened, now, SECRET).await?)?, 1);
        let disputed = |order: &OrderView| order.attention.iter().any(|known| known.why.contains("GBP 5.10"));
        let seen = shop.until(&id, "show its dispute", disputed).await?;
        assert_eq!(seen.attention.len(), 1, "{:?}", seen.attention);
        let won = dispute("charge.dispute.closed", "won");
        assert_eq!(accepted(ears.stripe(&won, now, SECRET).await?)?, 1);
        shop.until(&id, "have no dispute any more", |order| order.attention.is_empty()).await?;
        replay::keep(&shop.system, &id, "disputed").await
    })
}
