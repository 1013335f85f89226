//! The solver against hand calculation, brute force and its own promises.

mod brute;
mod generate;
mod properties;
mod seed;
