//! End to end, on real parts that the tests start themselves.

mod slice;
mod world;
