//! A way for HTTP calls on which things go wrong.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// Longer than any client waits.
const SILENCE: Duration = Duration::from_secs(120);
const BODY_MAX: usize = 64 << 20;

/// What becomes of the calls.
#[derive(Debug, Clone, Default)]
pub enum Mode {
    #[default]
    Pass,
    /// Nobody answers.
    Away,
    /// Each call takes longer.
    Slow(Duration),
    /// So many of a hundred calls are carried out, and their answer is lost.
    LoseAnswers { percent: u64 },
    /// Calls are not carried out and answered so.
    Answer { status: u16, content_type: &'static str, body: &'static str },
    /// Calls like this, under an idempotency key like that, fail and are not carried out.
    Refuse { in_call: &'static str, in_key: &'static str },
    /// Calls are carried out, and answered with what the call before was.
    AnswersOfOthers,
    /// Writes to DynamoDB are answered that there were too many.
    ThrottleWrites,
}

/// Something that is to happen when a call comes by.
#[derive(Debug, Clone)]
pub struct Trap {
    /// In its path, in what it asks of DynamoDB, or in the words of a statement.
    pub in_call: &'static str,
    /// Whether it is carried out first.
    pub after: bool,
}

struct Shared {
    to: String,
    client: reqwest::Client,
    mode: Mutex<Mode>,
    trap: Mutex<Option<Trap>>,
    sprung: Notify,
    calls: Mutex<u64>,
    answered: Mutex<Option<Answered>>,
}

type Answered = (StatusCode, HeaderMap, Bytes);

/// Stands between clients and a server.
pub struct HttpProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl HttpProxy {
    /// In front of the base URL.
    pub async fn start(to: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let client = reqwest::Client::builder().build()?;
        let shared = Arc::new(Shared {
            to,
            client,
            mode: Mutex::default(),
            trap: Mutex::default(),
            sprung: Notify::new(),
            calls: Mutex::default(),
            answered: Mutex::default(),
        });
        let app = Router::new().fallback(carry).with_state(shared.clone());
        let serving = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { address, shared, serving })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it stands before.
    pub fn to(&self) -> &str {
        &self.shared.to
    }

    pub fn set(&self, mode: Mode) {
        *lock(&self.shared.mode) = mode;
    }

    /// Waits until such a call comes by. It is held up, and never answered.
    pub async fn caught(&self, trap: Trap) {
        *lock(&self.shared.trap) = Some(trap);
        self.shared.sprung.notified().await;
    }

    pub fn disarm(&self) {
        *lock(&self.shared.trap) = None;
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn carry(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let call = format!("{} {} {}", request.method(), request.uri().path(), target(request.headers()));
    let trap = lock(&shared.trap).take_if(|trap| call.contains(trap.in_call));
    if trap.as_ref().is_some_and(|trap| !trap.after) {
        return fall_silent(&shared).await;
    }
    let mode = lock(&shared.mode).clone();
    match mode {
        Mode::Away => return StatusCode::BAD_GATEWAY.into_response(),
        Mode::Slow(by) => tokio::time::sleep(by).await,
        Mode::Answer { status, content_type, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        }
        Mode::ThrottleWrites if is_write(&call) => return throttled(),
        Mode::Refuse { in_call, in_key } if call.contains(in_call) && key(request.headers()).contains(in_key) => {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Mode::Pass | Mode::LoseAnswers { .. } | Mode::ThrottleWrites | Mode::Refuse { .. } | Mode::AnswersOfOthers => {}
    }
    let answer = forward(&shared, request).await;
    if trap.is_some() {
        return fall_silent(&shared).await;
    }
    if matches!(mode, Mode::AnswersOfOthers) {
        return before(&shared, answer).await;
    }
    if let Mode::LoseAnswers { percent } = mode
        && call.starts_with("POST")
        && next(&shared) * 37 % 100 < percent
    {
        tokio::time::sleep(SILENCE).await;
    }
    answer
}

/// What the call before was answered, if there was one.
async fn before(shared: &Shared, answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else { return StatusCode::BAD_GATEWAY.into_response() };
    let this = (parts.status, parts.headers, body);
    lock(&shared.answered).replace(this.clone()).unwrap_or(this).into_response()
}

fn next(shared: &Shared) -> u64 {
    let mut calls = lock(&shared.calls);
    *calls += 1;
    *calls
}

async fn fall_silent(shared: &Shared) -> Response {
    shared.sprung.notify_one();
    tokio::time::sleep(SILENCE).await;
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

async fn forward(shared: &Shared, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = shared.client.request(parts.method, format!("{}{path}", shared.to)).headers(end_to_end(parts.headers)).body(body);
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
    match answer.bytes().await {
        Ok(body) => (status, headers, Body::from(body)).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Without what is between two neighbours only.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    headers
}

/// What is asked of DynamoDB.
fn target(headers: &HeaderMap) -> &str {
    headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn key(headers: &HeaderMap) -> &str {
    headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_write(call: &str) -> bool {
    ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"].iter().any(|write| call.ends_with(write))
}

fn throttled() -> Response {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"too many writes"}"#;
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}
