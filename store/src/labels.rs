//! Label documents, in their order's partition of the order store, since they name people; and who fetched them to print.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::Timestamp;
use oms_domain::{access::By, ids::OrderId, label::LabelFormat};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use crate::{
    error::StoreError,
    order_item::{CHUNK_BYTES, Item, number, pk, read_number, read_text},
    store::Store,
    table::Table,
};

/// A document that a label is printed from.
#[derive(Clone, PartialEq, Eq)]
pub struct LabelDocument {
    pub format: LabelFormat,
    pub bytes: Vec<u8>,
}

/// It names somebody: of what is printed of it only what it is.
impl std::fmt::Debug for LabelDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LabelDocument({}, {} bytes)", self.format.name(), self.bytes.len())
    }
}

/// One time that somebody fetched a label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LabelPrint {
    /// Counted from 1 for each label.
    pub number: u32,
    pub format: LabelFormat,
    pub printed_at: Timestamp,
    pub by: Option<By>,
}

/// Counting while others fetch the same label gives each a number of its own in the list; two answers may say the same.
const PRINT: &str = "WITH printed AS (
        INSERT INTO label_prints (label_of, format, actor_kind, actor_id, station_id, request_id)
        SELECT $1, $2, b ->> 'kind', b ->> 'id', b ->> 'station', b ->> 'request_id' FROM (SELECT $3::jsonb AS b) AS acting
    )
    SELECT to_jsonb(1 + count(*)) FROM label_prints WHERE label_of = $1";

impl Store {
    /// Keeps a document of the label of a parcel or a return, in place of one of the same format.
    pub async fn keep_label(&self, order_id: &OrderId, label_of: &str, document: &LabelDocument) -> Result<(), StoreError> {
        self.table.put_label(order_id, label_of, document).await
    }

    /// The document of a label in one format, if it is kept.
    pub async fn label(&self, order_id: &OrderId, label_of: &str, format: LabelFormat) -> Result<Option<LabelDocument>, StoreError> {
        let bytes = self.table.read_label(order_id, label_of, format).await?;
        Ok(bytes.map(|bytes| LabelDocument { format, bytes }))
    }

    /// Notes that whoever acts has fetched a label: how often it was by now.
    pub async fn note_print(&self, label_of: &str, format: LabelFormat) -> Result<u32, StoreError> {
        let query = sqlx::query_scalar(PRINT).bind(label_of).bind(format.name()).bind(Json(self.acting()));
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "the count of a label's prints" })
    }

    /// When a label was fetched, and by whom: the last hundred times, the latest first.
    pub async fn label_prints(&self, label_of: &str) -> Result<Vec<LabelPrint>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('number', p.number, 'format', p.format, 'printed_at', p.printed_at,
                'by', shown_by(p.actor_kind, p.actor_id, p.station_id, p.request_id))
            FROM (SELECT *, row_number() OVER (ORDER BY print_id) AS number FROM label_prints WHERE label_of = $1) AS p
            ORDER BY p.print_id DESC LIMIT 100",
        );
        self.rows(query.bind(label_of)).await
    }
}

/// The head says how many parts there are, which stand under their digest: what somebody reads is of one document, whoever writes meanwhile.
fn head_key(label_of: &str, format: LabelFormat) -> String {
    format!("LABEL#{label_of}#{}", format.name())
}

fn part_key(label_of: &str, digest: &str, part: usize) -> String {
    format!("LABELPART#{label_of}#{digest}#{part:02}")
}

impl Table {
    async fn put_label(&self, order_id: &OrderId, label_of: &str, document: &LabelDocument) -> Result<(), StoreError> {
        let digest: String = Sha256::digest(&document.bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let parts: Vec<&[u8]> = document.bytes.chunks(CHUNK_BYTES).collect();
        let item = |sk: String, body: &[u8]| {
            Item::from([
                ("pk".to_owned(), pk(order_id)),
                ("sk".to_owned(), AttributeValue::S(sk)),
                ("body".to_owned(), AttributeValue::B(Blob::new(body))),
            ])
        };
        let (first, rest) = parts.split_first().ok_or(StoreError::Corrupt { what: "an empty label document" })?;
        for (part, body) in rest.iter().enumerate() {
            self.put_part(item(part_key(label_of, &digest, part), body)).await?;
        }
        let mut head = item(head_key(label_of, document.format), first);
        head.extend([("parts".to_owned(), number(rest.len())), ("digest".to_owned(), AttributeValue::S(digest))]);
        self.put_part(head).await
    }

    async fn put_part(&self, item: Item) -> Result<(), StoreError> {
        let written = self.put(item).send().await?;
        self.note_cost(written.consumed_capacity());
        Ok(())
    }

    async fn read_label(&self, order_id: &OrderId, label_of: &str, format: LabelFormat) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(head) = self.item(order_id, &head_key(label_of, format)).await? else { return Ok(None) };
        let corrupt = StoreError::Corrupt { what: "a label document" };
        let (digest, count): (_, usize) = (read_text(&head, "digest")?, read_number(&head, "parts")?);
        let key = |part| AttributeValue::S(part_key(label_of, digest, part));
        let rest = if count == 0 { Vec::new() } else { self.items_between(order_id, key(0), key(count - 1)).await? };
        if rest.len() != count {
            return Err(corrupt);
        }
        let mut bytes = Vec::new();
        for part in std::iter::once(&head).chain(&rest) {
            let body = part.get("body").and_then(|body| body.as_b().ok()).ok_or(corrupt.clone())?;
            bytes.extend_from_slice(body.as_ref());
        }
        Ok(Some(bytes))
    }
}
