//! Notes on an order, in its partition of the order store: free text may name people, and goes nowhere else.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem, Update};
use oms_domain::{
    ids::{NoteId, OrderId},
    note::{NOTES_MAX, Note},
};

use crate::{
    error::StoreError,
    order_item::{INTAKE, Item, from_items, number, pk, to_items},
    store::Store,
    table::{Table, unbuilt},
};

/// Sort key of the item that counts an order's notes.
const COUNTER: &str = "NOTES";
/// Sort keys of notes lie between these: no id has a tilde.
const FIRST: &str = "NOTE#";
const LAST: &str = "NOTE#~";

/// What a note met under its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotePut {
    New,
    /// It was there: as it was written then.
    Same(Note),
    /// Another one has this id.
    Other,
    /// The order has as many as it may.
    Full,
    NoSuchOrder,
}

fn sort_key(note_id: &NoteId) -> String {
    format!("{FIRST}{note_id}")
}

impl Store {
    /// Keeps a note under its id, unless there is one, or there are too many.
    pub async fn put_note(&self, order_id: &OrderId, note: &Note) -> Result<NotePut, StoreError> {
        if self.table.transact(self.table.note_writes(order_id, note)?).await? {
            return Ok(NotePut::New);
        }
        if let Some(kept) = self.note(order_id, &note.note_id).await? {
            return Ok(if kept.says_the_same(note) { NotePut::Same(kept) } else { NotePut::Other });
        }
        let taken_in = self.table.item(order_id, INTAKE).await?.is_some();
        Ok(if taken_in { NotePut::Full } else { NotePut::NoSuchOrder })
    }

    /// One note.
    pub async fn note(&self, order_id: &OrderId, note_id: &NoteId) -> Result<Option<Note>, StoreError> {
        self.table.item(order_id, &sort_key(note_id)).await?.as_ref().map(read).transpose()
    }

    /// An order's notes, newest first.
    pub async fn notes(&self, order_id: &OrderId) -> Result<Vec<Note>, StoreError> {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let items = self.table.items_between(order_id, key(FIRST), key(LAST)).await?;
        let mut notes = items.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        notes.sort_by(|a, b| (b.written_at, &b.note_id).cmp(&(a.written_at, &a.note_id)));
        Ok(notes)
    }
}

fn read(item: &Item) -> Result<Note, StoreError> {
    let corrupt = StoreError::Corrupt { what: "a note" };
    let json = from_items(item, &[])?.ok_or(corrupt.clone())?;
    serde_json::from_slice(&json).map_err(|_| corrupt)
}

impl Table {
    /// The note if it is new, the count if it has room, and the order if it is there: all or nothing.
    fn note_writes(&self, order_id: &OrderId, note: &Note) -> Result<Vec<TransactWriteItem>, StoreError> {
        let json = serde_json::to_vec(note).map_err(|_| StoreError::Corrupt { what: "a note that is not JSON" })?;
        // The bounds of its parts keep it in one item.
        let item = to_items(order_id, &sort_key(&note.note_id), &json, "note")?.into_iter().next().ok_or_else(unbuilt)?;
        let put = Put::builder().table_name(&*self.name).set_item(Some(item)).condition_expression("attribute_not_exists(pk)");
        let sort_key = |text: &str| AttributeValue::S(text.to_owned());
        let count = Update::builder()
            .table_name(&*self.name)
            .key("pk", pk(order_id))
            .key("sk", sort_key(COUNTER))
            .update_expression("ADD notes :one")
            .condition_expression("attribute_not_exists(notes) OR notes < :most")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(NOTES_MAX));
        let order = ConditionCheck::builder()
            .table_name(&*self.name)
            .key("pk", pk(order_id))
            .key("sk", sort_key(INTAKE))
            .condition_expression("attribute_exists(pk)");
        Ok(vec![
            TransactWriteItem::builder().put(put.build().map_err(|_| unbuilt())?).build(),
            TransactWriteItem::builder().update(count.build().map_err(|_| unbuilt())?).build(),
            TransactWriteItem::builder().condition_check(order.build().map_err(|_| unbuilt())?).build(),
        ])
    }
}
