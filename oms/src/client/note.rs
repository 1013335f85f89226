//! `oms order note` and `oms order notes`: what those who work on an order tell each other.

use anyhow::Result;
use clap::Args;
use oms_api::note::NoteView;
use serde_json::json;

use super::{Api, order_text::seconds};
use crate::output::{self, Format};

/// `oms order note`
#[derive(Debug, Args)]
pub struct NoteArgs {
    order_id: String,
    /// At most 2,000 characters.
    text: String,
    /// Who writes it.
    #[arg(long)]
    author: String,
    /// Id of the note: the same id again is the same note [default: made up].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

impl NoteArgs {
    /// Writes it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let note_id = self.id.unwrap_or_else(|| api.new_id("note"));
        let body = json!({"note_id": note_id, "text": self.text, "author": self.author});
        let note = api.post(&["v1", "orders", &self.order_id, "notes"], &body).await?;
        output::show::<NoteView>(format, &note, one)
    }
}

/// Notes, one under the other.
pub fn text(notes: &[NoteView]) -> String {
    if notes.is_empty() { "no notes".to_owned() } else { notes.iter().map(one).collect::<Vec<_>>().join("\n\n") }
}

fn one(note: &NoteView) -> String {
    format!("{}, {} ({})\n{}", seconds(note.written_at), note.author, note.note_id, note.text)
}
