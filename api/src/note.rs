//! Notes on an order.

use jiff::Timestamp;
use oms_domain::{
    access::By,
    ids::{NoteId, OrderId},
    note::{NOTE_AUTHOR_MAX_CHARS, NOTE_TEXT_MAX_CHARS, Note},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    actor::ActorView,
    reader::{Node, prose, text},
};

/// The body of `POST /orders/{order_id}/notes`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoteBody {
    /// Absent: one is made up. The same id again is the same note.
    #[schema(value_type = Option<String>)]
    pub note_id: NoteId,
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
    #[schema(min_length = 1, max_length = 100)]
    pub author: String,
}

impl NoteBody {
    /// `made_up` is its id, if it has none of its own.
    pub fn read(node: &Node<'_>, made_up: &str) -> Option<Self> {
        node.object(|fields| {
            let note_id = fields.new_id("note_id", made_up);
            let note = fields.required("text", prose(NOTE_TEXT_MAX_CHARS));
            let author = fields.required("author", text(NOTE_AUTHOR_MAX_CHARS));
            Some(Self { note_id: note_id?, text: note?, author: author? })
        })
    }

    /// The note, written now.
    pub fn at(self, written_at: Timestamp, by: Option<By>) -> Note {
        Note { note_id: self.note_id, text: self.text, author: self.author, written_at, by }
    }
}

/// A note as it was written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoteView {
    pub order_id: String,
    pub note_id: String,
    pub text: String,
    pub author: String,
    #[schema(value_type = String, format = DateTime)]
    pub written_at: Timestamp,
    /// Who wrote it, whatever name stands under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorView>,
}

impl NoteView {
    pub fn of(order_id: &OrderId, note: Note) -> Self {
        let (order_id, note_id) = (order_id.to_string(), note.note_id.to_string());
        Self {
            order_id,
            note_id,
            text: note.text,
            author: note.author,
            written_at: note.written_at,
            actor: note.by.map(|by| by.actor.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reader::read_json;

    fn pointers(body: &Value) -> Vec<String> {
        match read_json(body.to_string().as_bytes(), |node| NoteBody::read(node, "made-up")) {
            Ok(_) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|error| error.pointer).collect(),
        }
    }

    #[test]
    fn a_note_has_lines_and_a_bound() {
        let note = |text: String| json!({"note_id": "n-1", "text": text, "author": "Kim, support"});
        assert_eq!(pointers(&note("Called.\n\tWants it on Friday.".to_owned())), [""; 0]);
        assert_eq!(pointers(&note("ü".repeat(2_000))), [""; 0]);
        for text in [String::new(), " \n".to_owned(), "a".repeat(2_001), "bell \u{7}".to_owned()] {
            assert_eq!(pointers(&note(text)), ["/text"]);
        }
        assert_eq!(pointers(&json!({"note_id": "a/b", "to": "x"})), ["/note_id", "/text", "/author", "/to"]);
    }
}
