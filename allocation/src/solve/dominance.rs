//! Facilities that no best plan needs, because another does the same for no more.

use super::amount::Amount;
use super::network::{Held, Network};

/// The facilities that are worth keeping, in their order; those that are forced are.
///
/// A facility is dominated by another that costs no more to open and has every SKU it has, in full and for no more a unit: whatever ships from it can
/// ship from the other, whether or not that one is open already. Of two that are equal the smaller id stays, as the tie-breaks would have it.
pub(super) fn undominated<A: Amount>(network: &Network<A>, is_forced: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut by_opening: Vec<usize> = (0..network.len()).collect();
    by_opening.sort_by_key(|&facility| (network.opening[facility], facility));
    // With what each of them has in full. Domination is transitive, so those that are dominated themselves need not be asked.
    let mut kept: Vec<(usize, u64)> = vec![];
    for facility in by_opening {
        let asked = fingerprint(network, facility, |_| true);
        let dominates = |&(other, offered): &(usize, u64)| asked & !offered == 0 && covers(network, other, facility);
        if is_forced(facility) || !kept.iter().any(dominates) {
            kept.push((facility, fingerprint(network, facility, |held| is_full(network, held))));
        }
    }
    let mut kept: Vec<usize> = kept.into_iter().map(|(facility, _)| facility).collect();
    kept.sort_unstable();
    kept
}

fn is_full<A: Amount>(network: &Network<A>, held: &Held) -> bool {
    network.sources(held.sku)[held.source].units == network.demands[held.sku].units
}

/// A bit for each SKU held that counts. SKUs share bits: a bit that is missing is a SKU that is missing, not the reverse.
fn fingerprint<A: Amount>(network: &Network<A>, facility: usize, counts: impl Fn(&Held) -> bool) -> u64 {
    network.held(facility).iter().filter(|held| counts(held)).fold(0, |bits, held| bits | 1 << (held.sku % 64))
}

/// Whether one facility has every SKU of another, in full and for no more.
fn covers<A: Amount>(network: &Network<A>, one: usize, other: usize) -> bool {
    let mut offers = network.held(one).iter();
    network.held(other).iter().all(|asked| {
        // Both lists are by SKU, so what was passed over is not asked for later.
        let offer = offers.find(|offer| offer.sku >= asked.sku).filter(|offer| offer.sku == asked.sku);
        let cost = |held: &Held| network.sources(held.sku)[held.source].unit_cost;
        offer.is_some_and(|offer| is_full(network, offer) && cost(offer) <= cost(asked))
    })
}
