//! The order's document and its events, in DynamoDB.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use oms_domain::ids::OrderId;
use serde_json::Value;

use crate::{
    error::{DYNAMODB, StoreError},
    order_item::{DOC, Item, chunk_count, event_sk, from_items, number, pk, read_number, to_items},
    record::{Record, RecordedEvent},
    store::Store,
    table::{Table, unbuilt},
};

/// Most items of one transaction (DynamoDB's own limit is 100), and room for the document's chunks.
const EVENTS_PER_TRANSACTION: usize = 88;
/// How often a document is read again when a write was met half way.
const READS: u32 = 3;

/// The order as it was after its last record.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub version: u64,
    pub doc: Value,
}

/// A document and the events that led to it, to be written unless a newer one is there.
pub(crate) struct DocumentWrite<'a> {
    order_id: &'a OrderId,
    /// Counts the lost tasks of this order; compared before the version.
    generation: i64,
    version: u64,
    doc: &'a Value,
    events: &'a [RecordedEvent],
}

impl<'a> DocumentWrite<'a> {
    pub fn of(record: &'a Record, generation: i64) -> Self {
        Self { order_id: &record.order_id, generation, version: record.version, doc: &record.doc, events: &record.events }
    }
}

impl Store {
    /// The order's document.
    pub async fn document(&self, order_id: &OrderId) -> Result<Option<Document>, StoreError> {
        let Some((head, json)) = self.table.body(order_id, DOC).await? else { return Ok(None) };
        let doc = serde_json::from_slice(&json).map_err(|_| StoreError::Corrupt { what: "an order's document" })?;
        Ok(Some(Document { version: read_number(&head, "version")?, doc }))
    }

    /// Events after the given one, in order, never past the document's version: what lies beyond was written by a lost task.
    pub async fn events(&self, order_id: &OrderId, after: u64, limit: u32) -> Result<Vec<RecordedEvent>, StoreError> {
        let Some(head) = self.table.item(order_id, DOC).await? else { return Ok(Vec::new()) };
        let version: u64 = read_number(&head, "version")?;
        let last = version.min(after.saturating_add(u64::from(limit)));
        if last <= after {
            return Ok(Vec::new());
        }
        let items = self.table.items_between(order_id, event_sk(after + 1), event_sk(last)).await?;
        let event = |item: &Item| {
            let json = from_items(std::slice::from_ref(item))?.ok_or(StoreError::Corrupt { what: "an event's item" })?;
            serde_json::from_slice(&json).map_err(|_| StoreError::Corrupt { what: "an event" })
        };
        items.iter().map(event).collect()
    }
}

impl Table {
    /// The head and the whole JSON under a key.
    pub(crate) async fn body(&self, order_id: &OrderId, sk: &str) -> Result<Option<(Item, Vec<u8>)>, StoreError> {
        for _ in 0..READS {
            let Some(head) = self.item(order_id, sk).await? else { return Ok(None) };
            let items = if chunk_count(&head)? == 1 {
                vec![head]
            } else {
                let last_chunk = AttributeValue::S(format!("{sk}#9999"));
                self.items_between(order_id, AttributeValue::S(sk.to_owned()), last_chunk).await?
            };
            if let Some(json) = from_items(&items)? {
                return Ok(items.into_iter().next().map(|head| (head, json)));
            }
        }
        Err(StoreError::Busy { system: DYNAMODB, code: "the document kept changing".into() })
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

    /// Writes events and document in one transaction, on the condition that the document is older. More events than fit go
    /// ahead of it: nobody reads past the document's version.
    pub(crate) async fn put_document(&self, write: &DocumentWrite<'_>) -> Result<(), StoreError> {
        let (ahead, with) = write.events.split_at(write.events.len().saturating_sub(EVENTS_PER_TRANSACTION));
        for events in ahead.chunks(EVENTS_PER_TRANSACTION) {
            let puts = events.iter().map(|event| self.event_put(write, event, None)).collect::<Result<_, _>>()?;
            self.transact(puts).await?;
        }
        let mut puts = self.document_puts(write)?;
        for event in with {
            puts.push(self.event_put(write, event, None)?);
        }
        if self.transact(puts).await? {
            return Ok(());
        }
        self.fill_in(write).await
    }

    /// The document there is newer, so only events that are missing are written: the process that wrote the newer one may have
    /// overtaken this one between the two databases.
    async fn fill_in(&self, write: &DocumentWrite<'_>) -> Result<(), StoreError> {
        for event in write.events {
            let put = self.event_put(write, event, Some("attribute_not_exists(pk)"))?;
            self.transact(vec![put]).await?;
        }
        Ok(())
    }

    fn document_puts(&self, write: &DocumentWrite<'_>) -> Result<Vec<TransactWriteItem>, StoreError> {
        let json = serde_json::to_vec(write.doc).map_err(|_| StoreError::Corrupt { what: "a document that is not JSON" })?;
        let mut items = to_items(write.order_id, DOC, &json, &stamp(write))?;
        items[0].extend([("version".to_owned(), number(write.version)), ("generation".to_owned(), number(write.generation))]);
        let mut puts = Vec::with_capacity(items.len());
        for (n, item) in items.into_iter().enumerate() {
            let mut put = Put::builder().table_name(&*self.name).set_item(Some(item));
            if n == 0 {
                put = put
                    .condition_expression(
                        "attribute_not_exists(pk) OR generation < :generation OR (generation = :generation AND version < :version)",
                    )
                    .expression_attribute_values(":generation", number(write.generation))
                    .expression_attribute_values(":version", number(write.version));
            }
            puts.push(TransactWriteItem::builder().put(put.build().map_err(|_| unbuilt())?).build());
        }
        Ok(puts)
    }

    fn event_put(
        &self,
        write: &DocumentWrite<'_>,
        event: &RecordedEvent,
        condition: Option<&str>,
    ) -> Result<TransactWriteItem, StoreError> {
        let json = serde_json::to_vec(event).map_err(|_| StoreError::Corrupt { what: "an event that is not JSON" })?;
        let mut items = to_items(write.order_id, "EVENT", &json, &stamp(write))?;
        if items.len() > 1 {
            return Err(StoreError::TooLarge { what: "an event", bytes: json.len() });
        }
        let mut item = items.remove(0);
        item.insert("sk".to_owned(), event_sk(event.seq));
        let put = Put::builder().table_name(&*self.name).set_item(Some(item)).set_condition_expression(condition.map(str::to_owned));
        Ok(TransactWriteItem::builder().put(put.build().map_err(|_| unbuilt())?).build())
    }

    /// Whether the conditions held; if not, nothing was written.
    pub(crate) async fn transact(&self, puts: Vec<TransactWriteItem>) -> Result<bool, StoreError> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(puts)).send().await else { return Ok(true) };
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

/// Differs between any two writes of one order's document.
fn stamp(write: &DocumentWrite<'_>) -> String {
    format!("{}.{}", write.generation, write.version)
}
