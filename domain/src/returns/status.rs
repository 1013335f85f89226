//! The return's machine (LIFECYCLE.md, Return).

use crate::machine;

machine! {
    /// Where a return stands.
    states ReturnStatus {
        /// Asked for; a rule or a person answers.
        Requested = "requested",
        Approved = "approved",
        LabelSent = "label_sent",
        InTransit = "in_transit",
        PartiallyReceived = "partially_received",
        Received = "received",
        /// Nothing more is awaited; what came is being judged.
        Inspected = "inspected",
        /// Every unit is judged; its money is on its way.
        Refunding = "refunding",
        RefundFailed = "refund_failed",
        Closed = "closed",
        Declined = "declined",
        Cancelled = "cancelled",
        /// The goods were not sent in time.
        Expired = "expired",
        /// The carrier lost the goods.
        Lost = "lost",
    }
    /// What moves a return on.
    actions ReturnAction {
        Approve = "approve",
        Decline = "decline",
        Cancel = "cancel",
        SendLabel = "send-label",
        Expire = "expire",
        Transit = "in_transit",
        Lose = "lost",
        /// Goods came, and more are awaited.
        ReceivePart = "receive-part",
        /// Goods came, and no more are awaited.
        ReceiveAll = "receive",
        Inspect = "inspect",
        /// What has not come by the deadline is not waited for.
        StopWaiting = "stop-waiting",
        Refund = "refund",
        FailRefund = "refund-failed",
        Retry = "retry",
        Close = "close",
    }
    transitions {
        Requested, Approve => Approved;
        Requested, Decline => Declined;
        Requested | Approved | LabelSent, Cancel => Cancelled;
        Approved, SendLabel => LabelSent;
        Approved | LabelSent, Expire => Expired;
        Approved | LabelSent, Transit => InTransit;
        InTransit, Lose => Lost;
        Requested | Approved | LabelSent | InTransit | PartiallyReceived, ReceivePart => PartiallyReceived;
        Requested | Approved | LabelSent | InTransit | PartiallyReceived | Received | Inspected, ReceiveAll => Received;
        PartiallyReceived, Inspect => PartiallyReceived;
        Received | Inspected, Inspect => Inspected;
        PartiallyReceived, StopWaiting => Inspected;
        Inspected, Refund => Refunding;
        Refunding, Close => Closed;
        Refunding, FailRefund => RefundFailed;
        RefundFailed, Retry => Refunding;
    }
}
