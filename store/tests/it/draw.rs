//! What is drawn by chance, and can be drawn again.

use jiff::Timestamp;

/// Splitmix64: the same numbers for the same seed.
pub struct Draw(u64);

impl Draw {
    /// By the seed in `OMS_SEED`, or another one each time, which the test's output names.
    pub fn new() -> Self {
        let given = std::env::var("OMS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| Timestamp::now().as_second().unsigned_abs());
        println!("OMS_SEED={seed}");
        Self::by(seed)
    }

    /// By a seed that has found something once.
    pub fn by(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.below(n + 1));
        }
    }
}
