//! The random lives that domain's model test leads, led on the whole system: its generator draws from the order as it is, each request
//! goes through the HTTP API, and what is outside answers by itself, with troubles of its own. In the end the API, the documents and the
//! gateway's books say what domain's simple model says.

mod doors;
#[expect(dead_code, reason = "adapters answer by themselves here, so their answers are not drawn")]
#[path = "../../../domain/tests/it/model/draw.rs"]
mod draw;
#[path = "../../../domain/tests/it/model/numbers.rs"]
mod numbers;

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    num::NonZeroU64,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use oms_api::order::UnitsView;
use oms_domain::{
    ids::{LineId, OrderId, Sku},
    order::{CoreChange, CorePayment, Event, Order, Request},
    placed::PaymentMethod,
    policy::Policy,
};

use self::{doors::Call, numbers::Model};
use crate::support::{
    Basket, Shop,
    basket::unique,
    in_shop, replay,
    runtime::until,
    sound,
    system::{LEEDS, YORK},
};

/// Sequences; `OMS_SEQUENCES` says otherwise.
const SEQUENCES: u64 = 200;
const AT_ONCE: usize = 16;
/// Requests of a sequence.
const STEPS: u64 = 40;
/// Customers of the lives that are screened: honest ones, and one that the fraud check refers to a person, who may lift the hold.
const CUSTOMERS: &[&str] = &["C-honest", "C-honest", "C-honest", "C-suspect", "C-suspect", "C-fraudster"];
/// How an order may be paid for: with troubles of the gateway, but so that it goes on.
const TOKENS: &[&str] =
    &["tok_fine", "tok_fine", "tok_timeout", "tok_timeout_capture", "tok_errors_1", "tok_soft_once", "tok_decline_soft"];

type Lines = BTreeMap<LineId, u32>;

/// So many seconds from now: what `domain`'s generator calls a time.
fn at(second: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(second)
}

fn payment(id: &str, method: PaymentMethod, amount_minor: i64) -> CorePayment {
    CorePayment { payment_id: id.parse().expect("a payment's id"), method, amount_minor, authorization: None }
}

/// Numbers without end out of one (SplitMix64).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) >> 32).expect("32 bits")
    }
}

#[test]
fn random_lives_end_as_the_model_says() -> Result<()> {
    let seed: u64 = setting("OMS_SEED")?.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let sequences = setting("OMS_SEQUENCES")?.map_or(SEQUENCES, NonZeroU64::get);
    println!("OMS_SEED={seed} OMS_SEQUENCES={sequences}");
    let (begun, taken) = (Instant::now(), AtomicUsize::new(0));
    in_shop(async |shop| {
        let screening = Shop::open(shop.system.clone(), Policy { fraud_check: true, ..Policy::default() }).await?;
        let live = async |n: u64| {
            let shop = if n.is_multiple_of(4) { &screening } else { shop };
            let life = Life::begin(shop, Draws(seed.wrapping_add(n.wrapping_mul(0x51_7cc1_b727_220a)))).await?;
            let id = life.id.clone();
            let lived = life.live(&taken).await;
            lived.with_context(|| format!("OMS_SEED={seed}, sequence {n}, order {id}"))
        };
        stream::iter(0..sequences).map(live).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let taken = taken.load(Ordering::Relaxed);
        println!("{sequences} sequences, {taken} requests granted, in {:.0} s", begun.elapsed().as_secs_f64());
        screening.close().await
    })
}

/// A setting that says nothing of use is no reason to try something else, or nothing, and pass.
fn setting<T: std::str::FromStr>(name: &str) -> Result<Option<T>> {
    let Some(text) = std::env::var_os(name) else { return Ok(None) };
    let read = text.to_str().and_then(|text| text.parse().ok());
    read.with_context(|| format!("{name} cannot be {}", text.display())).map(Some)
}

/// One order's.
struct Life<'a> {
    shop: &'a Shop,
    draws: Draws,
    id: OrderId,
    skus: Vec<Sku>,
    /// Every request ever sent: any of it may come once more, under the same key or as a new one.
    sent: Vec<(String, Call)>,
}

impl<'a> Life<'a> {
    async fn begin(shop: &'a Shop, mut draws: Draws) -> Result<Self> {
        let token = draw::pick(TOKENS, draws.next()).context("a token")?;
        let customer = draw::pick(CUSTOMERS, draws.next()).context("a customer")?;
        let (mut basket, mut skus) = (Basket::empty().token(token).with("/customer/customer_id", customer), Vec::new());
        for _ in 0..=draws.next() % 3 {
            let sku = shop.stocked(&[(LEEDS, i64::from(draws.next() % 8)), (YORK, i64::from(draws.next() % 8))]).await?;
            basket = basket.and(&sku, 1 + draws.next() % 6, 255);
            skus.push(sku);
        }
        let id = shop.place(&basket).await?;
        Ok(Self { shop, draws, id, skus, sent: Vec::new() })
    }

    async fn live(mut self, granted: &AtomicUsize) -> Result<()> {
        for _ in 0..STEPS {
            let order = until("the order to be recorded", async || self.shop.document(&self.id).await).await?;
            if let Some((key, call)) = self.draw(&order) {
                granted.fetch_add(usize::from(self.send(&key, &call).await?), Ordering::Relaxed);
                self.sent.push((key, call));
            }
        }
        let quiet = async || Ok(self.shop.document(&self.id).await?.filter(|order| order.pending_effects().is_empty()));
        until("every effect to come back", quiet).await?;
        sound::settle(&self.shop.system, std::slice::from_ref(&self.id)).await?;
        until("the API to show the document", async || self.compare().await).await
    }

    /// What is asked, done or reported next, if anything is possible, and the key that makes a repeat of it one.
    fn draw(&mut self, order: &Order) -> Option<(String, Call)> {
        let (kind, a, b, c) = (self.draws.next(), self.draws.next(), self.draws.next(), self.draws.next());
        let call = match kind % 27 {
            0..=3 => doors::receive(&draw::pick(&self.skus, a)?, draw::pick(&[LEEDS, YORK], b)?, 1 + c % 4),
            4..=7 => doors::scan(order, draw::carrier(order, 0, a, b, c)?)?,
            8 => {
                let (key, call) = draw::pick(&self.sent, a)?;
                return Some((if b.is_multiple_of(2) { key } else { unique("again") }, call));
            }
            kind => doors::call(order, request(kind, order, (a, b, c))?)?,
        };
        Some((unique("life"), call))
    }

    /// Whether it was granted. It may well be refused, but never fail.
    async fn send(&self, key: &str, call: &Call) -> Result<bool> {
        let answer = match self.shop.ask(call.method.clone(), &call.path, key, &call.body).await {
            Ok(answer) => answer,
            Err(error) => return Err(error.context(replay::last_noted(&self.shop.system, &self.id).await?)),
        };
        let refused = [404, 409, 422].contains(&answer.status);
        ensure!(refused || (200..300).contains(&answer.status), "{call:?}: {answer:?}");
        Ok(!refused)
    }

    /// What the order's timeline says was moved, added up by the model, is what the document and the API show; none while they move.
    async fn compare(&self) -> Result<Option<()>> {
        let document = self.shop.document(&self.id).await?.context("the order has no document")?;
        let (view, events) = (self.shop.order(&self.id).await?, self.shop.system.store.events(&self.id, 0, 100_000).await?);
        if view.version != document.version || events.last().map(|event| event.seq) != Some(document.version) {
            return Ok(None);
        }
        let mut as_placed = document.core.clone();
        // Lines that came with a change set are in its events.
        let added = document.changes.iter().flat_map(|set| &set.changes).filter_map(CoreChange::new_line).count();
        as_placed.lines.truncate(as_placed.lines.len() - added);
        let mut model = Model::new(&Order::new(as_placed, document.policy.clone()));
        for event in events {
            model.follow(&serde_json::from_value::<Event>(event.data)?);
        }
        model.agrees(&document);
        for line in &view.lines {
            let modelled = UnitsView::from(model.units(&line.line.line_id.parse()?));
            ensure!(line.units == modelled, "line {}: the API shows {:?}, the model says {modelled:?}", line.line.line_id, line.units);
        }
        let shown = (view.totals.authorized_minor, view.totals.captured_minor, view.totals.voided_minor, view.totals.refunded_minor);
        let sums = (model.sums.authorized_minor, model.sums.captured_minor, model.sums.voided_minor, model.sums.refunded_minor);
        ensure!(shown == sums, "the API shows {shown:?} authorized, captured, voided, refunded; the model says {sums:?}");
        Ok(Some(()))
    }
}

/// Something to ask of the order as it is, mostly of its fulfillment orders.
fn request(kind: u32, order: &Order, (a, b, c): (u32, u32, u32)) -> Option<Request> {
    match kind {
        9..=17 => draw::fulfillment(order, a, b, c),
        18 => Some(draw::cancel(order, a, b, c)),
        19 => Some(draw::hold(order, a, b)),
        20 => Some(draw::refund(order, a, b, c)),
        21 => draw::resolve(order, a, b),
        22 => Some(draw::payment(order, a, b)),
        23 => draw::retry(order, a),
        24 => draw::extend(order, 0, a, b),
        25 => draw::decide_for(order, a, b),
        26 if c.is_multiple_of(4) => draw::cancel_change(order, b),
        _ => draw::change(order, a, b, c),
    }
}
