//! The stack as its users meet it: real servers, real processes, real ports.

mod carrier;
mod dynamodb_local;
mod gateway;
mod kept;
mod lifecycle;
mod support;
