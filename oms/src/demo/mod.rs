//! `oms demo`: real orders, replayed from entry to delivered on the whole system, by its own clock and through its own API.

mod associates;
mod carrier;
mod customers;
pub(crate) mod data;
pub(crate) mod figures;
pub(crate) mod generate;
mod mishaps;
mod packing;
mod returns;
pub(crate) mod stage;
mod standing;
mod standing_open;
mod streams;
mod text;
mod watch;
mod world;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use oms_activities::adapters::Credential;
use oms_api::facility::FacilityBody;
use oms_devstack::StackOptions;
use oms_domain::{
    clock::BusinessClock,
    error::ErrorCode,
    ids::{OrderId, ProviderId},
    order::Order,
    policy::Policy,
};
use oms_store::Store;
use serde_json::json;
use tokio::time::Instant;

use self::{
    associates::Associates,
    carrier::Carrier,
    data::Data,
    figures::{Figures, Outcome, Pace, Played, Workflows},
    stage::{Stage, feed},
    standing::Standing,
    streams::{Streams, Told},
    watch::Watch,
    world::World,
};
use crate::{
    client::Api,
    client::insights_report::report,
    commands::dev::ToolArgs,
    config::{AdapterKind, Adapters},
    exit::Coded,
    output::{self, Format},
    reconcile::{Books, Reconciliation, Scope, reconcile},
    runtime::System,
};

/// Real seconds that a day of business takes, unless said: a busy day's 140 orders are what two cores carry in that time.
const SECONDS_A_DAY: u32 = if cfg!(debug_assertions) { 20 } else { 10 };
const DAY_SECONDS: u32 = 24 * 60 * 60;
/// Orders looked at side by side.
const LOOKS_AT_ONCE: usize = 16;
/// Orders that have not moved for so long will not move any more.
const STILL_FOR: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Orders to replay, unless it is said how many.
const ORDERS: u32 = 200;

/// `oms demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder with recorded orders and what goes with them [default: a data set drawn from the seed].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Orders to replay, from the first [default: 200; with --console 1400, a month].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    orders: Option<u32>,
    /// Afterwards serve what was played, with some orders of today, until Ctrl-C: pages to click through, for people of each role.
    #[arg(long)]
    console: bool,
    /// Seed of the drawn data set.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Business seconds to a real second [default: a day in 20 s, in 10 s in a release build].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    time_scale: Option<u32>,
    /// Weeks after the last order in which goods still come in, for orders that wait for them.
    #[arg(long, default_value_t = 2, value_name = "N")]
    weeks_after: u32,
    /// File that figures on the orders are written to, as a page that opens without a server.
    #[arg(long, default_value = "insights.html", value_name = "FILE")]
    insights: PathBuf,
    /// Folder that keeps the state of everything, to be looked at with `oms dev` [default: nothing is kept].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// In whose shapes the simulated gateway and carrier are spoken to: the house's own, or Stripe's and EasyPost's.
    #[arg(long, value_enum, default_value_t = Shapes::Own)]
    shapes: Shapes,
    /// How facilities, products, stock and orders come in, and events are read: by the API, or by S3, SQS and EventBridge, reached by Amazon's
    /// own settings (AWS_ENDPOINT_URL names a stand-in).
    #[arg(long, value_enum, default_value_t = Through::Api)]
    through: Through,
    #[command(flatten)]
    tools: ToolArgs,
}

/// In whose shapes what lies outside is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shapes {
    Own,
    /// Stripe's and EasyPost's.
    Foreign,
}

/// How things come in and go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Through {
    Api,
    /// S3, SQS and EventBridge.
    Streams,
}

/// What customs ask for of each line, where nobody has said it.
const CUSTOMS: [(&str, &str); 2] = [("hs_code", "950300"), ("origin_country", "GB")];

impl DemoArgs {
    /// Plays, and prints what happened.
    ///
    /// # Errors
    /// `refused_by_rule` when an invariant is broken, or an order is neither over nor waits for a reason; when a part cannot be started.
    pub async fn run(self, format: Format) -> Result<()> {
        let tools = self.tools.tools()?;
        let progress = tools.progress().clone();
        let step = progress.step("Reading the data");
        let mut data = self.data()?;
        if self.shapes == Shapes::Foreign {
            let lines = data.orders.iter_mut().flat_map(|order| &mut order.lines);
            lines.for_each(|line| line.carried.properties.extend(CUSTOMS.map(|(name, value)| (name.to_owned(), value.to_owned()))));
        }
        drop(step);
        let servers = match &self.data_dir {
            Some(folder) => StackOptions::kept(folder, tools),
            None => StackOptions::ephemeral(tools),
        };
        let mut stage = Stage::build(servers, true).await?;
        if self.shapes == Shapes::Foreign {
            stage.options.adapters = Adapters::foreign(&stage.stack.payment_gateway_url, &stage.stack.carrier_url);
        }
        progress.say(&format!("Temporal's UI: {}", stage.stack.temporal_ui_url.as_deref().unwrap_or("none")));
        let streams = match self.through {
            Through::Api => None,
            Through::Streams => Some(Arc::new(Streams::build().await?)),
        };
        stage.options.cloud = streams.as_ref().map(|streams| streams.cloud()).unwrap_or_default();
        let played = self.played(&stage, &data, streams.as_ref(), format, |line| progress.say(line)).await;
        let stopped = stage.stack.stop().await;
        let removed = match streams.and_then(Arc::into_inner) {
            Some(streams) => streams.remove().await,
            None => Ok(()),
        };
        played?;
        stopped?;
        removed
    }

    fn data(&self) -> Result<Data> {
        let tail = SignedDuration::from_hours(7 * 24 * i64::from(self.weeks_after));
        let unless_said = if self.console { standing_open::MONTH_OF_ORDERS } else { ORDERS };
        let orders = usize::try_from(self.orders.unwrap_or(unless_said))?;
        match &self.data {
            Some(folder) => Data::read(folder, orders, tail),
            None => generate::generate(orders, self.seed, tail),
        }
    }

    /// What the figures say of it; and, where that was asked for, what was played itself.
    async fn played(&self, stage: &Stage, data: &Data, streams: Option<&Arc<Streams>>, format: Format, say: impl Fn(&str)) -> Result<()> {
        let figures = self.play(stage, data, streams, say).await?;
        output::show::<serde_json::Value>(format, &json!(figures), |_| text::text(&figures))?;
        if self.console {
            standing_open::stand_open(stage, data).await?;
        }
        verdict(&figures)
    }

    async fn play(&self, stage: &Stage, data: &Data, streams: Option<&Arc<Streams>>, say: impl Fn(&str)) -> Result<Figures> {
        import(stage, data, streams, &say).await?;
        let scale = self.time_scale.unwrap_or(DAY_SECONDS / SECONDS_A_DAY);
        let first = data.orders.first().context("there are no orders")?.placed_at;
        let clock = BusinessClock::new(first, Timestamp::now(), scale);
        let mut system = stage.system(clock, policy(scale)).await?;
        let played = match easypost(&stage.options.adapters) {
            Ok(easypost) => replay(&mut system, clock, data, easypost, streams).await,
            Err(error) => Err(error),
        };
        let figures = match played {
            Ok(replayed) => {
                self.write_insights(&system, first, replayed.world.now()).await.context("the page of figures")?;
                say(&format!("Figures on the orders: {}", self.insights.display()));
                figures(stage, &system, data, replayed, streams).await
            }
            Err(error) => Err(error),
        };
        let stopped = system.stop().await;
        let figures = figures?;
        stopped?;
        Ok(figures)
    }
}

/// The EasyPost that parcels travel with, if they do, and what it signs with.
fn easypost(adapters: &Adapters) -> Result<Option<(ProviderId, Credential)>> {
    let Some(config) = adapters.carrier.iter().find(|config| config.kind == AdapterKind::EasyPost) else { return Ok(None) };
    Ok(config.webhook_secret()?.map(|secret| (config.name.clone(), secret)))
}

impl DemoArgs {
    /// The page of figures from the first order's day to the last one's, once everything is counted.
    async fn write_insights(&self, system: &System, first: Timestamp, last: Timestamp) -> Result<()> {
        let begun = Instant::now();
        loop {
            let fresh = system.store.insights_freshness().await?;
            if fresh.counted_until.is_some() && fresh.lag_ms == 0 {
                break;
            }
            if begun.elapsed() > STILL_FOR {
                bail!("figures are {} ms behind", fresh.lag_ms);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let day = |at: Timestamp| Some(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string());
        let page = report(&system.client()?, &[("from", day(first)), ("to", day(last))], "day").await?;
        tokio::fs::write(&self.insights, page).await.with_context(|| format!("{} cannot be written", self.insights.display()))
    }
}

/// Fills the catalogue, before the shop's clock begins to run.
async fn import(stage: &Stage, data: &Data, streams: Option<&Arc<Streams>>, say: impl Fn(&str)) -> Result<()> {
    let opening = data.opening();
    // A file is of when it was put where it is fetched: that is the opening, then.
    let clock = if streams.is_some() { BusinessClock::new(opening, Timestamp::now(), 1) } else { BusinessClock::default() };
    let system = stage.system(clock, Policy::default()).await?;
    let api = system.client()?;
    if let Some(streams) = streams {
        streams.open(&api).await?;
    }
    for (kind, bytes, as_of) in
        [("facilities", &data.facilities, None), ("products", &data.products, None), ("stock", &data.stock, Some(opening))]
    {
        let began = Instant::now();
        let rows = match streams {
            Some(streams) => streams.file(&api, kind, bytes.clone()).await?,
            None => feed(&api, kind, as_of, bytes.clone()).await?.rows_read,
        };
        say(&format!("Imported {rows} {kind} in {:.1} s", began.elapsed().as_secs_f64()));
    }
    address(&api).await?;
    system.stop().await
}

/// Says where parcels come from: no carrier comes to a street that nobody has said.
async fn address(api: &Api) -> Result<()> {
    let (facilities, _) = api.pages(&["v1", "facilities"], &[], usize::MAX).await?;
    for facility in facilities {
        let facility: FacilityBody = serde_json::from_value(facility)?;
        let address = json!({"name": facility.name, "line1": "1 Dock Road", "city": facility.city, "country": facility.country});
        api.replace(&["v1", "facilities", facility.facility_id.as_str(), "address"], &address).await?;
    }
    Ok(())
}

/// What machines must do in time keeps its real time; what people must do goes by the shop's clock.
fn policy(scale: u32) -> Policy {
    let real = |milliseconds: i64| milliseconds.saturating_mul(i64::from(scale));
    let people = Policy::default();
    Policy {
        payment_deadline_ms: real(people.payment_deadline_ms),
        sourcing_ms: real(people.sourcing_ms),
        label_ms: real(people.label_ms),
        unknown_payment_ms: real(people.unknown_payment_ms),
        ..people
    }
}

/// What the replay leaves for the report.
struct Replayed {
    world: Arc<World>,
    took: Duration,
}

async fn replay(
    system: &mut System,
    clock: BusinessClock,
    data: &Data,
    easypost: Option<(ProviderId, Credential)>,
    streams: Option<&Arc<Streams>>,
) -> Result<Replayed> {
    let world = Arc::new(World::new(system.client()?, clock, streams.cloned()));
    if let Some(streams) = streams {
        streams.tell(&world.api).await?;
    }
    let carrier = Carrier::default();
    let associates = Arc::new(Associates::new(Arc::clone(&world), carrier.clone(), data.weights_g.clone()));
    let watch = Watch::new(Arc::clone(&world), data.orders.len());
    let (began, store) = (Instant::now(), system.store.clone());
    let everything = async {
        customers::play(&world, data, watch.all_ended()).await.context("the customers")?;
        returns::play(&world, data).await.context("the returns")?;
        settle(&store, &watch, || associates.are_idle() && carrier.is_idle()).await
    };
    tokio::select! {
        played = everything => played?,
        ended = watch.look() => ended.context("the watch")?,
        ended = Arc::clone(&associates).work() => ended.context("the associates")?,
        ended = carrier.clone().travel(Arc::clone(&world), easypost) => ended.context("the carrier")?,
        ended = system.ended() => {
            ended?;
            bail!("the system ended in the middle of the demo");
        }
    }
    drop(watch);
    Ok(Replayed { world, took: began.elapsed() })
}

/// Waits until every order is over or waits for a reason; or until nothing has moved for long.
async fn settle(store: &Store, watch: &Watch, idle: impl Fn() -> bool) -> Result<()> {
    let (mut last_seen, mut moved_at) = (Vec::new(), Instant::now());
    loop {
        let open: Vec<OrderId> = watch.open_orders().into_iter().map(OrderId::parse).collect::<Result<_, _>>()?;
        let looks = stream::iter(open).map(|id| async move { document(store, &id).await });
        let orders: Vec<Option<Order>> = looks.buffered(LOOKS_AT_ONCE).try_collect().await?;
        let busy = orders.iter().filter(|order| order.as_ref().is_none_or(is_busy)).count();
        if busy == 0 && idle() {
            return Ok(());
        }
        tracing::debug!(orders = orders.len(), busy, "waiting until every order is over or waits for a reason");
        let seen: Vec<u64> = orders.iter().map(|order| order.as_ref().map_or(0, |order| order.version)).collect();
        if seen != last_seen {
            (last_seen, moved_at) = (seen, Instant::now());
        }
        if moved_at.elapsed() > STILL_FOR {
            tracing::warn!(orders = orders.len(), "nothing has moved for {} s", STILL_FOR.as_secs());
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_busy(order: &Order) -> bool {
    match Standing::of(order) {
        Standing::Over(_) | Standing::Waiting(_) => false,
        Standing::Busy(how) => {
            tracing::debug!(order.id = %order.core.order_id, how, "busy");
            true
        }
    }
}

async fn document(store: &Store, order_id: &OrderId) -> Result<Option<Order>> {
    let document = store.document(order_id).await.with_context(|| format!("the document of {order_id}"))?;
    document.map(|document| serde_json::from_value(document.doc).with_context(|| format!("the document of {order_id}"))).transpose()
}

async fn figures(stage: &Stage, system: &System, data: &Data, replayed: Replayed, streams: Option<&Arc<Streams>>) -> Result<Figures> {
    let told = match streams {
        Some(streams) => Some(streams.read(&system.client()?).await.context("what was told")?),
        None => None,
    };
    let gateway = stage.gateway();
    let books = Books { store: &system.store, temporal: &system.temporal, gateway: Some(&gateway) };
    let mut outcome = Outcome::default();
    let books: Reconciliation = reconcile(&books, Scope::All, |order| outcome.add(order)).await?;
    outcome.finish();
    let Replayed { world, took } = replayed;
    let tally = world.tally().clone();
    let all_placed = tally.orders_placed == data.orders.len() && tally.refused.is_empty();
    Ok(Figures {
        data: data.source.clone(),
        note: text::NOTE,
        profile: if cfg!(debug_assertions) { "debug" } else { "release" },
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        time_scale: world.clock.scale,
        ended_at: world.now(),
        ok: all_placed && books.is_sound() && outcome.unexplained.is_empty() && told.as_ref().is_none_or(Told::is_whole),
        pace: Pace::of(&tally, took),
        played: Played::from(tally),
        workflows: Workflows::count(&system.temporal).await?,
        outcome,
        told,
        books,
    })
}

fn verdict(figures: &Figures) -> Result<()> {
    if figures.ok {
        return Ok(());
    }
    let broken = figures.books.figures().into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}"));
    let unexplained =
        (!figures.outcome.unexplained.is_empty()).then(|| format!("{} orders neither over nor waiting", figures.outcome.unexplained.len()));
    let refused = (!figures.played.refused.is_empty()).then(|| format!("{} refusals", figures.played.refused.len()));
    let untold = figures.told.as_ref().filter(|told| !told.is_whole());
    let untold = untold.map(|told| format!("{} events not told, {} corrected", told.missing, told.corrected));
    let what: Vec<String> = broken.chain(unexplained).chain(refused).chain(untold).collect();
    Err(Coded::new(ErrorCode::RefusedByRule, format!("the demo did not go as it must: {}", what.join(", "))).into())
}
