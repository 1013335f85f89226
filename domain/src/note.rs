//! Notes on an order, for those who work on it. Free text may name people: a note stays beside the intake, and no workflow sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{access::By, ids::NoteId};

/// Longest text of a note.
pub const NOTE_TEXT_MAX_CHARS: usize = 2_000;
/// Longest name of an author.
pub const NOTE_AUTHOR_MAX_CHARS: usize = 100;
/// Most notes on an order.
pub const NOTES_MAX: u32 = 500;

/// What somebody wrote about an order. It is never changed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub note_id: NoteId,
    pub text: String,
    pub author: String,
    pub written_at: Timestamp,
    /// Who wrote it; None: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

impl Note {
    /// Whether both say the same, whenever they were written.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (&self.note_id, &self.text, &self.author) == (&other.note_id, &other.text, &other.author)
    }
}

/// Without what a log must not have.
impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Note").field("note_id", &self.note_id).field("written_at", &self.written_at).finish_non_exhaustive()
    }
}
