//! Numbers that follow from the seed alone.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast and good enough to draw shopping baskets.
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0, below 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0, below `n`, which is over 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An index, as often as its weight says. `running` are the running sums of the weights.
    pub(super) fn weighted(&mut self, running: &[f64]) -> usize {
        let point = self.unit() * running.last().copied().unwrap_or(0.0);
        running.partition_point(|sum| *sum <= point).min(running.len() - 1)
    }

    /// A number distributed as the quantiles say: (share below, value), ascending, from 0 to 1. Straight lines between them.
    pub(super) fn quantile(&mut self, table: &[(f64, f64)]) -> f64 {
        interpolate(table, self.unit())
    }
}

/// The value at `x` on the line through the points, which ascend in their first number.
pub(super) fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let after = points.partition_point(|(at, _)| *at <= x).clamp(1, points.len() - 1);
    let ((x0, y0), (x1, y1)) = (points[after - 1], points[after]);
    y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0)
}

/// Running sums, for [`Draw::weighted`].
pub(super) fn running(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let add = |weight: f64| {
        sum += weight;
        sum
    };
    weights.into_iter().map(add).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_another() {
        let of = |seed| {
            (0..8)
                .map({
                    let mut draw = Draw::new(seed);
                    move |_| draw.below(1_000_000)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn weights_and_quantiles_are_met() {
        let mut draw = Draw::new(1);
        let sums = running([1.0, 0.0, 3.0]);
        let mut hits = [0_u32; 3];
        (0..4_000).for_each(|_| hits[draw.weighted(&sums)] += 1);
        assert!(hits[1] == 0 && (900..1_100).contains(&hits[0]), "{hits:?}");
        let table = [(0.0, 1.0), (0.5, 10.0), (1.0, 100.0)];
        let small = (0..4_000).filter(|_| draw.quantile(&table) < 10.0).count();
        assert!((1_900..2_100).contains(&small), "{small}");
        assert_eq!(interpolate(&table, 0.75), 55.0);
    }
}
