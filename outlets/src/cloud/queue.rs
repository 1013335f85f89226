//! SQS as a source: a message is taken off the queue once it has had its effect.

use std::collections::HashMap;

use aws_sdk_sqs::{
    Client,
    config::{Builder, Region},
    types::{Message, MessageSystemAttributeName},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Cloud, CloudError, failed, name::Arn};

/// As many as SQS gives at once.
const MESSAGES_AT_ONCE: i32 = 10;
/// How long the queue waits for a first one.
const WAIT_S: i32 = 5;
/// Whoever has taken a message has it for so long; then the queue gives it to somebody else.
const TAKEN_FOR_S: i32 = 120;

/// A queue that is there.
pub struct Queue {
    client: Client,
    url: String,
    /// Its messages are given in order.
    pub is_in_order: bool,
}

/// A message off a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The same however often it is given: EventBridge's, of what that has sent.
    pub message_id: String,
    pub sent_at: Timestamp,
    pub body: String,
    receipt: String,
}

/// What EventBridge puts around what it sends.
#[derive(Deserialize)]
struct Envelope<'a> {
    id: String,
    #[serde(rename = "detail-type")]
    _kind: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(borrow)]
    detail: &'a RawValue,
}

impl Cloud {
    /// A queue by its name.
    ///
    /// # Errors
    /// When it is not there, or may not be read.
    pub async fn queue(&self, arn: &Arn) -> Result<Queue, CloudError> {
        let config = Builder::from(self.settings().await).region(Region::new(arn.region.clone())).build();
        let client = Client::from_conf(config);
        let asked = client.get_queue_url().queue_name(&arn.name).queue_owner_aws_account_id(&arn.account);
        let url = asked.send().await.map_err(failed)?.queue_url.ok_or_else(|| CloudError("SQS names no such queue".to_owned()))?;
        Ok(Queue { client, url, is_in_order: arn.name.ends_with(".fifo") })
    }
}

impl Queue {
    /// What is there, or comes within a few seconds.
    ///
    /// # Errors
    /// When the service fails.
    pub async fn receive(&self) -> Result<Vec<Fetched>, CloudError> {
        let asked = self.client.receive_message().queue_url(&self.url).max_number_of_messages(MESSAGES_AT_ONCE);
        let asked = asked.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = asked.wait_time_seconds(WAIT_S).visibility_timeout(TAKEN_FOR_S).send().await.map_err(failed)?;
        answer.messages.unwrap_or_default().into_iter().map(fetched).collect()
    }

    /// It has had its effect: the queue forgets it.
    ///
    /// # Errors
    /// When the service fails; then the message is given again, and changes nothing.
    pub async fn done(&self, message: &Fetched) -> Result<(), CloudError> {
        let asked = self.client.delete_message().queue_url(&self.url).receipt_handle(&message.receipt);
        asked.send().await.map(drop).map_err(failed)
    }
}

fn fetched(message: Message) -> Result<Fetched, CloudError> {
    let lacking = |what: &str| CloudError(format!("SQS gave a message without {what}"));
    let sent_at = sent_at(message.attributes.as_ref()).ok_or_else(|| lacking("a time"))?;
    let message_id = message.message_id.ok_or_else(|| lacking("an id"))?;
    let receipt = message.receipt_handle.ok_or_else(|| lacking("a receipt"))?;
    let body = message.body.unwrap_or_default();
    Ok(match serde_json::from_str::<Envelope<'_>>(&body) {
        Ok(envelope) => Fetched { message_id: envelope.id, sent_at, body: envelope.detail.get().to_owned(), receipt },
        Err(_) => Fetched { message_id, sent_at, body, receipt },
    })
}

fn sent_at(attributes: Option<&HashMap<MessageSystemAttributeName, String>>) -> Option<Timestamp> {
    let millis = attributes?.get(&MessageSystemAttributeName::SentTimestamp)?.parse().ok()?;
    Timestamp::from_millisecond(millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Message {
        let message = Message::builder().message_id("m-1").receipt_handle("r-1").body(body);
        message.attributes(MessageSystemAttributeName::SentTimestamp, "1796119200123").build()
    }

    #[test]
    fn what_event_bridge_has_wrapped_is_unwrapped_and_keeps_its_own_id() {
        let plain = fetched(message(r#"{"order_id": "A1"}"#)).unwrap();
        assert_eq!((plain.message_id.as_str(), plain.body.as_str()), ("m-1", r#"{"order_id": "A1"}"#));
        assert_eq!(plain.sent_at.as_millisecond(), 1_796_119_200_123);
        let wrapped = fetched(message(r#"{"version":"0","id":"e-1","detail-type":"order","source":"shop","detail":{"n": 1.10}}"#)).unwrap();
        assert_eq!((wrapped.message_id.as_str(), wrapped.body.as_str()), ("e-1", r#"{"n": 1.10}"#));
    }
}
