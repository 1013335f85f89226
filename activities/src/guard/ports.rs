//! Ports behind their guards.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use oms_domain::{order::Verdict, payment::OperationOutcome};

use super::{Guard, Outcome};
use crate::ports::{
    Authorization, Booking, Capture, Carrier, FraudCheck, FraudQuestion, GatewayOperation, LabelOrder, Manifest, PaymentGateway,
    PaymentTerms, Pickup, PickupRequest, PortError, Rate, TrackedScan,
};

/// A port that is asked as its guard lets it be.
pub struct Guarded<P: ?Sized> {
    guard: Guard,
    port: Arc<P>,
}

impl<P: ?Sized> Guarded<P> {
    pub fn new(guard: Guard, port: Arc<P>) -> Self {
        Self { guard, port }
    }
}

fn of_operation(outcome: &OperationOutcome) -> Outcome {
    match outcome {
        OperationOutcome::Succeeded { .. } => Outcome::Done,
        OperationOutcome::Declined { .. } => Outcome::Declined,
        OperationOutcome::Unknown => Outcome::Unknown,
    }
}

fn done<T>(_: &T) -> Outcome {
    Outcome::Done
}

impl PaymentGateway for Guarded<dyn PaymentGateway> {
    fn operate(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<OperationOutcome, PortError>> {
        async move {
            let (name, key, reference) = (operation.operation.kind().as_str(), operation.key.clone(), operation.reference.clone());
            self.guard.call(name, &key, &reference, self.port.operate(operation), of_operation).await
        }
        .boxed()
    }

    fn find(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<Option<OperationOutcome>, PortError>> {
        async move {
            let (key, reference) = (operation.key.clone(), operation.reference.clone());
            self.guard.call("find", &key, &reference, self.port.find(operation), done).await
        }
        .boxed()
    }

    fn authorization(&self, id: &str) -> BoxFuture<'_, Result<Option<Authorization>, PortError>> {
        let id = id.to_owned();
        async move { self.guard.call("look_up_authorization", &id, &id, self.port.authorization(&id), done).await }.boxed()
    }

    fn capture(&self, id: &str) -> BoxFuture<'_, Result<Option<Capture>, PortError>> {
        let id = id.to_owned();
        async move { self.guard.call("look_up_capture", &id, &id, self.port.capture(&id), done).await }.boxed()
    }

    fn terms(&self) -> PaymentTerms {
        self.port.terms()
    }
}

impl Carrier for Guarded<dyn Carrier> {
    fn rates(&self, label: LabelOrder) -> BoxFuture<'_, Result<Vec<Rate>, PortError>> {
        async move {
            let (key, reference) = (label.key.clone(), label.reference.clone());
            self.guard.call("rates", &key, &reference, self.port.rates(label), done).await
        }
        .boxed()
    }

    fn book(&self, label: LabelOrder) -> BoxFuture<'_, Result<Booking, PortError>> {
        async move {
            let (key, reference) = (label.key.clone(), label.reference.clone());
            self.guard.call("book", &key, &reference, self.port.book(label), done).await
        }
        .boxed()
    }

    fn void(&self, key: &str) -> BoxFuture<'_, Result<(), PortError>> {
        let key = key.to_owned();
        async move { self.guard.call("void", &key, &key, self.port.void(&key), done).await }.boxed()
    }

    fn manifest(&self, key: &str, labels: Vec<String>) -> BoxFuture<'_, Result<Manifest, PortError>> {
        let key = key.to_owned();
        async move { self.guard.call("manifest", &key, &key, self.port.manifest(&key, labels), done).await }.boxed()
    }

    fn request_pickup(&self, pickup: PickupRequest) -> BoxFuture<'_, Result<Pickup, PortError>> {
        async move {
            let key = pickup.key.clone();
            self.guard.call("request_pickup", &key, &key, self.port.request_pickup(pickup), done).await
        }
        .boxed()
    }

    fn track(&self, tracking_number: &str) -> BoxFuture<'_, Result<Vec<TrackedScan>, PortError>> {
        let number = tracking_number.to_owned();
        async move { self.guard.call("track", &number, &number, self.port.track(&number), done).await }.boxed()
    }
}

impl FraudCheck for Guarded<dyn FraudCheck> {
    fn screen(&self, question: FraudQuestion) -> BoxFuture<'_, Result<Verdict, PortError>> {
        async move {
            let (key, reference) = (question.key.clone(), question.reference.clone());
            self.guard.call("screen", &key, &reference, self.port.screen(question), done).await
        }
        .boxed()
    }
}

impl From<Guarded<dyn PaymentGateway>> for Arc<dyn PaymentGateway> {
    fn from(guarded: Guarded<dyn PaymentGateway>) -> Self {
        Arc::new(guarded)
    }
}

impl From<Guarded<dyn Carrier>> for Arc<dyn Carrier> {
    fn from(guarded: Guarded<dyn Carrier>) -> Self {
        Arc::new(guarded)
    }
}

impl From<Guarded<dyn FraudCheck>> for Arc<dyn FraudCheck> {
    fn from(guarded: Guarded<dyn FraudCheck>) -> Self {
        Arc::new(guarded)
    }
}
