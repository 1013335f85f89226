//! Orders: the body, both ways, and the order as it stands.

pub mod body;
mod carried;
mod delivery;
mod parse;
mod payment;
mod totals;
mod view;
mod write;

pub(crate) use delivery::{METHODS, address, country, fit, group_of_line, position};
pub(crate) use parse::line;
pub(crate) use payment::{ELECTRONIC_COMMERCE_INDICATORS, THREE_D_SECURE_VERSIONS, read_sole};

pub use body::AddressBody;
pub use carried::external_id;
pub use delivery::address as read_address;
pub use parse::{order, parse_order};
pub use payment::{method_name, read_payment};
pub use view::{LineView, OperationView, OrderSummary, OrderView, PaymentView, TotalsView, UnitsView};
pub use write::{address_body, heading, line_body};

/// The name of the one delivery group, and of the one instrument, that the short forms of a body stand for.
pub const DEFAULT_NAME: &str = "default";

#[cfg(test)]
mod tests;
#[cfg(test)]
mod view_tests;
