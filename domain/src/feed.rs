//! The machine of a feed run, and what it waits for. The rows live in the store, which moves them; the rules are here.

use std::time::Duration;

use crate::{error::Rejection, machine, waits::waits};

/// How long a parked feed waits for a person.
pub const DECIDE_WITHIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

machine! {
    /// Where a feed run stands.
    states FeedStatus {
        /// Its rows are being read. All but those of a stock snapshot are applied as they come.
        Running = "running",
        /// A stock snapshot that would change too much: nothing of it is applied, and a person decides.
        Parked = "parked",
        /// A stock snapshot was read to its end: its rows are applied, batch by batch.
        Applying = "applying",
        Finished = "finished",
        /// Parked, and not applied.
        Rejected = "rejected",
        /// It could not be read to its end.
        Failed = "failed",
    }
    /// What moves a feed run on.
    actions FeedAction {
        Apply = "apply",
        Park = "park",
        Approve = "approve",
        Reject = "reject",
        Finish = "finish",
        Fail = "fail",
    }
    transitions {
        Running, Apply => Applying;
        Running, Park => Parked;
        Running, Finish => Finished;
        Running, Fail => Failed;
        Parked, Approve => Applying;
        Parked, Reject => Rejected;
        Applying, Finish => Finished;
    }
}

waits! {
    /// What a feed can wait for; its deadline is by the database's clock.
    Wait {
        Decision = "parked_feed", "7 days after it was parked", "the feed is rejected: nothing of it is applied", "nobody";
    }
}

/// What a person says of a parked feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedDecision {
    Approve,
    Reject,
}

impl FeedDecision {
    fn action(self) -> FeedAction {
        match self {
            Self::Approve => FeedAction::Approve,
            Self::Reject => FeedAction::Reject,
        }
    }

    /// The refusal, where the run, as it is after the decision, is not what the decision makes of it. The same decision again is none.
    ///
    /// # Errors
    /// It is not parked, or was decided otherwise: names the state and what is legal.
    pub fn refuse_unless_made(self, status: FeedStatus, was_parked: bool) -> Result<(), Rejection> {
        let made = match status {
            FeedStatus::Applying | FeedStatus::Finished => self == Self::Approve && was_parked,
            FeedStatus::Rejected => self == Self::Reject,
            FeedStatus::Running | FeedStatus::Parked | FeedStatus::Failed => false,
        };
        if made { Ok(()) } else { Err(status.refuse(self.action()).offering(&status.decisions())) }
    }
}

impl FeedStatus {
    /// What people can ask of it now.
    pub fn decisions(self) -> Vec<&'static str> {
        let asked = [FeedAction::Approve, FeedAction::Reject];
        asked.into_iter().filter(|action| self.after(*action).is_some()).map(FeedAction::name).collect()
    }
}
