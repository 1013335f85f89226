//! The payment gateway over HTTP (its calls and tokens: devstack's gateway module, which stands in for one).

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use oms_domain::payment::{Decline, OperationOutcome};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::http::{not_sent, unreachable};
use crate::ports::{GatewayOperation, Operation, PaymentGateway, PortError};

/// A gateway at a base URL.
#[derive(Debug, Clone)]
pub struct HttpGateway {
    client: Client,
    base_url: String,
}

/// What the gateway answers to an operation, and keeps for a question about it.
#[derive(Debug, Deserialize)]
struct GatewayAnswer {
    #[serde(default)]
    id: String,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(default)]
    decline: Option<Decline>,
    #[serde(default)]
    code: Option<String>,
}

/// An operation as the gateway's books have it.
#[derive(Debug, Deserialize)]
struct Booked {
    answer: BookedAnswer,
}

#[derive(Debug, Deserialize)]
struct BookedAnswer {
    http_status: u16,
    body: GatewayAnswer,
}

impl HttpGateway {
    pub fn new(client: Client, base_url: impl Into<String>) -> Self {
        Self { client, base_url: base_url.into() }
    }

    fn request(&self, operation: &GatewayOperation) -> RequestBuilder {
        let (path, body) = match &operation.operation {
            Operation::Authorize { amount, token } => (
                "/v1/authorizations".to_owned(),
                json!({"reference": operation.reference, "amount_minor": amount.minor(), "currency": amount.currency(), "token": token}),
            ),
            Operation::Capture { authorization, amount } => {
                (format!("/v1/authorizations/{authorization}/captures"), json!({"amount_minor": amount.minor()}))
            }
            Operation::Void { authorization } => (format!("/v1/authorizations/{authorization}/void"), json!({})),
            Operation::Refund { capture, amount } => (format!("/v1/captures/{capture}/refunds"), json!({"amount_minor": amount.minor()})),
        };
        self.client.post(format!("{}{path}", self.base_url)).header("Idempotency-Key", &operation.key).json(&body)
    }

    async fn ask(&self, key: &str) -> Result<Option<OperationOutcome>, PortError> {
        let answer = self.client.get(format!("{}/v1/operations/{key}", self.base_url)).send().await;
        let answer = answer.map_err(|error| unreachable("payment gateway", error))?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let booked: Booked = answer.json().await.map_err(|error| unreachable("payment gateway", error))?;
                outcome(status(booked.answer.http_status), booked.answer.body).map(Some)
            }
            other => Err(PortError::Unreachable(format!("payment gateway: {other} to a question"))),
        }
    }
}

impl PaymentGateway for HttpGateway {
    fn operate(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<OperationOutcome, PortError>> {
        async move {
            match self.request(&operation).send().await {
                Ok(answer) => read(answer).await,
                Err(error) if not_sent(&error) => Err(unreachable("payment gateway", error)),
                // It may have been done: asking by key will tell.
                Err(_) => Ok(OperationOutcome::Unknown),
            }
        }
        .boxed()
    }

    fn find(&self, key: &str) -> BoxFuture<'_, Result<Option<OperationOutcome>, PortError>> {
        let key = key.to_owned();
        async move { self.ask(&key).await }.boxed()
    }
}

async fn read(answer: Response) -> Result<OperationOutcome, PortError> {
    let status = answer.status();
    if status.is_server_error() {
        // Did it fail before or after the work? Only the books know.
        return Ok(OperationOutcome::Unknown);
    }
    match answer.json().await {
        Ok(body) => outcome(status, body),
        Err(_) => Ok(OperationOutcome::Unknown),
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn outcome(status: StatusCode, body: GatewayAnswer) -> Result<OperationOutcome, PortError> {
    match status {
        StatusCode::CREATED => Ok(OperationOutcome::Succeeded { reference: body.id, expires_at: body.expires_at }),
        StatusCode::PAYMENT_REQUIRED => {
            let (decline, code) = (body.decline.unwrap_or(Decline::Hard), body.code.unwrap_or_default());
            Ok(OperationOutcome::Declined { decline, code })
        }
        // It understood and said no: the operation failed, for good.
        StatusCode::CONFLICT => Ok(OperationOutcome::Declined { decline: Decline::Hard, code: body.code.unwrap_or_default() }),
        other if other.is_client_error() => Err(PortError::Refused(format!("payment gateway: {other} {}", body.code.unwrap_or_default()))),
        other => Err(PortError::Unreachable(format!("payment gateway: {other}"))),
    }
}
