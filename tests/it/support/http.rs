//! Plain HTTP, as a checkout or an associate's tablet would speak it.

use std::{sync::LazyLock, time::Duration};

use anyhow::{Context, Result, ensure};
use oms_api::problem::{PROBLEM_JSON, Problem};
use oms_server::{DeclaredAccount, DeclaredAccounts};
use oms_store::ApiKey;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ground::Addresses;

/// However busy the machine is.
pub const SIMULATORS_ANSWER_WITHIN: Duration = Duration::from_secs(20);

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);
static KEY: LazyLock<ApiKey> = LazyLock::new(ApiKey::random);

/// What the tests show at every door; it opens everything.
pub fn key() -> &'static str {
    KEY.text().expose_secret()
}

/// The account that it is of.
pub fn accounts() -> Result<DeclaredAccounts> {
    Ok(DeclaredAccounts::default().with(DeclaredAccount::of_all_roles("tests".parse()?, KEY.hash()))?)
}

/// The client of all tests.
pub fn client() -> &'static Client {
    &CLIENT
}

/// A request to a simulator of what lies outside: it answers at once, so that who waits this long waits in vain.
pub fn asked_of_simulator(method: Method, url: &str) -> RequestBuilder {
    CLIENT.request(method, url).timeout(SIMULATORS_ANSWER_WITHIN)
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// JSON, or null when there is no body.
    pub body: Value,
    asked: String,
}

impl Answer {
    /// Sends the request and reads the answer.
    pub async fn to(request: RequestBuilder) -> Result<Self> {
        let request = request.build()?;
        let asked = format!("{} {}", request.method(), request.url().path());
        let response = CLIENT.execute(request).await.with_context(|| asked.clone())?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).with_context(|| asked.clone())? };
        Ok(Self { status, headers, body, asked })
    }

    /// What it says, which must be a success with this status.
    pub fn view<T: DeserializeOwned>(self, status: u16) -> Result<T> {
        ensure!(self.status == status, "{}: expected {status}, got {}: {}", self.asked, self.status, self.body);
        serde_json::from_value(self.body).with_context(|| self.asked)
    }

    /// The problem, which must have this status and code.
    pub fn problem(self, status: u16, code: &str) -> Result<Problem> {
        ensure!(self.status == status, "{}: expected {status} {code}, got {}: {}", self.asked, self.status, self.body);
        let content_type = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        ensure!(content_type == Some(PROBLEM_JSON), "{}: a problem of type {content_type:?}", self.asked);
        let problem: Problem = serde_json::from_value(self.body).with_context(|| self.asked.clone())?;
        ensure!(problem.code.code() == code && problem.status == status, "{}: expected {code}, got {problem:?}", self.asked);
        Ok(problem)
    }
}

/// Ours takes any signature.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20300101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

/// Asks DynamoDB itself.
pub async fn dynamodb(addresses: &Addresses, action: &str, body: &Value) -> Result<Value> {
    let request = client().post(&addresses.dynamodb).header("x-amz-target", format!("DynamoDB_20120810.{action}"));
    let request = request.header("content-type", "application/x-amz-json-1.0").header("authorization", AUTHORIZATION);
    let request = request.header("x-amz-date", "20300101T000000Z");
    Answer::to(request.body(body.to_string())).await?.view(200)
}
