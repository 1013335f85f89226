//! What stock should be, by the simplest rules that could be right: the last count, and whatever happened after it.

use std::collections::BTreeSet;

/// What happened to a SKU at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    Counted {
        units: i64,
        unavailable: Option<i64>,
        by: Counting,
    },
    /// The count as of that minute was a mistake.
    TakenBack,
    Received {
        units: u32,
        named: bool,
    },
    Adjusted {
        units: i64,
    },
    /// Some of what is on hand cannot be sold any more.
    Spoiled {
        units: i64,
    },
    Shipped {
        units: u32,
    },
    Mismatched {
        units: u32,
    },
    Damaged {
        units: u32,
    },
    Returned {
        units: u32,
    },
}

/// How a count is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    ByItself,
    InAFeed,
    /// In a snapshot of all that the place has.
    InFull,
    /// In one that does not name it, so that none is there.
    LeftOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub n: usize,
    pub minute: i64,
    pub what: Happened,
}

/// What was counted, as of when.
#[derive(Debug, Clone, Copy)]
struct Base {
    minute: i64,
    units: i64,
}

/// What stood before the last count.
struct Before {
    on_hand: Base,
    unavailable: Base,
}

struct Fact {
    happened: i64,
    /// When it counts as having happened; and whether it is a moment after that.
    minute: i64,
    just_after: bool,
    on_hand: i64,
    unavailable: i64,
}

impl Fact {
    fn is_after(&self, base: Base) -> bool {
        self.minute > base.minute || self.minute == base.minute && self.just_after
    }

    /// What orders ship happens after the count that stands there, whatever its time says.
    fn ships_after(&mut self, base: Base) {
        (self.minute, self.just_after) = (self.happened.max(base.minute), self.happened <= base.minute);
    }
}

/// A position.
pub struct Model {
    on_hand: Base,
    unavailable: Base,
    before: Option<Before>,
    facts: Vec<Fact>,
    known: BTreeSet<usize>,
}

impl Model {
    /// Counted long ago: none.
    pub fn new() -> Self {
        let none = Base { minute: i64::MIN, units: 0 };
        Self { on_hand: none, unavailable: none, before: None, facts: Vec::new(), known: BTreeSet::new() }
    }

    /// False: there is no such count to take back.
    pub fn tell(&mut self, told: &Told) -> bool {
        let fact = |on_hand, unavailable| Fact { happened: told.minute, minute: told.minute, just_after: false, on_hand, unavailable };
        let fact = match told.what {
            Happened::Counted { by: Counting::LeftOut, .. } => return self.count(told.minute, 0, None),
            Happened::Counted { units, unavailable, .. } => return self.count(told.minute, units, unavailable),
            Happened::TakenBack => return self.take_back(told.minute),
            Happened::Received { units, .. } | Happened::Returned { units } => fact(i64::from(units), 0),
            Happened::Adjusted { units } => fact(units, 0),
            Happened::Mismatched { units } => fact(-i64::from(units), 0),
            Happened::Spoiled { units } => fact(0, units),
            Happened::Damaged { units } => fact(0, i64::from(units)),
            Happened::Shipped { units } => {
                let mut shipped = fact(-i64::from(units), 0);
                shipped.ships_after(self.on_hand);
                shipped
            }
        };
        if self.known.insert(told.n) {
            self.facts.push(fact);
        }
        true
    }

    fn count(&mut self, minute: i64, units: i64, unavailable: Option<i64>) -> bool {
        if minute < self.on_hand.minute {
            return true;
        }
        // One as of the same time corrects the last one, and is taken back with it.
        if self.before.is_none() || minute > self.on_hand.minute {
            self.before = Some(Before { on_hand: self.on_hand, unavailable: self.unavailable });
        }
        self.on_hand = Base { minute, units };
        if let Some(units) = unavailable {
            self.unavailable = Base { minute, units };
        }
        true
    }

    fn take_back(&mut self, minute: i64) -> bool {
        let Some(before) = self.before.take_if(|_| self.on_hand.minute == minute) else { return false };
        for fact in self.facts.iter_mut().filter(|fact| fact.just_after && fact.minute == minute) {
            fact.ships_after(before.on_hand);
        }
        (self.on_hand, self.unavailable) = (before.on_hand, before.unavailable);
        true
    }

    /// On hand, and what of it is unavailable.
    pub fn figures(&self) -> (i64, i64) {
        let on_hand: i64 = self.facts.iter().filter(|fact| fact.is_after(self.on_hand)).map(|fact| fact.on_hand).sum();
        let unavailable: i64 = self.facts.iter().filter(|fact| fact.is_after(self.unavailable)).map(|fact| fact.unavailable).sum();
        (self.on_hand.units + on_hand, self.unavailable.units + unavailable)
    }
}
