//! Orders that ship as a whole among others, whatever comes when: the oldest first, nothing held for longer than a day, and all get on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use oms_store::{Reserved, Store};
use secrecy::ExposeSecret;
use sqlx::PgPool;

use crate::{
    draw::Draw,
    gathering::{stocked, takes_all, waits_for_all},
    stack::fresh_config,
    support::{adjust, assert_sound, messages, serve, sku, step, wait_since, waiting},
};

const PLACES: [&str; 2] = ["WH-1", "WH-2"];
const SKUS: [&str; 3] = ["A", "B", "C"];
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// An order, what it waits for one of each of, and its place in the queue.
struct Waiter {
    id: String,
    rank: usize,
    of: Vec<&'static str>,
    is_whole: bool,
}

struct Shop {
    store: Store,
    pool: PgPool,
    waiters: Vec<Waiter>,
    served: Vec<String>,
    /// Business time.
    now: Timestamp,
    /// Since when each order has held anything without being told.
    holds_since: BTreeMap<String, Timestamp>,
    steps: usize,
    draw: Draw,
}

impl Shop {
    async fn new(draw: Draw) -> Self {
        let config = fresh_config().await;
        let store = Store::connect(&config).await.unwrap();
        store.setup().await.unwrap();
        stocked(&store, &PLACES, &SKUS).await;
        let pool = PgPool::connect(config.database_url.expose_secret()).await.unwrap();
        let now = Timestamp::now();
        Self { store, pool, waiters: Vec::new(), served: Vec::new(), now, holds_since: BTreeMap::new(), steps: 0, draw }
    }

    /// Somebody begins to wait: last by time, and anywhere in the queue by rank.
    async fn begins_to_wait(&mut self, n: usize) {
        let (id, rank, is_whole) = (format!("o{n:03}"), n + self.draw.below(40), self.draw.below(3) > 0);
        let mut of = SKUS.to_vec();
        self.draw.shuffle(&mut of);
        of.truncate(if is_whole { 1 + self.draw.below(SKUS.len()) } else { 1 });
        let rank_at = format!("2010-12-01T{:02}:{:02}:00Z", rank / 60, rank % 60);
        if is_whole {
            waits_for_all(&self.store, &id, &of, &rank_at).await;
        } else {
            wait_since(&self.store, waiting(&id, of[0], 1), &id, &rank_at).await;
        }
        self.waiters.push(Waiter { id, rank, of, is_whole });
    }

    async fn arrives(&mut self) {
        let (place, of) = (PLACES[self.draw.below(PLACES.len())], SKUS[self.draw.below(SKUS.len())]);
        adjust(&self.store, place, of, 1).await;
    }

    /// All that is due is done, and orders take what they are offered.
    async fn rests(&mut self) {
        loop {
            serve(&self.store, self.now).await;
            let told = messages(&self.store).await;
            if told.is_empty() {
                break;
            }
            for (id, payload) in told {
                let offers: Vec<(String, String)> = payload["offers"].as_array().unwrap().iter().map(place_and_sku).collect();
                let n = self.waiters.iter().position(|waiter| waiter.id == id).expect("it waits");
                let waiter = self.waiters.remove(n);
                if !offers.is_empty() {
                    let all: Vec<_> = offers.iter().map(|(place, of)| (place.as_str(), of.as_str(), 1)).collect();
                    assert_eq!(all.len(), waiter.of.len(), "{id} is offered all of it at once: {all:?}");
                    takes_all(&self.store, &id, &all).await;
                }
                self.served.push(id);
            }
        }
        self.check().await;
    }

    /// New demand takes whatever is nobody's.
    async fn is_sold_out(&mut self) {
        for of in SKUS {
            for level in self.store.availability(&[sku(of)]).await.unwrap().positions {
                self.steps += 1;
                let units = u32::try_from(level.available).unwrap();
                let taken = step(&format!("new{}", self.steps), "place", &[(level.facility_id.as_str(), of, units)]);
                assert!(matches!(self.store.reserve(&taken).await.unwrap(), Reserved::Done(_)));
            }
        }
    }

    async fn check(&mut self) {
        let held: Vec<(String, String, String)> =
            sqlx::query_as("SELECT order_id, facility_id, sku FROM stock_grants WHERE gathered").fetch_all(&self.pool).await.unwrap();
        let mut at: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (id, place, _) in &held {
            at.entry(id).or_default().insert(place);
        }
        self.holds_since.retain(|id, _| at.contains_key(id.as_str()));
        for (id, places) in &at {
            assert_eq!(places.len(), 1, "{id} holds something at one place");
            let since = *self.holds_since.entry((*id).to_owned()).or_insert(self.now);
            assert!(self.now.duration_since(since) <= DAY, "{id} has held something since {since}, and it is {}", self.now);
        }
        let has = |id: &str, of: &str| held.iter().any(|(by, _, it)| by == id && it == of);
        for (by, place, of) in &held {
            let younger = self.waiters.iter().find(|waiter| waiter.id == *by).expect("it waits");
            for older in self.waiters.iter().filter(|w| (w.rank, &w.id) < (younger.rank, &younger.id)) {
                let wants = older.of.contains(&of.as_str()) && !has(&older.id, of);
                let would_take = !older.is_whole || at.get(older.id.as_str()).is_some_and(|places| places.contains(place.as_str()));
                assert!(!(wants && would_take), "{by} holds {of} at {place}, and {} has waited longer for it", older.id);
            }
        }
        assert_sound(&self.store).await;
    }
}

fn place_and_sku(offer: &serde_json::Value) -> (String, String) {
    (offer["facility_id"].as_str().unwrap().to_owned(), offer["sku"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_oldest_come_first_nothing_is_held_for_longer_than_a_day_and_everybody_gets_on() {
    all_get_on(Draw::new()).await;
}

/// Found by that seed: when the pause of an order was over, what had been held for it meanwhile, since all of it was at one place just then,
/// was forgotten there.
#[tokio::test]
async fn what_is_held_for_an_order_that_pauses_is_seen_when_its_pause_is_over() {
    all_get_on(Draw::by(1_796_043_478)).await;
}

async fn all_get_on(draw: Draw) {
    let mut shop = Shop::new(draw).await;
    for n in 0..150 {
        match shop.draw.below(3) {
            0 => shop.begins_to_wait(n).await,
            1 => shop.arrives().await,
            _ => shop.now += SignedDuration::from_hours(i64::try_from(1 + shop.draw.below(20)).unwrap()),
        }
        shop.rests().await;
        shop.is_sold_out().await;
    }
    let (before, waiting) = (shop.served.len(), shop.waiters.len());
    assert!(before > 5 && waiting > 5, "{before} are served, and {waiting} wait");
    // From now on one unit comes an hour, and never two at once.
    for n in 0.. {
        if shop.waiters.is_empty() {
            break;
        }
        assert!(n < 1_500, "{} still wait: {:?}", shop.waiters.len(), shop.waiters.iter().map(|w| &w.id).collect::<Vec<_>>());
        shop.arrives().await;
        shop.now += SignedDuration::from_hours(1);
        shop.rests().await;
        shop.is_sold_out().await;
    }
}
