//! What comes of asking a run something.

use oms_workflows::messages::Refusal;
use temporalio_client::errors::{WorkflowStartError, WorkflowUpdateError, WorkflowUpdateWithStartError};

use crate::{StarterError, error::rpc};

/// An order's or a return's word.
pub(crate) enum Asked<T> {
    Answered(T),
    Refused(Refusal),
    /// There is no run, or it ended under the question.
    NoRun,
}

pub(crate) fn asked<T>(result: Result<T, WorkflowUpdateError>) -> Result<Asked<T>, StarterError> {
    match result {
        Ok(answer) => Ok(Asked::Answered(answer)),
        // A refusal is JSON; anything else means that the run ended under the update.
        Err(WorkflowUpdateError::Failed(failure)) => Ok(serde_json::from_str(&failure.message).map_or(Asked::NoRun, Asked::Refused)),
        Err(WorkflowUpdateError::NotFound(_)) => Ok(Asked::NoRun),
        Err(WorkflowUpdateError::Rpc(status)) => Err(rpc(&status)),
        Err(error) => Err(StarterError::Internal(error.to_string())),
    }
}

/// The same of asking one that is started for it.
pub(crate) fn with_start<T>(result: Result<T, WorkflowUpdateWithStartError>) -> Result<Asked<T>, StarterError> {
    match result {
        Ok(answer) => Ok(Asked::Answered(answer)),
        Err(WorkflowUpdateWithStartError::Update(error)) => asked(Err(error)),
        Err(WorkflowUpdateWithStartError::Start(WorkflowStartError::Rpc(status)) | WorkflowUpdateWithStartError::Rpc(status)) => {
            Err(rpc(&status))
        }
        // Somebody started one at the same time.
        Err(WorkflowUpdateWithStartError::Start(WorkflowStartError::AlreadyStarted { .. })) => Ok(Asked::NoRun),
        Err(error) => Err(StarterError::Internal(error.to_string())),
    }
}
