//! What goes wrong in a seeded share of cases, the same cases every time: drawn from the ids, not from a clock or a generator.

use uuid::Uuid;

/// Changes which cases are drawn.
const SEED: Uuid = Uuid::from_u128(0x6f6d_735f_6465_6d6f);
/// Of 1,000 fulfillment orders, so many are given back by their facility, and as many lack a unit when they are picked.
const REJECTED: u128 = 15;
const SHORT_PICKED: u128 = 15;
/// Of 1,000 parcels, so many are never seen again.
const LOST: u128 = 5;

/// What goes wrong at a facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The goods are damaged: the facility cannot fulfill.
    Reject,
    /// A unit is not where it should be.
    ShortPick,
}

/// What goes wrong with the fulfillment order, if anything.
pub fn at_facility(fulfillment_order_id: &str) -> Option<Mishap> {
    match per_mille(fulfillment_order_id) {
        ..REJECTED => Some(Mishap::Reject),
        drawn if drawn < REJECTED + SHORT_PICKED => Some(Mishap::ShortPick),
        _ => None,
    }
}

/// Whether the carrier loses the parcel.
pub fn is_lost(tracking_number: &str) -> bool {
    per_mille(tracking_number) < LOST
}

fn per_mille(id: &str) -> u128 {
    Uuid::new_v5(&SEED, id.as_bytes()).as_u128() % 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_as_said_and_the_cases_always_the_same() {
        let ids: Vec<String> = (0..20_000).map(|n| format!("{n}-F1")).collect();
        let of = |mishap| ids.iter().filter(|id| at_facility(id) == Some(mishap)).count();
        assert!((240..360).contains(&of(Mishap::Reject)) && (240..360).contains(&of(Mishap::ShortPick)));
        assert!((60..140).contains(&ids.iter().filter(|id| is_lost(id)).count()));
        assert_eq!(at_facility("536365-F1"), at_facility("536365-F1"));
    }
}
