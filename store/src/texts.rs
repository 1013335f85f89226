//! Free texts, in their order's partition of the order store, beside the intake: they may name people, and go nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use oms_domain::{free_text::TextReference, ids::OrderId};

use crate::{
    error::StoreError,
    keyed,
    order_item::{Item, pk, read_text},
    store::Store,
    table::Table,
};

/// Sort keys of texts lie between these: no hash has a tilde.
const FIRST: &str = "TEXT#";
const LAST: &str = "TEXT#~";
/// Texts that are written, and orders whose texts are read, at a time.
const AT_ONCE: usize = 8;

impl Store {
    /// What stands for a text of an order. What is a reference already stays what it is.
    pub fn text_reference(&self, order_id: &OrderId, text: &str) -> TextReference {
        let new = || TextReference::new(order_id.clone(), &keyed::text_hash(&self.email_key, order_id, text));
        text.parse().ok().filter(|known: &TextReference| known.order_id == *order_id).unwrap_or_else(new)
    }

    /// Keeps texts under what stands for them. Kept again, each is what it was.
    pub async fn keep_texts(&self, texts: &BTreeMap<TextReference, String>) -> Result<(), StoreError> {
        // Boxed and made at once: the compiler cannot follow borrows through closures in a stream.
        let puts: Vec<_> = texts.iter().map(|(reference, text)| self.table.put_text(reference, text).boxed()).collect();
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await.map(drop)
    }

    /// The texts behind these references, as far as they are there: one query for each order.
    pub async fn texts(&self, references: &BTreeSet<TextReference>) -> Result<BTreeMap<TextReference, String>, StoreError> {
        let orders: BTreeSet<&OrderId> = references.iter().map(|reference| &reference.order_id).collect();
        let of_each: Vec<_> = orders.into_iter().map(|order_id| self.table.texts_of(order_id).boxed()).collect();
        let mut texts: BTreeMap<TextReference, String> = stream::iter(of_each).buffer_unordered(AT_ONCE).try_concat().await?;
        texts.retain(|reference, _| references.contains(reference));
        Ok(texts)
    }
}

impl Table {
    async fn put_text(&self, reference: &TextReference, text: &str) -> Result<(), StoreError> {
        let item = Item::from([
            ("pk".to_owned(), pk(&reference.order_id)),
            ("sk".to_owned(), AttributeValue::S(format!("{FIRST}{}", reference.hash()))),
            ("body".to_owned(), AttributeValue::S(text.to_owned())),
        ]);
        let written = self.put(item).send().await?;
        self.note_cost(written.consumed_capacity());
        Ok(())
    }

    async fn texts_of(&self, order_id: &OrderId) -> Result<BTreeMap<TextReference, String>, StoreError> {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let items = self.items_between(order_id, key(FIRST), key(LAST)).await?;
        let read = |item: &Item| {
            let hash = read_text(item, "sk")?.trim_start_matches(FIRST);
            Ok((TextReference::new(order_id.clone(), hash), read_text(item, "body")?.to_owned()))
        };
        items.iter().map(read).collect()
    }
}
