//! EasyPost's adapter against what EasyPost has really answered: a server that compares each request with the recorded one.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use oms_activities::{
    adapters::{Credential, EasyPost, HttpClient},
    ports::{Carrier, LabelOrder, Party, Piece, PortError},
};
use oms_domain::{label::LabelFormat, placed::Address};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::label;
use crate::support::run;

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\nendobj\ntrailer\n%%EOF\n";
const ZPL: &[u8] = b"^XA^FO50,50^A0N,30,30^FDrecorded^FS^XZ";
/// The files of labels are at another host.
const FILES: [&str; 2] = ["https://easypost-files.s3.us-west-2.amazonaws.com", "https://easypost-files.s3-us-west-2.amazonaws.com"];

#[derive(Debug, Clone, Deserialize)]
struct Interaction {
    method: String,
    path: String,
    body: Option<Value>,
    status: u16,
    answer: Value,
}

/// Answers what was recorded to what was recorded; to anything else what EasyPost says of a request that it does not understand.
#[derive(Clone)]
struct Recorded {
    interactions: Arc<Vec<Interaction>>,
    error: Arc<Interaction>,
    /// The last answer about a shipment: what its reference stands for.
    last: Arc<Mutex<Option<Value>>>,
    refused: Arc<Mutex<Vec<String>>>,
    url: Arc<str>,
}

fn fixture(name: &str) -> Result<Vec<Interaction>> {
    let path = format!("{}/fixtures/easypost/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).with_context(|| path.clone())?).context(path)
}

impl Recorded {
    async fn start(name: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let error = fixture("error")?.into_iter().next().context("the recorded error")?;
        let server = Self {
            interactions: Arc::new(fixture(name)?),
            error: Arc::new(error),
            last: Arc::default(),
            refused: Arc::default(),
            url: url.into(),
        };
        let files = |kind: &'static str, bytes: &'static [u8]| get(async move || ([(CONTENT_TYPE, kind)], bytes));
        let app = Router::new()
            .route("/files/label.pdf", files("application/pdf", PDF))
            .route("/files/label.zpl", files("text/plain", ZPL))
            .fallback(Self::answer)
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(server)
    }

    fn adapter(&self) -> Result<EasyPost> {
        Ok(EasyPost::new(HttpClient::new()?, &self.url, Credential::fixed("EZTK-recorded".into()))?)
    }

    async fn answer(State(recorded): State<Self>, method: Method, uri: Uri, bytes: Bytes) -> Response {
        let path = uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let sent: Option<Value> = serde_json::from_slice(&bytes).ok();
        let found = recorded.interactions.iter().find(|known| {
            let body = known.body.clone().filter(|body| !body.as_object().is_some_and(serde_json::Map::is_empty));
            known.method == method.as_str() && known.path == path && is_part_of(sent.as_ref(), body.as_ref())
        });
        let (status, answer) = match found {
            Some(found) => (found.status, recorded.kept(found.answer.clone())),
            None => match recorded.by_reference(&method, &path) {
                Some(answer) => answer,
                None => {
                    recorded.refused.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path} {}", json!(sent)));
                    (recorded.error.status, recorded.error.answer.clone())
                }
            },
        };
        (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(answer)).into_response()
    }

    fn kept(&self, answer: Value) -> Value {
        // Of the two conversions one was recorded, and its file was not.
        let file = |format: &str| json!(format!("{}/files/label.{format}", self.url));
        let mut answer = answer;
        if let Some(label) = answer.get_mut("postage_label").filter(|label| label["label_zpl_url"].is_string()) {
            assert!(FILES.iter().any(|host| label["label_zpl_url"].as_str().is_some_and(|url| url.starts_with(host))), "{label}");
            label["label_zpl_url"] = file("zpl");
            label["label_pdf_url"] = file("pdf");
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
        answer
    }

    /// A reference stands for its shipment's id, once there is one; a conversion to PDF is answered as that to ZPL was.
    fn by_reference(&self, method: &Method, path: &str) -> Option<(u16, Value)> {
        if *method != Method::GET {
            return None;
        }
        if let Some(shipment) = path.strip_suffix("?file_format=PDF") {
            let converted = self.interactions.iter().find(|known| known.path == format!("{shipment}?file_format=ZPL"))?;
            return Some((200, self.kept(converted.answer.clone())));
        }
        let reference = path.strip_prefix("/v2/shipments/")?;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = last.filter(|shipment| shipment["reference"] == reference);
        Some(known.map_or_else(|| (404, json!({"error": {"code": "NOT_FOUND", "message": "", "errors": []}})), |shipment| (200, shipment)))
    }

    /// What was asked otherwise than it was recorded.
    fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether everything that is sent was sent then, too; numbers to a tenth.
fn is_part_of(sent: Option<&Value>, recorded: Option<&Value>) -> bool {
    match (sent, recorded) {
        (Some(Value::Object(sent)), _) if sent.is_empty() => recorded.is_none(),
        (None, None) => true,
        (Some(Value::Object(sent)), Some(Value::Object(recorded))) => {
            sent.iter().all(|(name, value)| is_part_of(Some(value), recorded.get(name)))
        }
        (Some(Value::Number(sent)), Some(Value::Number(recorded))) => {
            sent.as_f64().zip(recorded.as_f64()).is_some_and(|(sent, recorded)| (sent - recorded).abs() < 0.06)
        }
        (Some(sent), Some(recorded)) => sent == recorded,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn party(name: &str, line1: &str, line2: Option<&str>, city: &str, postal_code: &str) -> Party {
    let address = Address {
        name: name.to_owned(),
        line1: line1.to_owned(),
        line2: line2.map(str::to_owned),
        city: city.to_owned(),
        region: Some("CA".to_owned()),
        postal_code: Some(postal_code.to_owned()),
        country: "US".to_owned(),
        phone: Some("5555555555".to_owned()),
        position: None,
    };
    Party { address, email: Some("test@example.com".to_owned()) }
}

/// The shipment that was recorded: 15.4 ounces, ten by eight by four inches.
fn order(key: &str) -> LabelOrder {
    LabelOrder {
        key: key.to_owned(),
        reference: "A1-F1-P1".to_owned(),
        from: party("Jack Sparrow", "388 Townsend St", Some("Apt 20"), "San Francisco", "94107"),
        to: party("Elizabeth Swan", "179 N Harbor Dr", None, "Redondo Beach", "90277"),
        piece: Piece { weight_g: 437, size_mm: Some([254, 203, 102]) },
        ..label(key)
    }
}

#[test]
fn the_recorded_shipment_is_rated_bought_and_its_label_converted() -> Result<()> {
    run(async {
        let recorded = Recorded::start("shipment_convert_label").await?;
        let easypost = recorded.adapter()?;
        let booked = easypost.book(order("123")).await?;
        assert_eq!((booked.carrier.as_str(), booked.tracking_number.as_str()), ("USPS", "9400100208303109505664"));
        ensure!(booked.tracking_url.as_deref().is_some_and(|url| url.starts_with("https://track.easypost.com/")), "{booked:?}");
        let formats: Vec<_> = booked.documents.iter().map(|document| (document.format, document.bytes.as_slice())).collect();
        assert_eq!(formats, [(LabelFormat::Pdf, PDF), (LabelFormat::Zpl, ZPL)]);
        assert_eq!(recorded.refused(), Vec::<String>::new(), "every request was one that was recorded");
        assert_eq!(easypost.book(order("123")).await?, booked, "the same key is the same label");
        Ok(())
    })
}

#[test]
fn the_recorded_label_is_given_back_once() -> Result<()> {
    run(async {
        let mut recorded = Recorded::start("shipment_refund").await?;
        // It was recorded without a reference: by which the house asks.
        let mut interactions = recorded.interactions.to_vec();
        interactions.iter_mut().for_each(|known| known.answer["reference"] = json!("void-me"));
        let bought = interactions[0].answer.clone();
        recorded.interactions = Arc::new(interactions);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        recorded.url = format!("http://{}", listener.local_addr()?).into();
        *recorded.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(bought);
        let app = Router::new().fallback(Recorded::answer).with_state(recorded.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let easypost = recorded.adapter()?;
        easypost.void("void-me").await?;
        // EasyPost answers that it is asked for already: it is not asked again.
        easypost.void("void-me").await?;
        easypost.void("never-made").await?;
        assert_eq!(recorded.refused(), Vec::<String>::new());
        Ok(())
    })
}

#[test]
fn the_recorded_tracker_says_nothing_yet_and_the_recorded_error_is_a_refusal() -> Result<()> {
    run(async {
        let recorded = Recorded::start("tracker_create").await?;
        assert_eq!(recorded.adapter()?.track("EZ1000000001").await?, [], "before it travels there is no scan");
        let elsewhere = recorded.adapter()?.book(order("other")).await;
        assert_eq!(elsewhere, Err(PortError::Refused("PARAMETER.REQUIRED".to_owned())));
        let asked = recorded.refused();
        ensure!(asked.len() == 1 && asked[0].starts_with("POST /v2/shipments "), "{asked:?}");
        Ok(())
    })
}
