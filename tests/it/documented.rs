//! The examples of docs/api.md, from the first to the last, each with a key of the role that it names.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use oms_domain::policy::Policy;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Shop, http::client, in_own_shop, runtime::until};

const TEXT: &str = include_str!("../../docs/api.md");
const FENCE: &str = "```http ";

/// A request, who sends it, and the status of the answer.
struct Example {
    role: String,
    status: u16,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn examples() -> Result<Vec<Example>> {
    TEXT.split(FENCE).skip(1).map(|rest| example(rest.split("```").next().unwrap_or_default())).collect()
}

fn example(text: &str) -> Result<Example> {
    let mut lines = text.lines();
    let (role, status) = lines.next().and_then(|line| line.split_once(' ')).context("a role and a status")?;
    let (method, path) = lines.next().and_then(|line| line.split_once(' ')).context("a method and a path")?;
    let headers = lines.by_ref().take_while(|line| !line.is_empty());
    let headers = headers.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Example {
        role: role.to_owned(),
        status: status.trim().parse()?,
        method: method.parse()?,
        path: path.to_owned(),
        headers: headers.collect(),
        body: lines.collect::<Vec<_>>().join("\n"),
    })
}

/// The key of an account of this role alone.
async fn key(shop: &Shop, role: &str) -> Result<String> {
    let account: Value =
        shop.post("/v1/accounts", &json!({"name": format!("the {role} of the examples"), "roles": [role]})).await?.view(201)?;
    let path = format!("/v1/accounts/{}/keys", account["account_id"].as_str().context("an account")?);
    let made: Value = shop.post(&path, &json!({})).await?.view(201)?;
    Ok(made["key"].as_str().context("a key")?.to_owned())
}

async fn send(shop: &Shop, example: &Example, key: &str) -> Result<Answer> {
    let mut request = shop.request(example.method.clone(), &example.path).build()?;
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse()?);
    for (name, value) in &example.headers {
        request.headers_mut().insert(reqwest::header::HeaderName::try_from(name)?, value.parse()?);
    }
    if !example.body.is_empty() {
        request.headers_mut().insert("content-type", "application/json".parse()?);
        *request.body_mut() = Some(example.body.clone().into());
    }
    Answer::to(reqwest::RequestBuilder::from_parts(client().clone(), request)).await
}

#[test]
fn the_examples_of_the_documentation_are_as_the_api_is() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        let examples = examples()?;
        ensure!(examples.len() > 15, "{}", examples.len());
        for example in &examples {
            if !keys.contains_key(&example.role) {
                keys.insert(example.role.clone(), key(shop, &example.role).await?);
            }
            let answer = send(shop, example, &keys[&example.role]).await?;
            ensure!(answer.status == example.status, "{} {}: {} {}", example.method, example.path, answer.status, answer.body);
            if let Some(made) = answer.body["order_id"].as_str().filter(|_| example.path == "/v1/orders") {
                shop.note(made.parse()?);
            }
        }
        let first: Value = shop.get("/v1/orders?order_number=%231001").await?.view(200)?;
        let id = first["items"][0]["order_id"].as_str().context("the order")?.to_owned();
        let order =
            shop.until(&id.parse()?, "be released", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        shop.fulfill(&order).await?;
        for id in [id.as_str(), "A-1001"] {
            until("its end", async || Ok((shop.order(&id.parse()?).await?.status == "completed").then_some(()))).await?;
        }
        Ok(())
    })
}
