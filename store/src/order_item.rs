//! How JSON of any size becomes items of DynamoDB, of which none may have more than 400 kB.
//!
//! The smallest is kept as text; all else is compressed, and what is still too large is cut into chunks. The first item, the head, carries
//! the attributes and the number of chunks. Chunks are either written in one transaction with their head, and carry its stamp, or ahead of
//! it, under their digest.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use oms_domain::ids::OrderId;

use crate::error::StoreError;

/// From this size on JSON is compressed, in bytes: each kB costs one write unit.
pub(crate) const COMPRESS_FROM_BYTES: usize = 1024;
/// Most bytes of body in one item: below 400 kB, with room for keys and attributes.
pub(crate) const CHUNK_BYTES: usize = 380 * 1024;
/// Most bytes JSON may unpack to: what a damaged length cannot make us allocate.
const UNPACKED_MAX_BYTES: usize = 64 * 1024 * 1024;
/// A transaction of DynamoDB may carry 4 MB.
const CHUNKS_MAX: usize = 10;
/// Level 3 of 22: an order of 2,000 lines takes milliseconds, and the higher levels save little.
const ZSTD_LEVEL: i32 = 3;

/// An item, attribute by attribute.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) const INTAKE: &str = "INTAKE";
pub(crate) const DOC: &str = "DOC";

/// Partition key of everything about an order.
pub(crate) fn pk(order_id: &OrderId) -> AttributeValue {
    AttributeValue::S(format!("ORDER#{order_id}"))
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A body as it is kept.
pub(crate) struct Packed {
    pub body: Vec<u8>,
    compressed: bool,
}

pub(crate) fn pack(json: &[u8]) -> Result<Packed, StoreError> {
    if json.len() < COMPRESS_FROM_BYTES {
        return Ok(Packed { body: json.to_vec(), compressed: false });
    }
    let body = zstd::bulk::compress(json, ZSTD_LEVEL).map_err(|_| StoreError::Corrupt { what: "a body that does not compress" })?;
    Ok(Packed { body, compressed: true })
}

/// In pieces that fit into an item each, of which there is at least one.
pub(crate) fn cut(packed: &Packed) -> Result<Vec<&[u8]>, StoreError> {
    let chunks: Vec<&[u8]> = if packed.body.is_empty() { vec![&[]] } else { packed.body.chunks(CHUNK_BYTES).collect() };
    if chunks.len() > CHUNKS_MAX {
        return Err(StoreError::TooLarge { what: "an order's document", bytes: packed.body.len() });
    }
    Ok(chunks)
}

/// A head without its body.
pub(crate) fn head_item(order_id: &OrderId, sk: &str, packed: &Packed, chunks: usize) -> Item {
    Item::from([
        ("pk".to_owned(), pk(order_id)),
        ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
        ("chunks".to_owned(), number(chunks)),
        ("encoding".to_owned(), AttributeValue::S(if packed.compressed { "zstd" } else { "json" }.to_owned())),
    ])
}

pub(crate) fn with_body(item: &mut Item, packed: &Packed, chunk: &[u8]) -> Result<(), StoreError> {
    let body = if packed.compressed { AttributeValue::B(Blob::new(chunk)) } else { text(chunk)? };
    item.insert("body".to_owned(), body);
    Ok(())
}

/// JSON as the items to put in one transaction, head first. `stamp` differs between any two writes of one body.
pub(crate) fn to_items(order_id: &OrderId, sk: &str, json: &[u8], stamp: &str) -> Result<Vec<Item>, StoreError> {
    let packed = pack(json)?;
    let chunks = cut(&packed)?;
    let mut items = Vec::with_capacity(chunks.len());
    for (n, chunk) in chunks.iter().enumerate() {
        let mut item = if n == 0 {
            head_item(order_id, sk, &packed, chunks.len())
        } else {
            Item::from([("pk".to_owned(), pk(order_id)), ("sk".to_owned(), AttributeValue::S(format!("{sk}#{n:04}")))])
        };
        item.insert("stamp".to_owned(), AttributeValue::S(stamp.to_owned()));
        with_body(&mut item, &packed, chunk)?;
        items.push(item);
    }
    Ok(items)
}

fn text(json: &[u8]) -> Result<AttributeValue, StoreError> {
    let text = std::str::from_utf8(json).map_err(|_| StoreError::Corrupt { what: "JSON that is not text" })?;
    Ok(AttributeValue::S(text.to_owned()))
}

/// The number of items a head's body is spread over.
pub(crate) fn chunk_count(head: &Item) -> Result<usize, StoreError> {
    read_number(head, "chunks")
}

/// The JSON of a head and its chunks, in key order, or `None` when they are not of one write: read again.
pub(crate) fn from_items(head: &Item, chunks: &[Item]) -> Result<Option<Vec<u8>>, StoreError> {
    let corrupt = StoreError::Corrupt { what: "an order's item" };
    let own = head.contains_key("body").then_some(head);
    let items: Vec<&Item> = own.into_iter().chain(chunks).collect();
    let of_one_write = |item: &&Item| item.get("stamp") == head.get("stamp");
    if items.len() != chunk_count(head)? || !items.iter().all(of_one_write) {
        return Ok(None);
    }
    let mut body = Vec::new();
    for item in items {
        match item.get("body") {
            Some(AttributeValue::S(text)) => body.extend_from_slice(text.as_bytes()),
            Some(AttributeValue::B(blob)) => body.extend_from_slice(blob.as_ref()),
            _ => return Err(corrupt),
        }
    }
    if read_text(head, "encoding")? == "zstd" {
        let size = zstd::zstd_safe::get_frame_content_size(&body).ok().flatten().and_then(|size| usize::try_from(size).ok());
        let capacity = size.filter(|size| *size <= UNPACKED_MAX_BYTES).ok_or(corrupt.clone())?;
        body = zstd::bulk::decompress(&body, capacity).map_err(|_| corrupt)?;
    }
    Ok(Some(body))
}

pub(crate) fn read_number<N: std::str::FromStr>(item: &Item, name: &str) -> Result<N, StoreError> {
    let number = item.get(name).and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok());
    number.ok_or(StoreError::Corrupt { what: "a number in an order's item" })
}

pub(crate) fn read_text<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    let text = item.get(name).and_then(|value| value.as_s().ok());
    text.map(String::as_str).ok_or(StoreError::Corrupt { what: "a text in an order's item" })
}
