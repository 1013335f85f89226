//! What stands in for Amazon's services, and somebody in front of it who is not always well.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{
    neighbours::home,
    support::{http::client, runtime::until},
};

pub const REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "123456789012";
const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// How requests fare on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Passes,
    /// There are too many of them.
    Throttles,
    /// None arrives.
    IsDown,
    /// They arrive, and nobody hears of it.
    LosesAnswers,
    /// Of several events in one request every second one fails.
    TakesSome,
}

#[derive(Clone)]
struct Front {
    behind: String,
    mood: Arc<Mutex<Mood>>,
}

/// The stand-in. It ends with the test.
pub struct Moto {
    /// Where it is for the house.
    pub url: String,
    front: Front,
    server: JoinHandle<()>,
    _process: Child,
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Moto {
    pub async fn start() -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port();
        let mut command = Command::new(home()?.join("bin/moto_server"));
        command.args(["-H", "127.0.0.1", "-p"]).arg(port.to_string()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().context("moto does not start")?;
        let behind = format!("http://127.0.0.1:{port}");
        let health = format!("{behind}/moto-api/data.json");
        until("moto to answer", async || Ok(client().get(&health).send().await.ok())).await?;
        let front = Front { behind, mood: Arc::new(Mutex::new(Mood::Passes)) };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new().fallback(pass).with_state(front.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap_or_default() });
        Ok(Self { url, front, server, _process: process })
    }

    pub fn is(&self, mood: Mood) {
        *self.front.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// Asks it behind the one in front, in a service's own words.
    async fn ask(&self, service: &str, action: &str, body: &Value) -> Result<Value> {
        let request = client().post(&self.front.behind).header(header::AUTHORIZATION, signed_for(service, REGION));
        let request = request.header("x-amz-target", action).header(header::CONTENT_TYPE, "application/x-amz-json-1.1");
        let response = request.body(body.to_string()).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{action}: {status} {text}");
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    /// A queue of this name; its ARN.
    pub async fn queue(&self, name: &str) -> Result<String> {
        self.ask("sqs", "AmazonSQS.CreateQueue", &json!({"QueueName": name})).await?;
        Ok(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"))
    }

    /// A bus of this name that sends whatever comes to a queue of the same name; its ARN.
    pub async fn bus(&self, name: &str) -> Result<String> {
        let queue = self.queue(name).await?;
        self.ask("events", "AWSEvents.CreateEventBus", &json!({"Name": name})).await?;
        let pattern = json!({"account": [ACCOUNT]}).to_string();
        let rule = json!({"Name": "all", "EventBusName": name, "EventPattern": pattern});
        self.ask("events", "AWSEvents.PutRule", &rule).await?;
        let targets = json!({"Rule": "all", "EventBusName": name, "Targets": [{"Id": "1", "Arn": queue}]});
        self.ask("events", "AWSEvents.PutTargets", &targets).await?;
        Ok(format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"))
    }

    pub async fn send(&self, queue: &str, body: &str) -> Result<()> {
        let asked = json!({"QueueUrl": self.url_of(queue), "MessageBody": body});
        self.ask("sqs", "AmazonSQS.SendMessage", &asked).await.map(drop)
    }

    /// Puts an event on a bus.
    pub async fn put(&self, bus: &str, kind: &str, detail: &Value) -> Result<()> {
        let entry = json!({"EventBusName": bus, "Source": "shop", "DetailType": kind, "Detail": detail.to_string()});
        self.ask("events", "AWSEvents.PutEvents", &json!({"Entries": [entry]})).await.map(drop)
    }

    /// What is in a queue, which is empty afterwards.
    pub async fn take_all(&self, queue: &str) -> Result<Vec<Value>> {
        let url = self.url_of(queue);
        let mut taken = Vec::new();
        loop {
            let asked = json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0});
            let answer = self.ask("sqs", "AmazonSQS.ReceiveMessage", &asked).await?;
            let Some(messages) = answer["Messages"].as_array() else { return Ok(taken) };
            for message in messages {
                taken.push(serde_json::from_str(message["Body"].as_str().context("a body")?)?);
                let done = json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]});
                self.ask("sqs", "AmazonSQS.DeleteMessage", &done).await?;
            }
        }
    }

    /// How many messages a queue has, those included that somebody has taken and not put away.
    pub async fn depth(&self, queue: &str) -> Result<u64> {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let asked = json!({"QueueUrl": self.url_of(queue), "AttributeNames": names});
        let answer = self.ask("sqs", "AmazonSQS.GetQueueAttributes", &asked).await?;
        names.iter().map(|name| Ok(answer["Attributes"][name].as_str().context("a figure")?.parse::<u64>()?)).sum()
    }

    pub async fn bucket(&self, name: &str) -> Result<()> {
        self.at(reqwest::Method::PUT, name, Vec::new()).await
    }

    pub async fn put_object(&self, path: &str, body: &[u8]) -> Result<()> {
        self.at(reqwest::Method::PUT, path, body.to_vec()).await
    }

    pub async fn delete_object(&self, path: &str) -> Result<()> {
        self.at(reqwest::Method::DELETE, path, Vec::new()).await
    }

    async fn at(&self, method: reqwest::Method, path: &str, body: Vec<u8>) -> Result<()> {
        // Of the region in which a bucket needs no place.
        let request = client().request(method, format!("{}/{path}", self.front.behind));
        let response = request.header(header::AUTHORIZATION, signed_for("s3", "us-east-1")).body(body).send().await?;
        ensure!(response.status().is_success(), "{path}: {}", response.status());
        Ok(())
    }

    fn url_of(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.front.behind)
    }
}

/// It goes by whom a signature claims to be of, and does not look at the signature.
fn signed_for(service: &str, region: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=local/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0")
}

async fn pass(State(front): State<Front>, request: Request) -> Response {
    let mood = *front.mood.lock().unwrap_or_else(PoisonError::into_inner);
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX_BYTES).await else { return StatusCode::BAD_REQUEST.into_response() };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let on = |body: Bytes| {
        let request = client().request(parts.method.clone(), format!("{}{path}", front.behind)).headers(on_its_way(&parts.headers));
        async move { request.body(body).send().await }
    };
    let is_put = parts.headers.get("x-amz-target").is_some_and(|target| target == "AWSEvents.PutEvents");
    let answer = match mood {
        Mood::Passes => on(body).await,
        Mood::TakesSome if is_put => return take_some(&body, on).await.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response()),
        Mood::TakesSome => on(body).await,
        Mood::Throttles => return throttled(&parts.headers),
        Mood::IsDown => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::LosesAnswers => {
            drop(on(body).await);
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    match answer {
        Ok(answer) => back(answer).await,
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn on_its_way(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
        headers.remove(name);
    }
    headers
}

async fn back(answer: reqwest::Response) -> Response {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    (status, headers, Body::from(answer.bytes().await.unwrap_or_default())).into_response()
}

fn throttled(headers: &HeaderMap) -> Response {
    let kind = |text: &'static str| [(header::CONTENT_TYPE, text)];
    if headers.contains_key(HeaderName::from_static("x-amz-target")) {
        let body = json!({"__type": "ThrottlingException", "message": "Rate exceeded"}).to_string();
        return (StatusCode::BAD_REQUEST, kind("application/x-amz-json-1.1"), body).into_response();
    }
    let body = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    (StatusCode::SERVICE_UNAVAILABLE, kind("application/xml"), body).into_response()
}

/// Every second entry fails by itself; of one alone, that one.
async fn take_some<F>(body: &[u8], on: impl Fn(Bytes) -> F) -> Result<Response>
where
    F: Future<Output = reqwest::Result<reqwest::Response>>,
{
    let asked: Value = serde_json::from_slice(body)?;
    let entries = asked["Entries"].as_array().context("entries")?;
    let fails = |n: usize| n % 2 == 1 || entries.len() == 1;
    let good: Vec<&Value> = entries.iter().enumerate().filter(|(n, _)| !fails(*n)).map(|(_, entry)| entry).collect();
    let mut taken = Vec::new();
    if !good.is_empty() {
        let answer: Value = on(Bytes::from(json!({"Entries": good}).to_string())).await?.json().await?;
        taken = answer["Entries"].as_array().context("what was taken")?.clone();
    }
    let failed = json!({"ErrorCode": "InternalFailure", "ErrorMessage": "on purpose"});
    let mut taken = taken.into_iter();
    let all: Vec<Value> = (0..entries.len()).map(|n| if fails(n) { failed.clone() } else { taken.next().unwrap_or_default() }).collect();
    let failures = all.iter().filter(|entry| entry.get("ErrorCode").is_some()).count();
    let answer = json!({"FailedEntryCount": failures, "Entries": all}).to_string();
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], answer).into_response())
}
