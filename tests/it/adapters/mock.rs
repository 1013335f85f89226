//! Stripe's adapter against stripe-mock, which refuses what Stripe's OpenAPI description does not allow.

use std::{
    net::TcpListener as Std,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use oms_activities::{
    adapters::{Credential, HttpClient, Stripe},
    ports::{GatewayOperation, Operation, PaymentGateway},
};
use oms_domain::money::Money;
use tokio::{net::TcpListener, process::Command};

use super::proof;
use crate::support::{http::client, run, runtime::until};

/// What passed, and how it was answered.
#[derive(Clone)]
struct Between {
    mock: Arc<str>,
    seen: Arc<Mutex<Vec<(String, u16, String)>>>,
}

impl Between {
    async fn pass(State(between): State<Self>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
        let path = uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let mut request = client().request(method.clone(), format!("{}{path}", between.mock)).body(body);
        for name in ["authorization", "content-type", "idempotency-key", "stripe-version"] {
            if let Some(value) = headers.get(name) {
                request = request.header(name, value);
            }
        }
        let (status, text) = match request.send().await {
            Ok(answer) => (answer.status(), answer.text().await.unwrap_or_default()),
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
        };
        between.seen.lock().unwrap_or_else(PoisonError::into_inner).push((format!("{method} {path}"), status.as_u16(), text.clone()));
        (status, text).into_response()
    }
}

fn binary() -> Result<PathBuf> {
    let home = std::env::var_os("OMS_NEIGHBOURS").context("OMS_NEIGHBOURS names no folder: .ci/neighbours makes one, and says it")?;
    let path = PathBuf::from(home).join("bin/stripe-mock");
    ensure!(path.exists(), "{} is not there: .ci/neighbours installs it", path.display());
    Ok(path)
}

#[test]
fn every_request_is_one_that_stripe_would_take() -> Result<()> {
    run(async {
        let port = Std::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let https = Std::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut mock = Command::new(binary()?)
            .args(["-http-port", &port.to_string(), "-https-port", &https.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let url = format!("http://127.0.0.1:{port}");
        let up = async || Ok(client().get(&url).send().await.is_ok().then_some(()));
        until("stripe-mock to answer", up).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let between = Between { mock: url.into(), seen: Arc::default() };
        let base = format!("http://{}", listener.local_addr()?);
        let app = Router::new().fallback(Between::pass).with_state(between.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        for in_parts in [true, false] {
            let http = HttpClient::answering_within(Duration::from_secs(10))?;
            let stripe = Stripe::new(http, &base, Credential::fixed("sk_test_123".into()), in_parts)?;
            let amount = Money::new(1_234, "GBP".parse()?);
            let (pi, part) = ("pi_123".to_owned(), "pi_123:2".to_owned());
            for (number, operation) in [
                Operation::Authorize { amount, token: "pm_card_visa".into(), three_d_secure: Some(proof()) },
                Operation::Capture { authorization: pi.clone(), amount },
                Operation::Void { authorization: pi.clone(), amount },
                Operation::Refund { capture: part.clone(), amount },
            ]
            .into_iter()
            .enumerate()
            {
                let asked = GatewayOperation { key: format!("A1:default:{number}"), reference: "A1".to_owned(), operation };
                // It has no memory: what it answers is of another payment, and not believed.
                drop(stripe.operate(asked.clone()).await);
                drop(stripe.find(asked).await);
            }
            drop((stripe.authorization(&pi).await, stripe.capture(&part).await));
        }
        mock.kill().await?;
        let seen = between.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (request, status, text) in &seen {
            println!("{status} {request}");
            ensure!(*status == 200, "{request}: {status} {text}");
        }
        ensure!(seen.len() == 20, "{} requests", seen.len());
        Ok(())
    })
}
