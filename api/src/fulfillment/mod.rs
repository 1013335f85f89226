//! Fulfillment orders: the associate's view of an order, and what an associate does.

mod action;
mod bench;
mod body;
mod picklist;
mod queue;
mod view;
mod walk;

pub use action::{ACTIONS, read_action};
pub use bench::{BenchLineView, BenchView, ScanBody, ScanView};
pub use body::{
    MarkLostBody, MergeBody, MoveBody, PackBody, PackedParcelBody, PickupBody, RefuseChangeBody, RejectBody, ShipBody, ShortLine,
    ShortPickBody, SplitBody, StartPickingBody,
};
pub use picklist::{PicklistBody, PicklistResult, PicklistView};
pub use queue::{QueueCountView, QueueView};
pub use view::{FulfillmentLineView, FulfillmentOrderSummary, FulfillmentOrderView, LabelPrintView, ParcelView, RejectionView};
pub use walk::{StopPart, StopView, WalkView};

#[cfg(test)]
mod tests;
