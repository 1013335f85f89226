//! A receiver of events: it believes nobody who cannot sign, with the standard's own library, and answers as the test wants it to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    Refuses(u16),
    /// 429, with `Retry-After` in seconds.
    IsBusy(u64),
    Redirects,
    /// Takes what it is sent, after so long.
    IsSlow(Duration),
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Taken {
    pub id: String,
    pub event: Value,
    pub was_taken: bool,
}

#[derive(Default)]
struct Inner {
    mood: Option<Mood>,
    /// How it answers about one subject, whatever its mood.
    moods: HashMap<String, Mood>,
    secrets: Vec<String>,
    taken: Vec<Taken>,
    forged: usize,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Inner>>);

impl Shared {
    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub struct Receiver {
    pub url: String,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    pub async fn listen() -> Result<Self> {
        let shared = Shared::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/hooks?token=t-1", listener.local_addr()?);
        let routes = Router::new().route("/hooks", post(receive)).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap_or_default() });
        Ok(Self { url, shared, server })
    }

    pub fn knows(&self, secrets: &[&str]) {
        self.shared.with(|inner| inner.secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect());
    }

    pub fn is(&self, mood: Mood) {
        self.shared.with(|inner| inner.mood = Some(mood));
    }

    pub fn is_about(&self, subject: &str, mood: Mood) {
        self.shared.with(|inner| inner.moods.insert(subject.to_owned(), mood));
    }

    /// Everything that it was sent, in the order in which it came.
    pub fn sent(&self) -> Vec<Taken> {
        self.shared.with(|inner| inner.taken.clone())
    }

    /// What it took, by subject.
    pub fn taken(&self) -> BTreeMap<String, Vec<Value>> {
        let mut taken = BTreeMap::<String, Vec<Value>>::new();
        for one in self.sent().into_iter().filter(|one| one.was_taken) {
            taken.entry(one.event["subject"].as_str().unwrap_or_default().to_owned()).or_default().push(one.event);
        }
        taken
    }

    /// What it took of a subject.
    pub fn taken_of(&self, subject: &str) -> Vec<Value> {
        self.taken().remove(subject).unwrap_or_default()
    }

    /// Every order's events, first deliveries alone, are there from the first on without a gap and in order; what came twice has one id.
    pub fn is_whole(&self) -> Result<()> {
        self.is_whole_of("order/")
    }

    /// The same of all whose subjects begin so.
    pub fn is_whole_of(&self, start: &str) -> Result<()> {
        ensure!(self.shared.with(|inner| inner.forged) == 0, "something came that is not signed");
        for (subject, events) in self.taken().into_iter().filter(|(subject, _)| subject.starts_with(start)) {
            let (mut last, mut ids) = (0, BTreeMap::new());
            for event in &events {
                let (sequence, id) = (event["sequence"].as_u64().context("a number")?, &event["id"]);
                ensure!(ids.entry(sequence).or_insert(id) == &id, "{subject}: two events are number {sequence}");
                ensure!(sequence <= last + 1, "{subject}: {sequence} comes after {last}");
                last = last.max(sequence);
            }
        }
        Ok(())
    }
}

/// Signed by any of the secrets that it knows.
fn is_signed(inner: &Inner, headers: &HeaderMap, body: &[u8]) -> bool {
    let readers = inner.secrets.iter().filter_map(|secret| standardwebhooks::Webhook::new(secret).ok());
    readers.into_iter().any(|reader| reader.verify(body, headers).is_ok())
}

async fn receive(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let mood = shared.with(|inner| {
        if !is_signed(inner, &headers, &body) {
            inner.forged += 1;
            return Mood::Refuses(401);
        }
        let subject = event["subject"].as_str().unwrap_or_default();
        let mood = inner.moods.get(subject).copied().or(inner.mood).unwrap_or(Mood::Takes);
        let was_taken = matches!(mood, Mood::Takes | Mood::IsSlow(_));
        inner.taken.push(Taken { id, event, was_taken });
        mood
    });
    let refused = |status: u16| StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match mood {
        Mood::Takes => StatusCode::NO_CONTENT.into_response(),
        Mood::Refuses(status) => (refused(status), "not today").into_response(),
        Mood::IsBusy(seconds) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response(),
        Mood::Redirects => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/hooks?token=t-1")]).into_response(),
        Mood::IsSlow(pause) => {
            tokio::time::sleep(pause).await;
            StatusCode::OK.into_response()
        }
    }
}
