//! The machine of a bulk operation, and its wait.

use crate::{machine, waits::waits};

machine! {
    /// Where a bulk operation stands.
    states BulkStatus {
        /// Going through its orders, batch by batch.
        Running = "running",
        /// No order is asked until it is resumed.
        Paused = "paused",
        /// Every order was asked.
        Completed = "completed",
        /// Orders that were not asked by then stay as they are; what was done is not undone.
        Cancelled = "cancelled",
    }
    /// What moves a bulk operation on.
    actions BulkAction {
        Pause = "pause",
        Resume = "resume",
        Cancel = "cancel",
        /// No order is left.
        Complete = "complete",
    }
    transitions {
        Running | Paused, Pause => Paused;
        Paused, Resume => Running;
        Running | Paused, Cancel => Cancelled;
        Running | Paused, Complete => Completed;
    }
}

waits! {
    /// What a bulk operation can wait for.
    Wait {
        Pause = "bulk_pause", "bulk_pause_ms after it was paused", "the bulk operation is cancelled; orders it has not asked stay as they are", "whoever pauses it again";
    }
}
