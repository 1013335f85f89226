//! What the door costs: looking at keys and telling the audit trail, and a crowd that holds connections and says nothing, or half of something.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_domain::{clock::BusinessClock, policy::Policy};
use oms_server::{AppState, DeclaredAccount, DeclaredAccounts};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::oneshot,
};

use super::{
    report::Measurement,
    shop::{Shipping, Shop},
};
use crate::{client::Api, demo::stage::Stage, runtime::System};

/// Requests under way at a time.
const IN_FLIGHT: usize = 16;
/// Of each run.
const READS: u32 = 10_000;
const PLACED: u32 = 300;
/// A second look at the lock may cost so much of what is answered.
const AT_LEAST: f64 = 0.95;
/// Who holds a connection and says nothing, and who has sent half a request.
const IDLE: usize = 10_000;
const HALF_SENT: usize = 512;
const TIMES_MAX: f64 = 2.0;

pub async fn measure(stage: &Stage, pairs: u32) -> Result<Vec<Measurement>> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let (once, twice) = (Locked::once(&system).await?, Locked::twice(&system).await?);
    let shop = Shop::open(system.client()?).await?;
    let measured = tokio::select! {
        measured = measure_all(&system, [&once, &twice], &shop, pairs) => measured,
        served = shop.serve() => served.and_then(|()| anyhow::bail!("the shop closed")),
    };
    once.close().await?;
    twice.close().await?;
    system.stop().await?;
    measured
}

async fn measure_all(system: &System, [open, locked_twice]: [&Locked; 2], shop: &Shop, pairs: u32) -> Result<Vec<Measurement>> {
    let order_id = shop.order(Shipping::ShipOnly).await?;
    let (once, twice) = (open.client(system)?, locked_twice.client(system)?);
    let (mut reads, mut placed, mut crowded) = (Vec::new(), Vec::new(), Vec::new());
    waits(&once, &order_id).await?;
    waits(&twice, &order_id).await?;
    let read = async |api: &Api| anyhow::Ok(rate(&waits(api, &order_id).await?));
    for pair in 0..pairs {
        reads.push(in_turn(pair, read, &once, &twice).await?);
        let alone = waits(&once, &order_id).await?;
        let crowd = Crowd::gather(system, &open.url).await?;
        let beside = waits(&once, &order_id).await?;
        crowd.leave().await?;
        crowded.push((p99_ms(&alone), p99_ms(&beside)));
    }
    // The others would wait for what is made of these.
    let place = async |api: &Api| shop.placed_per_second(api, PLACED, IN_FLIGHT).await;
    for pair in 0..pairs {
        placed.push(in_turn(pair, place, &once, &twice).await?);
    }
    Ok(vec![
        Measurement::ratio("GET of an order where the lock is asked twice", &reads, "1/s", AT_LEAST),
        Measurement::ratio("orders placed where the lock is asked twice", &placed, "1/s", AT_LEAST),
        Measurement::times(
            format!("GET of an order beside {IDLE} idle connections and {HALF_SENT} half requests, p99"),
            &crowded,
            "ms",
            TIMES_MAX,
        ),
    ])
}

/// Yardstick and figure of a pair, now the one first and now the other: whatever the machine does meanwhile befalls both.
async fn in_turn(pair: u32, measure: impl AsyncFn(&Api) -> Result<f64>, once: &Api, twice: &Api) -> Result<(f64, f64)> {
    if pair.is_multiple_of(2) {
        return Ok((measure(once).await?, measure(twice).await?));
    }
    let figure = measure(twice).await?;
    Ok((measure(once).await?, figure))
}

/// What a run of reads took: all of it, and each.
struct Waits {
    all: Duration,
    each: Vec<Duration>,
}

async fn waits(api: &Api, order_id: &str) -> Result<Waits> {
    let began = Instant::now();
    let read = |_| async move {
        let asked = Instant::now();
        api.get(&["v1", "orders", order_id], &[]).await?;
        anyhow::Ok(asked.elapsed())
    };
    let mut each: Vec<Duration> = stream::iter(0..READS).map(read).buffer_unordered(IN_FLIGHT).try_collect().await?;
    each.sort_unstable();
    Ok(Waits { all: began.elapsed(), each })
}

fn rate(waits: &Waits) -> f64 {
    waits.each.len() as f64 / waits.all.as_secs_f64()
}

fn p99_ms(waits: &Waits) -> f64 {
    waits.each.get(waits.each.len() * 99 / 100).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1_000.0)
}

/// The same API again on the same databases. One with a lock that is asked twice, beside one like it: what it answers less is what a lock costs.
struct Locked {
    url: String,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Locked {
    async fn once(system: &System) -> Result<Self> {
        Self::open(system, |state| state).await
    }

    async fn twice(system: &System) -> Result<Self> {
        Self::open(system, AppState::locked_twice).await
    }

    async fn open(system: &System, lock: fn(AppState) -> AppState) -> Result<Self> {
        let all = DeclaredAccount::of_all_roles("bench".parse()?, system.api_key.hash());
        let state = AppState::new(system.store.clone(), system.starter.clone());
        let state = lock(state.declaring(DeclaredAccounts::default().with(all)?));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        Ok(Self { url, stop, server: tokio::spawn(oms_server::serve(state, listener, async { drop(stopped.await) })) })
    }

    fn client(&self, system: &System) -> Result<Api> {
        Ok(Api::new(&self.url)?.showing(Some(system.api_key.text().clone())))
    }

    async fn close(self) -> Result<()> {
        drop(self.stop);
        Ok(self.server.await??)
    }
}

/// Many who hold connections, in a process of their own: both ends of them all would be more than one may have open.
struct Crowd(Child);

impl Crowd {
    async fn gather(system: &System, url: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "--crowd", url]).env("OMS_API_KEY", system.api_key.text().expose_secret());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("what the crowd says")?).lines();
        ensure!(lines.next_line().await?.as_deref() == Some(GATHERED), "the crowd did not come together");
        Ok(Self(child))
    }

    async fn leave(mut self) -> Result<()> {
        drop(self.0.stdin.take());
        self.0.wait().await?;
        Ok(())
    }
}

const GATHERED: &str = "gathered";

/// Is the crowd, until nobody wants it any more.
///
/// # Errors
/// When not all of it gets a connection.
pub async fn be_a_crowd(api_url: &str) -> Result<()> {
    let address = api_url.trim_start_matches("http://").to_owned();
    let key = std::env::var("OMS_API_KEY").context("OMS_API_KEY")?;
    let half = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: oms\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let mut held = Vec::with_capacity(IDLE + HALF_SENT);
    for n in 0..IDLE + HALF_SENT {
        let mut stream = TcpStream::connect(&address).await.with_context(|| format!("connection {n}"))?;
        if n >= IDLE {
            stream.write_all(half.as_bytes()).await?;
        }
        held.push(stream);
    }
    crate::output::line(GATHERED)?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    drop(held);
    Ok(())
}
