//! The number the search computes with.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

/// A signed integer. 64 bits hold nearly every problem and search twice as fast; 128 hold all that passed the check.
pub(super) trait Amount:
    Copy
    + Ord
    + Default
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + Sum
{
    /// More than every plan amounts to, with room to add to it.
    const MAX: Self;
    /// An amount that was found to fit.
    fn narrow(amount: i128) -> Self;
    fn wide(self) -> i128;
    fn units(units: i64) -> Self;
    /// For step lengths only: never compared, never kept.
    fn approximate(self) -> f64;
    fn rounded(approximate: f64) -> Self;
}

macro_rules! amount {
    ($int:ty) => {
        impl Amount for $int {
            const MAX: Self = <$int>::MAX / 2;
            fn narrow(amount: i128) -> Self {
                amount as Self
            }
            fn wide(self) -> i128 {
                self as i128
            }
            fn units(units: i64) -> Self {
                units as Self
            }
            fn approximate(self) -> f64 {
                self as f64
            }
            fn rounded(approximate: f64) -> Self {
                approximate as Self
            }
        }
    };
}

amount!(i64);
amount!(i128);
