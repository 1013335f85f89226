//! The order's document, in DynamoDB: it follows what is recorded, by one conditional write, and is never put back.

use aws_sdk_dynamodb::{
    operation::put_item::builders::PutItemFluentBuilder,
    types::{AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use oms_domain::ids::OrderId;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    error::{DYNAMODB, StoreError},
    order_item::{DOC, Item, chunk_count, cut, from_items, head_item, number, pack, pk, read_number, read_text, with_body},
    store::Store,
    table::Table,
};

/// How often a body is read again when a write was met half way.
const READS: u32 = 3;

/// The order as it was after its last record.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub version: u64,
    pub doc: Value,
}

impl Store {
    /// The order's document.
    pub async fn document(&self, order_id: &OrderId) -> Result<Option<Document>, StoreError> {
        let Some((head, json)) = self.table.body(order_id, DOC).await? else { return Ok(None) };
        let doc = serde_json::from_slice(&json).map_err(|_| StoreError::Corrupt { what: "an order's document" })?;
        Ok(Some(Document { version: read_number(&head, "version")?, doc }))
    }

    /// The version of the order's document.
    pub async fn document_version(&self, order_id: &OrderId) -> Result<Option<u64>, StoreError> {
        self.table.item_part(order_id, DOC, "version").await?.map(|head| read_number(&head, "version")).transpose()
    }

    /// The write units that this store's writes to DynamoDB have cost so far; a condition that did not hold is not counted.
    pub fn write_units(&self) -> u64 {
        self.table.write_units()
    }

    /// Writes the order's document, unless one of this version or a newer one is there.
    pub async fn put_document(&self, order_id: &OrderId, version: u64, doc: &Value) -> Result<(), StoreError> {
        self.table.put_document(order_id, version, doc).await
    }
}

impl Table {
    /// The head and the whole JSON under a key.
    pub(crate) async fn body(&self, order_id: &OrderId, sk: &str) -> Result<Option<(Item, Vec<u8>)>, StoreError> {
        for _ in 0..READS {
            let Some(head) = self.item(order_id, sk).await? else { return Ok(None) };
            let chunks = match (chunk_count(&head)?, read_text(&head, "digest")) {
                (1, _) => Vec::new(),
                (count, Ok(digest)) => self.chunks(order_id, &format!("{sk}#{digest}"), 0, count).await?,
                (count, Err(_)) => self.chunks(order_id, sk, 1, count).await?,
            };
            if let Some(json) = from_items(&head, &chunks)? {
                return Ok(Some((head, json)));
            }
        }
        Err(StoreError::Busy { system: DYNAMODB, code: "the document kept changing".into() })
    }

    /// The chunks from one to before another, as far as they are there.
    async fn chunks(&self, order_id: &OrderId, under: &str, from: usize, to: usize) -> Result<Vec<Item>, StoreError> {
        let key = |n: usize| AttributeValue::S(chunk_sk(under, n));
        self.items_between(order_id, key(from), key(to.saturating_sub(1))).await
    }

    pub(crate) async fn items_between(
        &self,
        order_id: &OrderId,
        from: AttributeValue,
        to: AttributeValue,
    ) -> Result<Vec<Item>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&*self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", pk(order_id))
            .expression_attribute_values(":from", from)
            .expression_attribute_values(":to", to)
            .into_paginator()
            .send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page?.items.unwrap_or_default());
        }
        Ok(items)
    }

    /// One conditional put. What does not fit into one item is put first, in chunks under its own digest, which nobody reads before the
    /// head names them; afterwards those go that no head names any more.
    async fn put_document(&self, order_id: &OrderId, version: u64, doc: &Value) -> Result<(), StoreError> {
        let json = serde_json::to_vec(doc).map_err(|_| StoreError::Corrupt { what: "a document that is not JSON" })?;
        let packed = pack(&json)?;
        let chunks = cut(&packed)?;
        let mut head = head_item(order_id, DOC, &packed, chunks.len());
        head.insert("version".to_owned(), number(version));
        let digest = digest(&packed.body);
        if let [whole] = chunks[..] {
            with_body(&mut head, &packed, whole)?;
        } else {
            head.insert("digest".to_owned(), AttributeValue::S(digest.clone()));
            for (n, chunk) in chunks.iter().enumerate() {
                let sk = AttributeValue::S(chunk_sk(&format!("{DOC}#{digest}"), n));
                let mut item = Item::from([("pk".to_owned(), pk(order_id)), ("sk".to_owned(), sk)]);
                with_body(&mut item, &packed, chunk)?;
                self.put(item).send().await.map(|put| self.note_cost(put.consumed_capacity()))?;
            }
        }
        let ours = (chunks.len() > 1).then_some((digest, chunks.len()));
        let (standing, unnamed) = match self.put_head(head, version).await? {
            Put::Written { before } => (ours, before.as_ref().and_then(chunked)),
            Put::Refused { there } => (there.as_ref().and_then(chunked), ours),
        };
        match unnamed.filter(|unnamed| Some(unnamed) != standing.as_ref()) {
            Some((digest, count)) => self.delete_chunks(order_id, &digest, count).await,
            None => Ok(()),
        }
    }

    async fn put_head(&self, head: Item, version: u64) -> Result<Put, StoreError> {
        let put = self.put(head);
        let put = put.condition_expression("attribute_not_exists(pk) OR version < :version");
        let put = put.expression_attribute_values(":version", number(version)).return_values(ReturnValue::AllOld);
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(written) => {
                self.note_cost(written.consumed_capacity());
                Ok(Put::Written { before: written.attributes })
            }
            Err(error) => match error.as_service_error() {
                Some(aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Put::Refused { there: failed.item.clone() })
                }
                _ => Err(error.into()),
            },
        }
    }

    async fn delete_chunks(&self, order_id: &OrderId, digest: &str, count: usize) -> Result<(), StoreError> {
        for n in 0..count {
            let sk = AttributeValue::S(chunk_sk(&format!("{DOC}#{digest}"), n));
            let delete = self.client.delete_item().table_name(&*self.name).key("pk", pk(order_id)).key("sk", sk);
            let deleted = delete.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await?;
            self.note_cost(deleted.consumed_capacity());
        }
        Ok(())
    }

    /// A put that says what it costs.
    pub(crate) fn put(&self, item: Item) -> PutItemFluentBuilder {
        let put = self.client.put_item().table_name(&*self.name).set_item(Some(item));
        put.return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// Whether the conditions held; if not, nothing was written.
    pub(crate) async fn transact(&self, puts: Vec<TransactWriteItem>) -> Result<bool, StoreError> {
        let write = self.client.transact_write_items().set_transact_items(Some(puts));
        let error = match write.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
            Ok(written) => {
                written.consumed_capacity().iter().for_each(|capacity| self.note_cost(Some(capacity)));
                return Ok(true);
            }
            Err(error) => error,
        };
        let reasons = error.as_service_error().and_then(|e| match e {
            aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                Some(cancelled.cancellation_reasons())
            }
            _ => None,
        });
        // A conflict with another transaction is worth a retry; a condition that failed is an answer.
        let failed = |code: &str| reasons.unwrap_or_default().iter().any(|reason| reason.code() == Some(code));
        if failed("ConditionalCheckFailed") && !failed("TransactionConflict") {
            return Ok(false);
        }
        Err(error.into())
    }
}

/// What became of a head, with the one it met.
enum Put {
    Written { before: Option<Item> },
    Refused { there: Option<Item> },
}

/// The chunks that a head names.
fn chunked(head: &Item) -> Option<(String, usize)> {
    Some((read_text(head, "digest").ok()?.to_owned(), chunk_count(head).ok()?))
}

fn chunk_sk(under: &str, n: usize) -> String {
    format!("{under}#{n:04}")
}

fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
