//! The stack as its users meet it: real servers, real processes, real ports.

mod support;
mod whole;
