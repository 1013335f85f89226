//! What the reconciler reads: many orders at a time, whatever their number, and where it left off.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::ids::{OrderId, ReturnId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;

use crate::{
    error::{DYNAMODB, StoreError},
    order_item::{DOC, INTAKE, Item, chunk_count, from_items, pk, read_number, read_text},
    orders::Document,
    store::Store,
    table::{Table, unbuilt},
};

/// DynamoDB's own limit.
const KEYS_AT_ONCE: usize = 100;
/// How often what it left out is asked for again.
const ROUNDS: u32 = 10;

/// An order as PostgreSQL lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedOrder {
    pub order_id: OrderId,
    pub version: u64,
    pub status: String,
    /// It has ended, and nothing is owed any more.
    pub is_over: bool,
}

/// What DynamoDB has of an order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrderParts {
    pub has_intake: bool,
    pub document: Option<Document>,
}

/// Where the reconciler left off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReconciliation {
    /// Every order whose last event is at or before this position of the outbox has been looked at.
    pub through: String,
    /// Those that did not fit.
    pub unsound: Vec<OrderId>,
}

fn texts(ids: &[OrderId]) -> Vec<&str> {
    ids.iter().map(OrderId::as_str).collect()
}

impl Store {
    /// Orders by id, after that one.
    pub async fn orders_by_id(&self, after: Option<&OrderId>, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(order_id) FROM orders WHERE order_id > $1 ORDER BY order_id LIMIT $2");
        self.rows(query.bind(after.map_or("", OrderId::as_str)).bind(i64::from(limit))).await
    }

    /// Orders whose last event lies after a position of the outbox, each once unless it moves meanwhile; and where to go on, if there are
    /// more. `limit` is in events.
    pub async fn changed_orders(&self, after: &str, limit: u32) -> Result<(Vec<OrderId>, Option<String>), StoreError> {
        let page = self.events_after(Some(after), &Default::default(), limit).await?;
        let (ids, numbers): (Vec<String>, Vec<i64>) =
            page.events.iter().filter_map(|event| Some((event.order_id.as_ref()?.to_string(), i64::try_from(event.seq).ok()?))).unzip();
        let query = sqlx::query_scalar(
            "SELECT DISTINCT to_jsonb(o.order_id) FROM unnest($1::text[], $2::bigint[]) AS e (order_id, seq)
            JOIN orders o ON o.order_id = e.order_id AND o.version <= e.seq",
        );
        let next = (page.events.len() >= limit as usize).then_some(page.next);
        Ok((self.rows(query.bind(ids).bind(numbers)).await?, next))
    }

    /// Orders of which nothing was heard, or not of a return of theirs, when their next wait was over, before this time.
    pub async fn overdue_orders(&self, overdue: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let query = sqlx::query_scalar(
            "(SELECT to_jsonb(order_id) FROM orders WHERE next_wait_at <= $1 ORDER BY next_wait_at LIMIT $2)
            UNION ALL (SELECT to_jsonb(order_id) FROM returns WHERE next_wait_at <= $1 ORDER BY next_wait_at LIMIT $2)",
        );
        self.rows(query.bind(overdue.to_sqlx()).bind(i64::from(limit))).await
    }

    /// How PostgreSQL lists them; those it does not list are left out.
    pub async fn listed_orders(&self, ids: &[OrderId]) -> Result<Vec<ListedOrder>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('order_id', order_id, 'version', version, 'status', status, 'is_over', next_wait_at IS NULL)
            FROM orders WHERE order_id = ANY ($1)",
        );
        self.rows(query.bind(texts(ids))).await
    }

    /// Those that PostgreSQL has never heard of.
    pub async fn unknown_orders(&self, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(id) FROM unnest($1::text[]) AS id WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = id)
            AND NOT EXISTS (SELECT FROM pending_intakes p WHERE p.order_id = id)",
        );
        self.rows(query.bind(texts(ids))).await
    }

    /// Shows every order that DynamoDB has an intake or a document of, some at a time, and some twice. Reads the whole table, not
    /// consistently.
    pub async fn every_kept_order(&self, mut some: impl AsyncFnMut(Vec<OrderId>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let scan = self.table.client.scan().table_name(&*self.table.name).projection_expression("pk");
        let scan = scan.filter_expression("sk IN (:intake, :doc)");
        let scan = scan.expression_attribute_values(":intake", text(INTAKE)).expression_attribute_values(":doc", text(DOC));
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            let items = page?.items.unwrap_or_default();
            let ids: BTreeSet<OrderId> = items.iter().map(order_of).collect::<Result<_, _>>()?;
            some(ids.into_iter().collect()).await?;
        }
        Ok(())
    }

    /// The documents of their returns, by order.
    pub async fn documents_of_returns(&self, ids: &[OrderId]) -> Result<BTreeMap<ReturnId, Value>, StoreError> {
        let query = sqlx::query_as("SELECT return_id, doc FROM returns WHERE order_id = ANY ($1)").bind(texts(ids));
        let rows: Vec<(String, Json<Value>)> = query.fetch_all(&self.pool).await?;
        let read = |(id, Json(doc)): (String, Json<Value>)| {
            Ok((ReturnId::parse(id).map_err(|_| StoreError::Corrupt { what: "a return's id" })?, doc))
        };
        rows.into_iter().map(read).collect()
    }

    /// What DynamoDB has of each, also of those of which it has nothing.
    pub async fn order_parts(&self, ids: &[OrderId]) -> Result<BTreeMap<OrderId, OrderParts>, StoreError> {
        let mut parts: BTreeMap<OrderId, OrderParts> = ids.iter().map(|id| (id.clone(), OrderParts::default())).collect();
        for ids in ids.chunks(KEYS_AT_ONCE) {
            for head in self.table.heads(ids, INTAKE, Some("pk")).await? {
                parts.entry(order_of(&head)?).or_default().has_intake = true;
            }
            for head in self.table.heads(ids, DOC, None).await? {
                let id = order_of(&head)?;
                let document = if chunk_count(&head)? == 1 { Some(document_of(head)?) } else { self.document(&id).await? };
                parts.entry(id).or_default().document = document;
            }
        }
        Ok(parts)
    }

    /// Where the reconciler left off; None: it has never been through.
    pub async fn last_reconciliation(&self) -> Result<Option<LastReconciliation>, StoreError> {
        self.row(sqlx::query_scalar("SELECT to_jsonb(r) FROM reconciliation r")).await
    }

    /// Remembers it.
    pub async fn note_reconciliation(&self, last: &LastReconciliation) -> Result<(), StoreError> {
        let note =
            "INSERT INTO reconciliation (through, unsound) SELECT through, unsound FROM jsonb_populate_record(NULL::reconciliation, $1)
            ON CONFLICT (one) DO UPDATE SET through = excluded.through, unsound = excluded.unsound, ended_at = now()";
        sqlx::query(note).bind(Json(last)).execute(&self.pool).await?;
        Ok(())
    }
}

fn order_of(item: &Item) -> Result<OrderId, StoreError> {
    let id = read_text(item, "pk")?.strip_prefix("ORDER#").and_then(|id| OrderId::parse(id).ok());
    id.ok_or(StoreError::Corrupt { what: "an order's key" })
}

fn document_of(head: Item) -> Result<Document, StoreError> {
    let version = read_number(&head, "version")?;
    let json = from_items(&head, &[])?.ok_or(StoreError::Corrupt { what: "an order's item" })?;
    Ok(Document { version, doc: serde_json::from_slice(&json).map_err(|_| StoreError::Corrupt { what: "an order's document" })? })
}

impl Table {
    /// The heads under a sort key, of those that have one: whole, or these attributes of them.
    async fn heads(&self, ids: &[OrderId], sk: &str, attributes: Option<&str>) -> Result<Vec<Item>, StoreError> {
        let key = |id| HashMap::from([("pk".to_owned(), pk(id)), ("sk".to_owned(), AttributeValue::S(sk.to_owned()))]);
        let asked = KeysAndAttributes::builder().set_keys(Some(ids.iter().map(key).collect())).consistent_read(true);
        let asked = asked.set_projection_expression(attributes.map(str::to_owned)).build().map_err(|_| unbuilt())?;
        let (mut heads, mut wanted) = (Vec::new(), HashMap::from([(self.name.to_string(), asked)]));
        for _ in 0..ROUNDS {
            let mut answer = self.client.batch_get_item().set_request_items(Some(wanted)).send().await?;
            heads.extend(answer.responses.take().into_iter().flat_map(HashMap::into_values).flatten());
            // What did not fit into the answer.
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(heads);
            }
        }
        Err(StoreError::Busy { system: DYNAMODB, code: "keys were left out again and again".into() })
    }
}
