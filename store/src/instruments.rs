//! Instruments that came after the order was placed: what identifies them at the gateway, which never travels through a workflow.

use aws_sdk_dynamodb::types::AttributeValue;
use oms_domain::{
    ids::{OrderId, PaymentId},
    placed::ThreeDSecure,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    error::StoreError,
    order_item::{Item, pk, read_text},
    store::Store,
};

/// What a new instrument met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instrument {
    New,
    /// The same token was there under this id.
    Same,
    /// Another token has this id.
    Other,
}

/// What an instrument is charged with.
#[derive(Debug, Clone)]
pub struct InstrumentSecrets {
    pub token: SecretString,
    pub three_d_secure: Option<ThreeDSecure>,
}

impl InstrumentSecrets {
    fn is(&self, other: &Self) -> bool {
        self.token.expose_secret() == other.token.expose_secret() && self.three_d_secure == other.three_d_secure
    }
}

fn sort_key(payment_id: &PaymentId) -> String {
    format!("PAYMENT#{payment_id}")
}

fn read_proof(item: &Item) -> Result<ThreeDSecure, StoreError> {
    serde_json::from_str(read_text(item, "three_d_secure")?).map_err(|_| StoreError::Corrupt { what: "a text in an order's item" })
}

impl Store {
    /// Keeps what an instrument is charged with under its id, unless there is something.
    pub async fn put_instrument(
        &self,
        order_id: &OrderId,
        payment_id: &PaymentId,
        secrets: &InstrumentSecrets,
    ) -> Result<Instrument, StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = Item::from([
            ("pk".to_owned(), pk(order_id)),
            ("sk".to_owned(), AttributeValue::S(sort_key(payment_id))),
            ("token".to_owned(), text(secrets.token.expose_secret())),
        ]);
        if let Some(proof) = &secrets.three_d_secure {
            item.insert("three_d_secure".to_owned(), text(&json!(proof).to_string()));
        }
        if !self.table.put_alone(item).await? {
            return Ok(Instrument::New);
        }
        let known = self.instrument(order_id, payment_id).await?;
        Ok(if known.is_some_and(|known| known.is(secrets)) { Instrument::Same } else { Instrument::Other })
    }

    /// What an instrument that came after placing is charged with.
    pub async fn instrument(&self, order_id: &OrderId, payment_id: &PaymentId) -> Result<Option<InstrumentSecrets>, StoreError> {
        let Some(item) = self.table.item(order_id, &sort_key(payment_id)).await? else { return Ok(None) };
        let proof = item.contains_key("three_d_secure").then(|| read_proof(&item)).transpose()?;
        Ok(Some(InstrumentSecrets { token: SecretString::from(read_text(&item, "token")?.to_owned()), three_d_secure: proof }))
    }
}
