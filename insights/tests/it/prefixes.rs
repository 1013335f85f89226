//! However often and whenever orders are looked at, the sums are those of looking once at the end.

use oms_insights::{Cells, Count, facts};

use crate::{
    month::{self, Draw, Told},
    seed,
};

fn counts(told: &Told, events: usize) -> Vec<Count> {
    facts(told.beginning.clone(), told.events[..events].iter().cloned()).counts()
}

#[test]
fn sums_that_were_carried_on_are_those_that_were_built_anew() {
    let (seed, orders) = (seed(), 200);
    let (month, mut draw) = (month::month(seed, orders), Draw(seed));
    let (mut carried, mut anew) = (Cells::default(), Cells::default());
    let mut seen = vec![(0, Vec::new()); month.len()];
    let mut open: Vec<usize> = (0..month.len()).collect();
    // In any order, each as far as it happens to have come.
    while !open.is_empty() {
        let pick = usize::try_from(draw.below(u32::try_from(open.len()).unwrap())).unwrap();
        let (n, told) = (open[pick], &month[open[pick]]);
        let upto = (seen[n].0 + 1 + usize::try_from(draw.below(20)).unwrap()).min(told.events.len());
        let now = counts(told, upto);
        carried.replace(&told.beginning.core.channel, &seen[n].1, &now);
        seen[n] = (upto, now);
        if upto == told.events.len() {
            open.swap_remove(pick);
        }
    }
    month.iter().for_each(|told| anew.replace(&told.beginning.core.channel, &[], &counts(told, told.events.len())));
    assert_eq!(carried, anew);
    assert!(carried.0.len() > 1_000, "{}", carried.0.len());
}

#[test]
fn a_count_of_one_kind_is_one_and_says_what_its_measure_says() {
    for told in month::month(seed(), 200) {
        let counts = counts(&told, told.events.len());
        let mut keys: Vec<_> = counts.iter().map(|count| count.key("")).collect();
        keys.dedup();
        assert_eq!(keys.len(), counts.len());
        for count in &counts {
            let measure = count.measure;
            assert!(measure.is_by_facility() != count.facility_id.is_empty(), "{count:?}");
            assert!(measure.is_money() == count.currency.is_some(), "{count:?}");
            assert!(measure.is_time() == count.bucket.is_some(), "{count:?}");
            assert!(measure.has_reason() != count.reason.is_empty(), "{count:?}");
            assert!(!measure.is_once_an_order() || count.n == 1, "{count:?}");
            assert!(count.n > 0 && count.sum >= 0, "{count:?}");
        }
        let once = |count: &&Count| count.measure.is_once_an_order();
        let mut measures: Vec<_> = counts.iter().filter(once).map(|count| count.measure).collect();
        let all = measures.len();
        measures.dedup();
        assert_eq!(measures.len(), all, "once an order is once: {counts:?}");
    }
}
