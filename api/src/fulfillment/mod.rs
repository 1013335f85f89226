//! Fulfillment orders: the associate's view of an order, and what an associate does.

mod action;
mod body;
mod picklist;
mod view;

pub use action::{ACTIONS, read_action};
pub use body::{
    MarkLostBody, MergeBody, MoveBody, PackBody, PackedParcelBody, PickupBody, RefuseChangeBody, RejectBody, ShipBody, ShortLine,
    ShortPickBody, SplitBody, StartPickingBody,
};
pub use picklist::{PicklistBody, PicklistResult, PicklistView};
pub use view::{FulfillmentLineView, FulfillmentOrderSummary, FulfillmentOrderView, LabelPrintView, ParcelView, RejectionView};

#[cfg(test)]
mod tests;
