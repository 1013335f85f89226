//! The allocation's rules in a running process.

use std::path::Path;

use anyhow::Result;
use oms_activities::{RuleFile, RuleFileError};
use oms_allocation::{Rules, RulesInForce};
use oms_domain::error::ErrorCode;

use crate::exit::Coded;

/// The rules of a file, and a task that follows its changes as long as the process lives; without a file the built-in ones.
///
/// # Errors
/// `validation_failed` with every mistake of the file; when it cannot be read.
pub(crate) fn rules(file: Option<&Path>) -> Result<RulesInForce> {
    let Some(path) = file else { return Ok(Rules::built_in().into()) };
    let file = RuleFile::open(path).map_err(|error| match error {
        RuleFileError::Wrong { .. } => Coded::new(ErrorCode::ValidationFailed, error.to_string()).into(),
        RuleFileError::Unreadable { .. } => anyhow::Error::from(error),
    })?;
    let rules = file.in_force();
    tokio::spawn(file.watch());
    Ok(rules)
}
