//! What claims to end before now, and facts that claim to happen later than now: a clock or a time zone is wrong, and every count to come would be wrong with them.

use jiff::{SignedDuration, Timestamp};
use oms_api::problem::{FieldError, Problem};

use crate::{failure::Failure, state::AppState};

/// How far clocks may be apart.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);
pub(crate) const AHEAD: &str = "lies more than 5 minutes ahead of now";

impl AppState {
    /// What the business clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.starter.clock().business(Timestamp::now())
    }

    /// Whether it claims to be later than clocks can be apart.
    pub(crate) fn is_ahead(&self, time: Timestamp) -> bool {
        time.duration_since(self.now()) > AHEAD_MAX
    }

    /// Refuses a time that has come already and of which somebody says that something ends then.
    pub(crate) fn refuse_past(&self, pointer: &str, ends_at: Option<Timestamp>) -> Result<(), Failure> {
        if ends_at.is_none_or(|at| at > self.now()) {
            return Ok(());
        }
        let error = FieldError { pointer: pointer.to_owned(), message: "must lie ahead of now".to_owned() };
        Err(Problem::validation(vec![error]).into())
    }

    /// Refuses times that do, by the names of their fields.
    pub(crate) fn refuse_ahead(&self, times: impl IntoIterator<Item = (String, Option<Timestamp>)>) -> Result<(), Failure> {
        let ahead = times.into_iter().filter(|(_, time)| time.is_some_and(|time| self.is_ahead(time)));
        let errors: Vec<FieldError> = ahead.map(|(pointer, _)| FieldError { pointer, message: AHEAD.to_owned() }).collect();
        if errors.is_empty() { Ok(()) } else { Err(Problem::validation(errors).into()) }
    }
}
