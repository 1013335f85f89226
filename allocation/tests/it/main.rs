//! The solver against hand calculation, brute force and its own promises.

mod bad_input;
mod brute;
mod generate;
mod hard;
mod pool;
mod problems;
mod properties;
mod rules;
mod seed;
mod simulate;
mod sourcing;
mod stock_prices;
