//! The rule of the queue, in plain words: whoever has the lowest rank and could have it gets what becomes possible.

use std::collections::BTreeMap;

/// Facility and SKU, by number.
pub type Place = (usize, usize);

/// What an order makes of stock that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Takes what it can get.
    Plain,
    /// All of it or nothing.
    Whole,
    /// From so many units on.
    Choosy(i64),
}

/// A waiting line.
#[derive(Debug, Clone)]
pub struct Waiter {
    pub id: String,
    pub rank: i64,
    pub sku: usize,
    pub wanted: i64,
    /// By facility: whether its rules let it have units from there.
    pub reach: Vec<bool>,
    pub kind: Kind,
    pub declined: BTreeMap<usize, i64>,
    /// When it was last planned, in versions of the facilities.
    pub planned: u64,
    /// Which facilities it was planned with: those that shipped then.
    pub seen: Vec<bool>,
    pub got: BTreeMap<usize, i64>,
}

#[derive(Debug, Clone)]
pub struct Facility {
    pub ships: bool,
    pub version: u64,
}

/// Facilities, stock nobody has, and who waits.
pub struct Model {
    pub facilities: Vec<Facility>,
    pub version: u64,
    pub free: BTreeMap<Place, i64>,
    pub waiters: Vec<Waiter>,
    /// Offers that were not answered yet: waiter, place, units.
    offers: Vec<(usize, Place, i64)>,
    /// Facilities that are another matter, and where nobody has been served since.
    changed: Vec<usize>,
}

impl Model {
    pub fn new(facilities: Vec<Facility>, mut waiters: Vec<Waiter>) -> Self {
        waiters.sort_by(|a, b| (a.rank, &a.id).cmp(&(b.rank, &b.id)));
        Self { version: facilities.len() as u64, facilities, free: BTreeMap::new(), waiters, offers: Vec::new(), changed: Vec::new() }
    }

    pub fn arrive(&mut self, place: Place, units: i64) {
        *self.free.entry(place).or_default() += units;
        self.serve(place);
    }

    /// Something is another matter at a facility: whoever waits is asked anew.
    pub fn change(&mut self, facility: usize) {
        self.version += 1;
        self.facilities[facility].version = self.version;
        self.changed.push(facility);
    }

    /// All of them are.
    pub fn change_all(&mut self) {
        self.version += 1;
        self.facilities.iter_mut().for_each(|facility| facility.version = self.version);
        self.changed.extend(0..self.facilities.len());
    }

    /// Where things are another matter, those who wait are served from what is there.
    pub fn serve_changed(&mut self, skus: usize) {
        for facility in std::mem::take(&mut self.changed) {
            (0..skus).for_each(|sku| self.serve((facility, sku)));
        }
    }

    /// Down the queue, until the units are spent.
    pub fn serve(&mut self, place: Place) {
        let (at, sku) = place;
        for n in 0..self.waiters.len() {
            let free = self.free.get(&place).copied().unwrap_or_default();
            let waiter = &self.waiters[n];
            let held: i64 = self.offers.iter().filter(|(of, ..)| *of == n).map(|(.., units)| units).sum();
            let units = free.min(waiter.wanted - held);
            if waiter.sku != sku || units <= 0 || !self.facilities[at].ships || waiter.kind == Kind::Whole && units < waiter.wanted {
                continue;
            }
            let stale = waiter.planned < self.facilities[at].version;
            if !stale && (!waiter.reach[at] || !waiter.seen[at] || units <= waiter.declined.get(&at).copied().unwrap_or_default()) {
                continue;
            }
            *self.free.entry(place).or_default() -= units;
            if stale || waiter.kind != Kind::Plain || !waiter.declined.is_empty() {
                self.offers.push((n, place, units));
            } else {
                self.give(n, at, units);
            }
        }
    }

    fn give(&mut self, n: usize, at: usize, units: i64) {
        let waiter = &mut self.waiters[n];
        waiter.wanted -= units;
        *waiter.got.entry(at).or_default() += units;
    }

    /// The order plans with all that it is offered, takes what it likes, and gives the rest back.
    pub fn answer(&mut self, id: &str) -> BTreeMap<usize, i64> {
        let n = self.waiters.iter().position(|waiter| waiter.id == id).expect("an order of the model");
        let (own, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.offers).into_iter().partition(|(of, ..)| *of == n);
        self.offers = others;
        let ships: Vec<bool> = self.facilities.iter().map(|facility| facility.ships).collect();
        let (mut spare, mut taken) = (Vec::new(), BTreeMap::new());
        self.waiters[n].declined.clear();
        let mut by_place: BTreeMap<Place, i64> = BTreeMap::new();
        own.into_iter().for_each(|(_, place, units)| *by_place.entry(place).or_default() += units);
        for (place, offered) in by_place {
            let waiter = &self.waiters[n];
            // What nobody has is there for it, too.
            let there = offered + self.free.get(&place).copied().unwrap_or_default();
            let units = there.min(waiter.wanted);
            let likes = match waiter.kind {
                Kind::Plain => units > 0,
                Kind::Whole => units == waiter.wanted && units > 0,
                Kind::Choosy(least) => units >= least.min(waiter.wanted) && units > 0,
            };
            if likes && waiter.reach[place.0] && ships[place.0] {
                self.give(n, place.0, units);
                *self.free.entry(place).or_default() += offered - units;
                taken.insert(place.0, units);
            } else {
                *self.free.entry(place).or_default() += offered;
            }
            if taken.get(&place.0).copied().unwrap_or_default() < offered {
                spare.push(place);
            }
        }
        let (version, free) = (self.version, self.free.clone());
        let waiter = &mut self.waiters[n];
        (waiter.planned, waiter.seen) = (version, ships.clone());
        if waiter.wanted > 0 {
            let there = |at: usize| free.get(&(at, waiter.sku)).copied().unwrap_or_default().min(waiter.wanted);
            let places = (0..ships.len()).filter(|at| waiter.reach[*at] && ships[*at] && there(*at) > 0);
            waiter.declined = places.map(|at| (at, there(at))).collect();
        }
        for place in spare {
            self.serve(place);
        }
        taken
    }
}
