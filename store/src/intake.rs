//! The order as placed: written once, before anything else knows of the order. It owns the idempotency of placing.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;
use oms_domain::{access::By, ids::OrderId, placed::PlacedOrder};
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::{
    error::{DYNAMODB, StoreError},
    idempotency::KeyedRequest,
    order_item::{INTAKE, Item, number, pk, read_number, read_text, to_items},
    stock_prices::demand_of,
    store::Store,
    table::{Table, unbuilt},
};

/// What an intake met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    New,
    /// The same body was there.
    Same,
    /// Another body has this id.
    Other,
}

/// An order as it was placed. The only thing in this room with personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct IntakeRow {
    pub order: PlacedOrder,
    pub hash: String,
    /// In business time.
    pub received_at: Timestamp,
    /// Who placed it; None: nobody said.
    pub by: Option<By>,
}

/// The key under which an order is placed, and the headers of the answer to it.
#[derive(Debug, Clone, Copy)]
pub struct PlacingKey<'a> {
    pub request: KeyedRequest<'a>,
    pub headers: &'a Value,
}

/// What became of an intake under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyedIntake {
    /// `status` is that of the answer under this key, now and whenever it comes again; `is_repeat`: it had come before.
    Kept { intake: Intake, status: u16, is_repeat: bool },
    /// The key was used with another body. Nothing was announced or kept.
    OtherBody,
}

/// See `announce_intake`.
#[derive(sqlx::FromRow)]
struct Announced {
    first: Option<bool>,
    status: Option<i32>,
    known: Option<bool>,
}

/// Names who placed it, as JSON.
const BY: &str = "by";
const ANNOUNCE: &str = "SELECT first, status, known FROM announce_intake($1, $2, $3, $4, $5, $6)";

/// What was announced under the id before never came: this is what did.
const CORRECT: &str = "WITH hash AS (UPDATE pending_intakes SET customer_email_hash = $2 WHERE order_id = $1), gone AS (
        DELETE FROM order_names o WHERE o.order_id = $1 AND NOT EXISTS (
            SELECT FROM jsonb_populate_recordset(NULL::order_names, $3) AS n WHERE (n.channel, n.system, n.name) = (o.channel, o.system, o.name))
    ), unsaid AS (
        DELETE FROM order_lookups l WHERE l.order_id = $1 AND l.hash <> ALL ($4)
    ), said AS (
        INSERT INTO order_lookups (hash, order_id) SELECT hash, $1 FROM unnest($4::text[]) AS hash ON CONFLICT DO NOTHING
    )
    INSERT INTO order_names (channel, system, name, order_id)
    SELECT n.channel, n.system, n.name, $1 FROM jsonb_populate_recordset(NULL::order_names, $3) AS n ON CONFLICT DO NOTHING";

impl Store {
    /// Keeps an order's body under its id, unless there is one. `hash` is the body's; `received_at` is business time.
    ///
    /// PostgreSQL hears of it first, so that a process that dies between the two leaves a row without an order, which the sweeper
    /// deletes in time, and not an order without a row, which nobody would ever start. What it wants is noted with it, for prices of stock.
    pub async fn put_intake(&self, order: &PlacedOrder, hash: &str, received_at: Timestamp) -> Result<Intake, StoreError> {
        let announced = self.announce(order, None).await?;
        self.keep_intake(order, hash, received_at, announced.first).await
    }

    /// The same under a key, which costs no transaction of its own: the answer to it is kept with the announcement. Whoever dies between the
    /// two leaves a key whose order has no body: the same request again brings it. What is refused keeps nothing.
    pub async fn put_intake_under(
        &self,
        key: PlacingKey<'_>,
        order: &PlacedOrder,
        hash: &str,
        received_at: Timestamp,
    ) -> Result<KeyedIntake, StoreError> {
        let Announced { first, status, known } = self.announce(order, Some(key)).await?;
        let corrupt = StoreError::Corrupt { what: "the answer under a key" };
        let (status, is_repeat) = status.and_then(|status| u16::try_from(status).ok()).zip(Some(known.unwrap_or(false))).ok_or(corrupt)?;
        if status == 0 {
            return Ok(KeyedIntake::OtherBody);
        }
        let intake = self.keep_intake(order, hash, received_at, first).await?;
        if intake == Intake::Other && !is_repeat {
            self.idempotency().forget_placed(&key.request).await?;
        }
        Ok(KeyedIntake::Kept { intake, status, is_repeat })
    }

    async fn announce(&self, order: &PlacedOrder, key: Option<PlacingKey<'_>>) -> Result<Announced, StoreError> {
        let email_hash = order.customer.email.as_deref().map(|email| self.email_hash(email));
        let keyed = key.map(|PlacingKey { request: KeyedRequest { caller, route, key, body_hash }, headers }| {
            json!({"caller": caller, "route": route, "key": key, "body_hash": body_hash, "headers": headers})
        });
        let announce = sqlx::query_as(ANNOUNCE).bind(order.order_id.as_str()).bind(email_hash).bind(Json(demand_of(order)));
        let announce = announce.bind(Json(keyed)).bind(Json(names_of(order))).bind(self.lookups_of(order));
        Ok(announce.fetch_one(&self.pool).await?)
    }

    /// `first`: whether it was announced for the first time.
    async fn keep_intake(
        &self,
        order: &PlacedOrder,
        hash: &str,
        received_at: Timestamp,
        first: Option<bool>,
    ) -> Result<Intake, StoreError> {
        let intake = self.table.put_intake(order, hash, received_at, self.acting()).await?;
        if intake == Intake::New {
            // Its run is about to read it.
            self.recent_intakes.keep(&IntakeRow {
                order: order.clone(),
                hash: hash.to_owned(),
                received_at: to_the_millisecond(received_at),
                by: self.acting().cloned(),
            });
        }
        if intake == Intake::New && first == Some(false) {
            // Another body was announced and never came.
            let email_hash = order.customer.email.as_deref().map(|email| self.email_hash(email));
            let correct = sqlx::query(CORRECT).bind(order.order_id.as_str()).bind(email_hash);
            correct.bind(Json(names_of(order))).bind(self.lookups_of(order)).execute(&self.pool).await?;
        }
        Ok(intake)
    }

    /// Whether an order was ever taken in under this id.
    pub async fn is_taken_in(&self, order_id: &OrderId) -> Result<bool, StoreError> {
        if self.recent_intakes.find(order_id).is_some() {
            return Ok(true);
        }
        Ok(self.table.item_part(order_id, INTAKE, "received_at_ms").await?.is_some())
    }

    /// The order as placed.
    pub async fn intake(&self, order_id: &OrderId) -> Result<Option<IntakeRow>, StoreError> {
        if let Some(known) = self.recent_intakes.find(order_id) {
            return Ok(Some(known));
        }
        let Some((head, json)) = self.table.body(order_id, INTAKE).await? else { return Ok(None) };
        let corrupt = StoreError::Corrupt { what: "an order's intake" };
        let intake = IntakeRow {
            order: serde_json::from_slice(&json).map_err(|_| corrupt.clone())?,
            hash: read_text(&head, "hash")?.to_owned(),
            received_at: Timestamp::from_millisecond(read_number(&head, "received_at_ms")?).map_err(|_| corrupt.clone())?,
            by: read_by(&head)?,
        };
        self.recent_intakes.keep(&intake);
        Ok(Some(intake))
    }
}

/// Absent in items from before.
fn read_by(head: &Item) -> Result<Option<By>, StoreError> {
    if !head.contains_key(BY) {
        return Ok(None);
    }
    serde_json::from_str(read_text(head, BY)?).map(Some).map_err(|_| StoreError::Corrupt { what: "who placed an order" })
}

/// What the shop and others call the order.
fn names_of(order: &PlacedOrder) -> Value {
    let number = order.carried.order_number.iter().map(|number| ("", number));
    let names = order.carried.external_ids.iter().map(|(system, id)| (system.as_str(), id));
    number.chain(names).map(|(system, name)| json!({"channel": order.channel, "system": system, "name": name})).collect()
}

/// As it is kept.
fn to_the_millisecond(received_at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(received_at.as_millisecond()).unwrap_or(received_at)
}

impl Table {
    async fn put_intake(&self, order: &PlacedOrder, hash: &str, received_at: Timestamp, by: Option<&By>) -> Result<Intake, StoreError> {
        let json = serde_json::to_vec(order).map_err(|_| StoreError::Corrupt { what: "an order that is not JSON" })?;
        let mut items = to_items(&order.order_id, INTAKE, &json, hash)?;
        items[0].extend([
            ("hash".to_owned(), AttributeValue::S(hash.to_owned())),
            ("received_at_ms".to_owned(), number(received_at.as_millisecond())),
        ]);
        if let Some(by) = by.and_then(|by| serde_json::to_string(by).ok()) {
            items[0].insert(BY.to_owned(), AttributeValue::S(by));
        }
        let present = if items.len() == 1 { self.put_alone(items.remove(0)).await? } else { self.put_chunked(items).await? };
        if !present {
            return Ok(Intake::New);
        }
        let stored = self.item(&order.order_id, INTAKE).await?.ok_or(StoreError::Busy { system: DYNAMODB, code: "gone".into() })?;
        Ok(if read_text(&stored, "hash")? == hash { Intake::Same } else { Intake::Other })
    }

    /// Whether one was there.
    pub(crate) async fn put_alone(&self, item: Item) -> Result<bool, StoreError> {
        match self.put(item).condition_expression("attribute_not_exists(pk)").send().await {
            Ok(written) => {
                self.note_cost(written.consumed_capacity());
                Ok(false)
            }
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether one was there. The chunks carry their own condition: theirs must not replace another body's.
    async fn put_chunked(&self, items: Vec<Item>) -> Result<bool, StoreError> {
        let put = |item| {
            let put = Put::builder().table_name(&*self.name).set_item(Some(item)).condition_expression("attribute_not_exists(pk)");
            Ok(TransactWriteItem::builder().put(put.build().map_err(|_| unbuilt())?).build())
        };
        let puts = items.into_iter().map(put).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(!self.transact(puts).await?)
    }

    /// One attribute of the item under a key.
    pub(crate) async fn item_part(&self, order_id: &OrderId, sk: &str, attribute: &str) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&*self.name).consistent_read(true);
        // By another name: some are words of the database.
        let get = get.projection_expression("#part").expression_attribute_names("#part", attribute);
        Ok(get.key("pk", pk(order_id)).key("sk", AttributeValue::S(sk.to_owned())).send().await?.item)
    }

    /// The item under a key.
    pub(crate) async fn item(&self, order_id: &OrderId, sk: &str) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&*self.name).consistent_read(true);
        Ok(get.key("pk", pk(order_id)).key("sk", AttributeValue::S(sk.to_owned())).send().await?.item)
    }
}
