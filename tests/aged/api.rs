//! The HTTP API, as any client sees it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{
    RequestBuilder,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::Value;

const ANSWER_WITHIN: Duration = Duration::from_secs(60);
const PAGE: usize = 500;

pub struct Api {
    http: reqwest::Client,
    url: String,
}

/// An event of a timeline, by what tells it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub kind: String,
}

impl Api {
    pub fn new(url: &str, key: &str) -> Result<Self> {
        let mut shown = HeaderValue::from_str(&format!("Bearer {key}"))?;
        shown.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, shown)]);
        Ok(Self { http: reqwest::Client::builder().timeout(ANSWER_WITHIN).default_headers(headers).build()?, url: url.to_owned() })
    }

    /// What is there.
    ///
    /// # Errors
    /// On any answer but 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let (status, answer) = answer(self.http.get(format!("{}{path}", self.url))).await.with_context(|| path.to_owned())?;
        ensure!(status == 200, "GET {path}: {status} {answer}");
        Ok(answer)
    }

    /// Sends a body to the byte.
    pub async fn post(&self, path: &str, body: String) -> Result<(u16, Value)> {
        let request = self.http.post(format!("{}{path}", self.url)).header(CONTENT_TYPE, "application/json").body(body);
        answer(request).await.with_context(|| path.to_owned())
    }

    pub async fn order(&self, id: &str) -> Result<Value> {
        self.get(&format!("/v1/orders/{id}")).await
    }

    /// An order's whole timeline.
    pub async fn events(&self, id: &str) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        loop {
            let page = self.get(&format!("/v1/orders/{id}/events?limit={PAGE}&cursor={}", events.len())).await?;
            let items = page["items"].as_array().context("events")?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            events.extend(items.iter().map(|event| Event { id: text(&event["id"]), kind: text(&event["type"]) }));
            if items.len() < PAGE {
                return Ok(events);
            }
        }
    }
}

async fn answer(request: RequestBuilder) -> Result<(u16, Value)> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into())))
}
