//! Change sets as they were asked for: written once, before the order hears of them, since they may bring addresses. One that the
//! order then refuses stays, and changes nothing: only what the order's document has confirmed is read again.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use oms_domain::{
    change::ChangeSet,
    ids::{ChangeId, OrderId},
    placed::PlacedOrder,
};

use crate::{
    error::StoreError,
    order_item::{read_text, to_items},
    store::Store,
};

/// What a change set met under its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    New,
    /// The same one was there.
    Same,
    /// Another one has this id.
    Other,
}

fn sort_key(change_id: &ChangeId) -> String {
    format!("CHANGE#{change_id}")
}

impl Store {
    /// Keeps a change set under its id, unless there is one.
    pub async fn put_change(&self, order_id: &OrderId, set: &ChangeSet) -> Result<Kept, StoreError> {
        let unserializable = |_| StoreError::Corrupt { what: "a change set that is not JSON" };
        let (json, hash) = (serde_json::to_vec(set).map_err(unserializable)?, set.hash().map_err(unserializable)?);
        let mut items = to_items(order_id, &sort_key(&set.change_id), &json, &hash)?;
        // The bounds of its parts, compressed, keep it in one item.
        if items.len() > 1 {
            return Err(StoreError::TooLarge { what: "a change set", bytes: json.len() });
        }
        items[0].insert("hash".to_owned(), AttributeValue::S(hash.clone()));
        self.note_lookups(order_id, set.addresses()).await?;
        if !self.table.put_alone(items.remove(0)).await? {
            return Ok(Kept::New);
        }
        let known = self.table.item(order_id, &sort_key(&set.change_id)).await?.ok_or(StoreError::Corrupt { what: "a change set" })?;
        Ok(if read_text(&known, "hash")? == hash { Kept::Same } else { Kept::Other })
    }

    /// The order as placed, with the lines and addresses of these change sets, one after the other. None if it was not taken in.
    pub async fn placed(&self, order_id: &OrderId, changes: &[ChangeId]) -> Result<Option<PlacedOrder>, StoreError> {
        Ok(self.taken_in(order_id, changes).await?.map(|(placed, _)| placed))
    }

    /// The same, and when it was taken in.
    pub async fn taken_in(&self, order_id: &OrderId, changes: &[ChangeId]) -> Result<Option<(PlacedOrder, Timestamp)>, StoreError> {
        let Some(intake) = self.intake(order_id).await? else { return Ok(None) };
        let mut placed = intake.order;
        for change_id in changes {
            placed = placed.with(&self.change_set(order_id, change_id).await?);
        }
        Ok(Some((placed, intake.received_at)))
    }

    async fn change_set(&self, order_id: &OrderId, change_id: &ChangeId) -> Result<ChangeSet, StoreError> {
        let corrupt = StoreError::Corrupt { what: "a change set that was confirmed" };
        let (_, json) = self.table.body(order_id, &sort_key(change_id)).await?.ok_or(corrupt.clone())?;
        serde_json::from_slice(&json).map_err(|_| corrupt)
    }
}
