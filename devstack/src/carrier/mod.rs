//! A parcel carrier, `SIMPOST`: labels, and scans as parcels travel.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /v1/labels {"reference","facility_id","service","country","postal_code"?,"weight_g","size_mm"?,"from"?,"to"?,"contents"?}` | 201 `{"key","reference","carrier","tracking_number","label_url","tracking_url"}`; the number follows from the reference |
//! | `GET /v1/labels/{key}` | the label made under the idempotency key, and `voided`; 404: none was made |
//! | `GET /v1/labels?after=&limit=` | `{"items":[{"tracking_number","key","reference","voided"}],"next_after"}` |
//! | `DELETE /v1/labels/{tracking_number}` | 204, also when it is void already; 409 `handed_over` once the parcel has left |
//! | `POST /control {"down_for_ms","slow_ms","refuse_next","answer_next"}` | 204; `refuse_next` labels are answered 422 `refused_by_control` and not kept; `answer_next`: see [`crate::control`] |
//! | `GET /v1/labels/{key}/documents/{pdf\|png\|zpl}` | the document that the label is printed from |
//! | `POST /v1/rates` (as a label) | `{"rates":[{"carrier","service","amount_minor","currency","delivery_days"}]}`; none for what it does not take |
//! | `POST /v1/manifests {"labels"}` | 201 `{"key","reference","labels"}`: how many of them it has; under an `Idempotency-Key` the same again |
//! | `POST /v1/pickups {"from","labels","ready_at","until"}` | 201 `{"key","confirmation"}`; under an `Idempotency-Key` the same again |
//! | `GET /v1/tracking/{tracking_number}` | `{"tracking_number","scans":[{"event_id","status","occurred_at"}]}`: what was posted, or would have been |
//! | `GET /labels/{tracking_number}` · `GET /track/{tracking_number}` · `GET /healthz` | the label as text · where its parcel is, as text · 200 |
//!
//! The same in EasyPost's shapes: see [`easypost`] and [`easypost_pickups`].
//!
//! Making a label needs an `Idempotency-Key` (400 without): the same key and request again get the same label, another
//! request under it 422 `idempotency_key_reused`. A reference has one label at a time: 409 `already_labelled` under
//! another key until the first is void, and then a new number.
//!
//! | request | what happens |
//! | --- | --- |
//! | `postal_code` `00000` | 422 `destination_not_served` |
//! | `weight_g` over 30,000 or below 1 | 422 `weight_not_accepted` |
//!
//! With an events URL parcels travel by themselves: handed over 4 h after the label was made, in transit after 12 h, out
//! for delivery after 44 h and delivered after 50 h, all divided by the time scale. Each stage is posted there in batches
//! `{"events":[{"event_id","carrier","tracking_number","status","occurred_at"}]}`, again and again until it is taken.
//! Without one they stay where they are.

mod document;
mod easypost;
mod easypost_pickups;
mod events;
mod labels;
mod routes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use self::labels::{Entry, LabelRequest, Labels};
use crate::answer::{Answer, refusal};
use crate::control::Control;
use crate::error::{Result, io};
use crate::home::Home;
use crate::journal::Journal;
use crate::ports::{Listen, url};
use crate::service::{Service, serve};

/// How the carrier is started.
#[derive(Debug, Clone)]
pub struct CarrierOptions {
    pub listen: Listen,
    /// The journey's times are divided by it.
    pub time_scale: u32,
    /// Where scans are posted; none: parcels stay where they are.
    pub events_url: Option<String>,
    /// What it shows there, as a bearer.
    pub events_key: Option<SecretString>,
}

/// Where scans are posted, and what is shown there.
#[derive(Debug, Clone)]
struct Listener {
    url: Arc<str>,
    key: Option<SecretString>,
}

/// A running carrier.
#[derive(Debug)]
pub struct CarrierService {
    carrier: Arc<Carrier>,
    service: Service,
}

impl CarrierService {
    /// Starts it, with what a kept home remembers.
    ///
    /// # Errors
    /// When its journal cannot be read or no port can be had.
    pub fn start(home: &Arc<Home>, options: &CarrierOptions) -> Result<Self> {
        let listener = options.listen.bind()?;
        let address = listener.local_addr().map_err(io(|| "read a local address".into()))?;
        let control = Control::default();
        let carrier = Arc::new(Carrier::open(home, control.clone(), options, url(address))?);
        let app = control
            .over(routes::calls(carrier.clone()).merge(easypost::calls(carrier.clone())).merge(easypost_pickups::calls(carrier.clone())));
        let teller = carrier.clone();
        let service = Service::start("carrier", listener, async move |listener, stop| {
            tokio::try_join!(serve(listener, app, stop.clone()), events::tell(&teller, stop)).map(drop)
        })?;
        Ok(Self { carrier, service })
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.carrier.url
    }

    /// Sets where scans are posted, for a caller that learns its own address later than ours.
    pub fn send_events_to(&self, url: &str, key: Option<SecretString>) {
        let mut listener = self.carrier.listener.lock().unwrap_or_else(PoisonError::into_inner);
        *listener = Some(Listener { url: url.into(), key });
    }

    /// # Errors
    /// When it has ended without having been asked to.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.service.check()
    }

    /// Stops it after the requests in flight.
    ///
    /// # Errors
    /// When it had failed.
    pub async fn stop(self) -> Result<()> {
        self.service.stop().await
    }
}

/// What the carrier remembers.
#[derive(Debug)]
struct Books {
    labels: Labels,
    journal: Journal,
}

/// The carrier behind its calls.
#[derive(Debug)]
struct Carrier {
    books: Mutex<Books>,
    control: Control,
    listener: Mutex<Option<Listener>>,
    /// Shipments in EasyPost's shape by their reference: what a label is to be made of.
    shipments: Mutex<BTreeMap<String, (LabelRequest, Value)>>,
    /// Pickups in EasyPost's shape by their ids.
    pickups: Mutex<BTreeMap<String, Value>>,
    time_scale: u32,
    url: String,
}

impl Carrier {
    fn open(home: &Arc<Home>, control: Control, options: &CarrierOptions, url: String) -> Result<Self> {
        let (journal, entries) = Journal::open::<Entry>(home, "carrier")?;
        let mut labels = Labels::default();
        entries.into_iter().for_each(|entry| labels.record(entry));
        Ok(Self {
            books: Mutex::new(Books { labels, journal }),
            control,
            listener: Mutex::new(options.events_url.as_deref().map(|url| Listener { url: url.into(), key: options.events_key.clone() })),
            shipments: Mutex::default(),
            pickups: Mutex::default(),
            time_scale: options.time_scale.max(1),
            url,
        })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listener(&self) -> Option<Listener> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn shipments(&self) -> MutexGuard<'_, BTreeMap<String, (LabelRequest, Value)>> {
        self.shipments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pickups(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.pickups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, key: &str, request: LabelRequest) -> Result<Answer, Answer> {
        let mut books = self.books();
        if let Some(label) = books.labels.repeated(key, &request)? {
            return Ok(label.answer(&self.url));
        }
        if self.control.refuses() {
            return Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "refused_by_control"));
        }
        let label = books.labels.decide(key, request, Timestamp::now())?;
        let answer = label.answer(&self.url);
        books.remember(Entry::Made(Box::new(label))).map_err(forgetful)?;
        Ok(answer)
    }

    fn void(&self, tracking_number: &str) -> Result<(), Answer> {
        let travels = self.listener().is_some();
        let mut books = self.books();
        let parcel = books.labels.parcel(tracking_number)?;
        if parcel.voided {
            return Ok(());
        }
        if travels && parcel.label.handed_over(Timestamp::now(), self.time_scale) {
            return Err(refusal(StatusCode::CONFLICT, "handed_over"));
        }
        let voided = Entry::Voided { tracking_number: tracking_number.to_owned() };
        books.remember(voided).map_err(forgetful)
    }
}

impl Books {
    /// Remembers before anybody is answered.
    fn remember(&mut self, entry: Entry) -> Result<()> {
        self.journal.append(&entry)?;
        self.labels.record(entry);
        Ok(())
    }
}

/// The answer when nothing can be remembered.
fn forgetful(error: crate::error::Error) -> Answer {
    tracing::error!(%error, "the carrier cannot write its journal");
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
}
