//! Instruments that came after the order was placed: what identifies them at the gateway, which never travels through a workflow.

use aws_sdk_dynamodb::types::AttributeValue;
use oms_domain::ids::{OrderId, PaymentId};
use secrecy::{ExposeSecret, SecretString};

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

fn sort_key(payment_id: &PaymentId) -> String {
    format!("PAYMENT#{payment_id}")
}

impl Store {
    /// Keeps an instrument's token under its id, unless there is one.
    pub async fn put_instrument(&self, order_id: &OrderId, payment_id: &PaymentId, token: &SecretString) -> Result<Instrument, StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = Item::from([
            ("pk".to_owned(), pk(order_id)),
            ("sk".to_owned(), AttributeValue::S(sort_key(payment_id))),
            ("token".to_owned(), text(token.expose_secret())),
        ]);
        if !self.table.put_alone(item).await? {
            return Ok(Instrument::New);
        }
        let known = self.instrument_token(order_id, payment_id).await?;
        let same = known.is_some_and(|known| known.expose_secret() == token.expose_secret());
        Ok(if same { Instrument::Same } else { Instrument::Other })
    }

    /// The token of an instrument that came after placing.
    pub async fn instrument_token(&self, order_id: &OrderId, payment_id: &PaymentId) -> Result<Option<SecretString>, StoreError> {
        let Some(item) = self.table.item(order_id, &sort_key(payment_id)).await? else { return Ok(None) };
        Ok(Some(SecretString::from(read_text(&item, "token")?.to_owned())))
    }
}
