//! A receiver of events in another language, with that language's own library of Standard Webhooks.

use std::process::Stdio;

use anyhow::{Context, Result};
use oms_api::endpoint::EndpointView;
use oms_domain::policy::Policy;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{fixture, home};
use crate::support::{Basket, Shop, http::client, in_own_shop, runtime::until, system::LEEDS};

/// Starts one that knows this secret, on this port or any; where it is.
async fn receiver(secret: &str) -> Result<(Child, String)> {
    let mut command = Command::new(home()?.join("bin/python"));
    command.arg(fixture("python/receiver.py")).arg(secret).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("the receiver does not start")?;
    let said = child.stdout.take().context("what it says")?;
    let port = BufReader::new(said).lines().next_line().await?.context("a port")?;
    Ok((child, format!("http://127.0.0.1:{port}/")))
}

async fn taken(url: &str) -> Result<Vec<Value>> {
    Ok(client().get(url).send().await?.json().await?)
}

async fn post(url: &str, taken: &Value, body: String) -> Result<u16> {
    let mut request = client().post(url).body(body);
    for (name, value) in taken["headers"].as_object().context("headers")? {
        request = request.header(name, value.as_str().context("a header")?);
    }
    Ok(request.send().await?.status().as_u16())
}

async fn order(shop: &Shop) -> Result<String> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
    shop.fulfill(&order).await?;
    Ok(format!("order/{}", order.heading.order_id))
}

#[test]
fn a_receiver_in_python_takes_every_delivery_and_nothing_that_was_changed() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        // Where it will be is known once it runs, and what it believes once there is an endpoint.
        let body = json!({"name": "in Python", "url": "http://127.0.0.1:1/"});
        let made: EndpointView = shop.post("/v1/endpoints", &body).await?.view(201)?;
        let secret = made.secrets[0].secret.clone().context("a secret")?;
        let (_running, url) = receiver(&secret).await?;
        let path = format!("/v1/endpoints/{}", made.endpoint_id);
        shop.request(reqwest::Method::PATCH, &path).json(&json!({"url": url})).send().await?.error_for_status()?;
        let subject = order(shop).await?;
        let found = until("the order to be completed there", async || {
            let found: Vec<Value> = taken(&url).await?.into_iter().filter(|one| one["subject"] == *subject).collect();
            Ok(found.iter().any(|one| one["type"] == "order.completed").then_some(found))
        })
        .await?;
        let sequences: Vec<Option<u64>> = found
            .iter()
            .map(|one| serde_json::from_str::<Value>(one["body"].as_str().unwrap_or_default()).ok()?["sequence"].as_u64())
            .collect();
        assert!(sequences.iter().copied().eq((1..=sequences.len() as u64).map(Some)), "{sequences:?}");
        let same = found[0]["body"].as_str().context("a body")?.to_owned();
        assert_eq!(post(&url, &found[0], same.clone()).await?, 204);
        assert_eq!(post(&url, &found[0], same.replace("order", "0rder")).await?, 401);
        assert_eq!(post(&url, &found[1], same).await?, 401, "under another event's signature");
        Ok(())
    })
}
