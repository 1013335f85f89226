//! Commands that were taken: under the same id again each is the same command, whatever has happened since.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{ErrorCode, Rejection};

/// So many commands are known by an order, or a return, itself.
pub const COMMANDS_KEPT: usize = 100;
/// 128 bits tell bodies apart.
const HASH_BYTES: usize = 16;

/// What a command led to: what happened, and the order or return as it is with it. Whoever evolved the old one by the events alone would
/// forget the command's id.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Decided<State, Event> {
    pub state: State,
    /// None: nothing has changed.
    pub events: Vec<Event>,
}

/// A request that led to events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenCommand {
    pub command_id: String,
    pub body_hash: String,
    /// What it led to is part of this version.
    pub version: u64,
}

impl TakenCommand {
    /// It comes again.
    ///
    /// # Errors
    /// What comes under its id asks for something else.
    pub fn is_again(&self, request: &impl Serialize) -> Result<(), Rejection> {
        if self.body_hash == body_hash(request) {
            return Ok(());
        }
        Err(Rejection::new(ErrorCode::IdempotencyKeyReused, "a command with this id was taken before, and asked for something else"))
    }
}

/// The last [`COMMANDS_KEPT`] of them, the last one last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TakenCommands(VecDeque<TakenCommand>);

impl TakenCommands {
    pub fn find(&self, command_id: &str) -> Option<&TakenCommand> {
        self.0.iter().find(|known| known.command_id == command_id)
    }

    /// Those that were taken after `version`: what a record keeps of them.
    pub fn since(&self, version: u64) -> impl Iterator<Item = &TakenCommand> {
        self.0.iter().filter(move |known| known.version > version)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps one; of too many the oldest is forgotten.
    pub fn keep(&mut self, taken: TakenCommand) {
        self.0.push_back(taken);
        if self.0.len() > COMMANDS_KEPT {
            self.0.pop_front();
        }
    }

    /// Whether the command was taken before.
    ///
    /// # Errors
    /// It was, and asked for something else.
    pub(crate) fn knows(&self, command_id: &str, request: &impl Serialize) -> Result<bool, Rejection> {
        self.find(command_id).map_or(Ok(false), |known| known.is_again(request).map(|()| true))
    }
}

/// A request's JSON, hashed: plain data, which always has one.
pub fn body_hash(request: &impl Serialize) -> String {
    let digest = Sha256::digest(serde_json::to_vec(request).unwrap_or_default());
    digest.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
}
