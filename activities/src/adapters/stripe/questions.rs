//! What Stripe is asked: of an operation, of an intent, of a capture.

use oms_domain::payment::OperationOutcome;
use reqwest::Method;
use serde::de::DeserializeOwned;

use super::{
    Stripe,
    amount::from_stripe,
    intent_of,
    objects::{Intent, KEY, List, ORDER, Refund},
    voided,
};
use crate::ports::{Authorization, Capture, GatewayOperation, Operation, PortError};

/// Of the refunds of one intent, the newest that are looked through.
const REFUNDS_MAX: &str = "100";

impl Stripe {
    /// What Stripe has at a path; none if there is no such.
    async fn look_up<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Option<T>, PortError> {
        let answer = self.endpoint.send(self.request(Method::GET, path)?.query(query)).await?;
        match (answer.status, &answer.body) {
            (404, _) if answer.code() == Some("resource_missing") => Ok(None),
            (200, Ok(body)) => self.read(body).map(Some),
            _ => Err(answer.failure()),
        }
    }

    pub(super) async fn ask(&self, asked: &GatewayOperation) -> Result<Option<OperationOutcome>, PortError> {
        let intent = async |id: &str| self.look_up::<Intent>(&["v1", "payment_intents", id], &[("expand[]", "latest_charge")]).await;
        match &asked.operation {
            Operation::Authorize { .. } => {
                let query = format!("metadata['{KEY}']:'{}'", asked.key);
                let path = ["v1", "payment_intents", "search"];
                let found = self.look_up::<List<Intent>>(&path, &[("query", &query), ("expand[]", "data.latest_charge")]).await?;
                let made = found.into_iter().flat_map(|list| list.data).find(|intent| intent.metadata.get(KEY) == Some(&asked.key));
                made.map(|intent| self.authorized(asked, &intent)).transpose()
            }
            Operation::Capture { authorization, .. } => {
                intent(authorization).await?.and_then(|intent| self.captured(asked, &intent)).transpose()
            }
            Operation::Void { authorization, .. } => Ok(intent(authorization).await?.and_then(|intent| voided(&intent))),
            Operation::Refund { capture, .. } => {
                let query = [("payment_intent", intent_of(capture)), ("limit", REFUNDS_MAX)];
                let found = self.look_up::<List<Refund>>(&["v1", "refunds"], &query).await?;
                let made = found.into_iter().flat_map(|list| list.data).find(|refund| refund.metadata.get(KEY) == Some(&asked.key));
                made.map(|refund| self.refunded(asked, &refund)).transpose()
            }
        }
    }

    pub(super) async fn authorization_of(&self, id: &str) -> Result<Option<Authorization>, PortError> {
        let path = ["v1", "payment_intents", id];
        let Some(intent) = self.look_up::<Intent>(&path, &[("expand[]", "latest_charge")]).await? else { return Ok(None) };
        if intent.id != id {
            return Err(self.endpoint.another("id"));
        }
        let currency = intent.currency()?;
        let money = |amount| from_stripe(amount, currency).map_err(|_| self.endpoint.another("amount"));
        // One that its customer has yet to confirm holds no money.
        let left = if intent.status == "requires_capture" { intent.amount_capturable } else { 0 };
        Ok(Some(Authorization {
            reference: intent.metadata.get(ORDER).cloned().unwrap_or_default(),
            amount: money(intent.amount)?,
            left: money(left)?,
            voided: intent.status == "canceled",
            expires_at: intent.capture_before(),
        }))
    }

    pub(super) async fn capture_of(&self, id: &str) -> Result<Option<Capture>, PortError> {
        let (of, number) = id.split_once(':').map_or((id, None), |(of, number)| (of, Some(number)));
        let Some(intent) = self.look_up::<Intent>(&["v1", "payment_intents", of], &[]).await? else { return Ok(None) };
        if intent.id != of {
            return Err(self.endpoint.another("id"));
        }
        let part = |number: &str| intent.metadata.get(&format!("op_{number}"))?.parse().ok();
        let amount = number.map_or(Some(intent.amount_received), part);
        let Some(amount) = amount.filter(|amount: &i64| *amount > 0) else { return Ok(None) };
        let amount = from_stripe(amount, intent.currency()?).map_err(|_| self.endpoint.another("amount"))?;
        Ok(Some(Capture { reference: intent.metadata.get(ORDER).cloned().unwrap_or_default(), amount }))
    }
}
