//! What it takes to have events delivered: beside a bare client that posts the same bodies, with a dead and a slow receiver beside others, and when
//! nothing else is to be done.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use oms_domain::{clock::BusinessClock, policy::Policy};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::report::Measurement;
use crate::{client::Api, demo::stage::Stage, runtime::System};

/// Events of each run, and requests under way at a time: as many as one endpoint has.
const EVENTS: u32 = 2_000;
const IN_FLIGHT: usize = 8;
/// What an event costs beyond its POST.
const AT_LEAST: f64 = 0.5;
/// Endpoints that are told the same, of which one is dead and one is slow.
const ENDPOINTS: usize = 100;
/// Events of a run that all of them are told, one after the other.
const TOLD: u32 = 20;
const TIMES_MAX: f64 = 1.2;
const IDLE_MAX_MS: f64 = 300.0;
const PATIENCE: Duration = Duration::from_secs(180);

pub async fn measure(stage: &Stage, pairs: u32) -> Result<Vec<Measurement>> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let measured = measure_all(&system, pairs).await;
    system.stop().await?;
    measured
}

async fn measure_all(system: &System, pairs: u32) -> Result<Vec<Measurement>> {
    let api = system.client()?;
    let (mut rates, mut idle, mut crowded) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..pairs {
        rates.push(rate_pair(system, &api, pair).await?);
    }
    for pair in 0..pairs {
        let receivers = Receivers::listen(&api, 1).await?;
        idle.push(median(lags(system, &receivers, &format!("idle-{pair}"), 1).await?));
        receivers.leave(&api).await?;
    }
    for pair in 0..pairs {
        let receivers = Receivers::listen(&api, ENDPOINTS).await?;
        let well = p99(lags(system, &receivers, &format!("well-{pair}"), ENDPOINTS).await?);
        receivers.fall_ill();
        let ill = p99(lags(system, &receivers, &format!("ill-{pair}"), ENDPOINTS - 2).await?);
        receivers.leave(&api).await?;
        crowded.push((well, ill));
    }
    Ok(vec![
        Measurement::ratio("events delivered, against a client that posts the same bodies", &rates, "1/s", AT_LEAST),
        Measurement::at_most("from what happened to its receiver, idle, p50", &idle, "ms", IDLE_MAX_MS),
        Measurement::times(format!("the same of {ENDPOINTS} endpoints, one of them dead and one slow, p99"), &crowded, "ms", TIMES_MAX),
    ])
}

/// The bare client's rate, and that of deliveries.
async fn rate_pair(system: &System, api: &Api, pair: u32) -> Result<(f64, f64)> {
    let receivers = Receivers::listen(api, 1).await?;
    let began = Instant::now();
    system.store.bench_events(&format!("rate-{pair}"), EVENTS).await?;
    receivers.until(EVENTS as usize, 1).await?;
    let delivered = f64::from(EVENTS) / began.elapsed().as_secs_f64();
    let bodies = receivers.first().bodies();
    let bare = Receiver::listen().await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let began = Instant::now();
    let post = |body: String| {
        let request = client.post(bare.url.clone()).header("content-type", "application/json").body(body);
        async move { anyhow::Ok(drop(request.send().await?.error_for_status()?)) }
    };
    stream::iter(bodies).map(post).buffer_unordered(IN_FLIGHT).try_collect::<Vec<()>>().await?;
    let posted = f64::from(EVENTS) / began.elapsed().as_secs_f64();
    receivers.leave(api).await?;
    Ok((posted, delivered))
}

/// From what happened to each of the receivers that are well, in milliseconds.
async fn lags(system: &System, receivers: &Receivers, run: &str, well: usize) -> Result<Vec<f64>> {
    let before = receivers.first().bodies().len();
    for n in 0..TOLD {
        system.store.bench_events(&format!("{run}-{n}"), 1).await?;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    receivers.until(before + TOLD as usize, well).await?;
    Ok(receivers.lags(before, well))
}

fn p99(mut lags: Vec<f64>) -> f64 {
    lags.sort_by(f64::total_cmp);
    lags.get(lags.len() * 99 / 100).copied().unwrap_or(f64::NAN)
}

fn median(mut lags: Vec<f64>) -> f64 {
    lags.sort_by(f64::total_cmp);
    lags.get(lags.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Receivers with their endpoints.
struct Receivers(Vec<(String, Receiver)>);

impl Receivers {
    async fn listen(api: &Api, count: usize) -> Result<Self> {
        let mut all = Vec::with_capacity(count);
        for n in 0..count {
            let receiver = Receiver::listen().await?;
            let made = api.post(&["v1", "endpoints"], &json!({"name": format!("bench {n}"), "url": receiver.url})).await?;
            all.push((made["endpoint_id"].as_str().context("an endpoint")?.to_owned(), receiver));
        }
        // Each is somebody's by then.
        tokio::time::sleep(Duration::from_secs(4)).await;
        Ok(Self(all))
    }

    fn first(&self) -> &Receiver {
        &self.0[0].1
    }

    /// The last one takes nothing any more, and the one before its time.
    fn fall_ill(&self) {
        for ((_, receiver), mood) in self.0.iter().rev().zip([DEAD, SLOW]) {
            receiver.mood.store(mood, Ordering::Relaxed);
        }
    }

    /// Until the first ones have so many.
    async fn until(&self, count: usize, well: usize) -> Result<()> {
        let began = Instant::now();
        while self.0.iter().take(well).any(|(_, receiver)| receiver.count() < count) {
            if began.elapsed() > PATIENCE {
                bail!("{count} events did not arrive within {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    fn lags(&self, from: usize, well: usize) -> Vec<f64> {
        self.0.iter().take(well).flat_map(|(_, receiver)| receiver.lags(from)).collect()
    }

    async fn leave(self, api: &Api) -> Result<()> {
        for (id, _) in &self.0 {
            api.delete(&["v1", "endpoints", id]).await?;
        }
        Ok(())
    }
}

const DEAD: usize = 1;
const SLOW: usize = 2;
const SLOW_FOR: Duration = Duration::from_secs(5);

/// Takes whatever it is sent: no server to speak of, so that the measured one is the other.
struct Receiver {
    url: String,
    taken: Taken,
    mood: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

type Taken = Arc<Mutex<Vec<(Timestamp, String)>>>;

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    async fn listen() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (taken, mood) = (Taken::default(), Arc::new(AtomicUsize::default()));
        let (into, how) = (Arc::clone(&taken), Arc::clone(&mood));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&into), Arc::clone(&how)));
            }
        });
        Ok(Self { url, taken, mood, server })
    }

    fn with<T>(&self, look: impl FnOnce(&[(Timestamp, String)]) -> T) -> T {
        look(&self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(&self) -> usize {
        self.with(<[_]>::len)
    }

    fn bodies(&self) -> Vec<String> {
        self.with(|taken| taken.iter().map(|(_, body)| body.clone()).collect())
    }

    fn lags(&self, from: usize) -> Vec<f64> {
        let lag = |(at, body): &(Timestamp, String)| {
            let event: Value = serde_json::from_str(body).ok()?;
            let happened: Timestamp = event["time"].as_str()?.parse().ok()?;
            Some(at.duration_since(happened).as_secs_f64() * 1_000.0)
        };
        self.with(|taken| taken.iter().skip(from).filter_map(lag).collect())
    }
}

/// A connection: requests with a length, one after the other, until it ends.
async fn serve(stream: TcpStream, taken: Taken, mood: Arc<AtomicUsize>) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(body)) = request(&mut stream).await {
        let mood = mood.load(Ordering::Relaxed);
        if mood == SLOW {
            tokio::time::sleep(SLOW_FOR).await;
        }
        let status = if mood == DEAD { "503 Service Unavailable" } else { "204 No Content" };
        taken.lock().unwrap_or_else(PoisonError::into_inner).push((Timestamp::now(), body));
        let length = if mood == DEAD { "content-length: 0\r\n" } else { "" };
        if stream.get_mut().write_all(format!("HTTP/1.1 {status}\r\n{length}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The body of the next request; None: there is none.
async fn request(stream: &mut BufReader<TcpStream>) -> Result<Option<String>> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            length = value.trim().parse().with_context(|| format!("{name}: {value}"))?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(String::from_utf8(body)?))
}
