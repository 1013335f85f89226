//! Exchanges one after the other: each finds its units free when its turn comes, or is left out with all that hang on it.

use std::collections::{BTreeMap, BTreeSet};

/// Units by facility and SKU.
pub type UnitsAt = BTreeMap<(String, String), i64>;

/// What one order takes from positions, and what it gives back to others once it has that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    pub takes: UnitsAt,
    pub gives: UnitsAt,
}

/// An order in which the exchanges can be made, as places in `exchanges`. Two that wait for each other's units cannot be made one by one: they
/// are left out, and so is every exchange that gives to or takes from what is left out, since it may have been worth it for their sake alone.
pub fn sequence(exchanges: &[Exchange], free: &UnitsAt) -> Vec<usize> {
    let mut kept: BTreeSet<usize> = (0..exchanges.len()).collect();
    loop {
        let made = in_turn(exchanges, &kept, free.clone());
        let mut stuck: BTreeSet<usize> = kept.iter().copied().filter(|place| !made.contains(place)).collect();
        if stuck.is_empty() {
            return made;
        }
        spread(exchanges, &kept, &mut stuck);
        kept.retain(|place| !stuck.contains(place));
    }
}

/// As many as can be made, the first in the list first.
fn in_turn(exchanges: &[Exchange], kept: &BTreeSet<usize>, mut free: UnitsAt) -> Vec<usize> {
    let mut made = vec![];
    let mut waiting: Vec<usize> = kept.iter().copied().collect();
    loop {
        let has = |(position, units): (&(String, String), &i64)| free.get(position).copied().unwrap_or(0) >= *units;
        let Some(turn) = waiting.iter().position(|&place| exchanges[place].takes.iter().all(has)) else { return made };
        let place = waiting.remove(turn);
        book(&mut free, &exchanges[place].takes, -1);
        book(&mut free, &exchanges[place].gives, 1);
        made.push(place);
    }
}

fn book(free: &mut UnitsAt, units: &UnitsAt, sign: i64) {
    for (position, units) in units {
        *free.entry(position.clone()).or_default() += sign * units;
    }
}

/// Adds what exchanges units with what is stuck, until nothing more does.
fn spread(exchanges: &[Exchange], kept: &BTreeSet<usize>, stuck: &mut BTreeSet<usize>) {
    loop {
        let touched = |place: &usize| stuck.iter().any(|&other| hang_together(&exchanges[*place], &exchanges[other]));
        let more: Vec<usize> = kept.iter().copied().filter(|place| !stuck.contains(place) && touched(place)).collect();
        if more.is_empty() {
            return;
        }
        stuck.extend(more);
    }
}

fn hang_together(a: &Exchange, b: &Exchange) -> bool {
    let meet = |takes: &UnitsAt, gives: &UnitsAt| takes.keys().any(|position| gives.contains_key(position));
    meet(&a.takes, &b.gives) || meet(&b.takes, &a.gives)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(units: &[(&str, i64)]) -> UnitsAt {
        units.iter().map(|(facility_id, units)| (((*facility_id).to_owned(), "A".to_owned()), *units)).collect()
    }

    fn exchange(takes: &[(&str, i64)], gives: &[(&str, i64)]) -> Exchange {
        Exchange { takes: at(takes), gives: at(gives) }
    }

    #[test]
    fn what_takes_waits_for_what_gives() {
        let exchanges = [exchange(&[("X", 2)], &[("Y", 2)]), exchange(&[("Z", 2)], &[("X", 2)])];
        assert_eq!(sequence(&exchanges, &at(&[("Z", 2)])), [1, 0]);
        assert_eq!(sequence(&exchanges, &at(&[("X", 2), ("Z", 2)])), [0, 1]);
        assert_eq!(sequence(&[], &at(&[])), [0; 0]);
    }

    #[test]
    fn two_that_wait_for_each_other_are_left_out_and_so_is_who_moved_for_their_sake() {
        let swap = [exchange(&[("X", 1)], &[("Y", 1)]), exchange(&[("Y", 1)], &[("X", 1)])];
        assert_eq!(sequence(&swap, &at(&[])), [0; 0]);
        assert_eq!(sequence(&swap, &at(&[("X", 1)])), [0, 1], "one free unit lets them pass");
        let made_room = exchange(&[("Z", 1)], &[("X", 1)]);
        let apart = exchange(&[("V", 1)], &[("W", 1)]);
        let three = [exchange(&[("X", 2)], &[("Y", 1)]), exchange(&[("Y", 1)], &[("X", 1)]), made_room, apart];
        assert_eq!(sequence(&three, &at(&[("Z", 1), ("V", 1)])), [3], "the swap lacks nothing but each other");
    }
}
