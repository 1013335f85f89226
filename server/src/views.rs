//! Orders read for showing: the body as placed, the document, and the titles of the products.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_api::{fulfillment::FulfillmentOrderView, note::NoteView, order::OrderView, station::BadgeView};
use oms_domain::{
    error::ErrorCode,
    ids::{AccountId, EndpointId, FulfillmentOrderId, InletId, KeyId, NoteId, OrderId, Sku, StationId},
    order::Order,
    placed::PlacedOrder,
};
use serde::{Deserialize, Serialize};

use crate::{convert, failure::Failure, state::AppState};

/// What an answer showed that names people, or is a secret. Such an answer is not kept under an idempotency key; this is, and it is read again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shown {
    Order(OrderId),
    FulfillmentOrder(FulfillmentOrderId),
    Note(OrderId, NoteId),
    /// Without its secret, which was shown once.
    Key(AccountId, KeyId),
    /// Without the invitation, which was shown once.
    Person(AccountId),
    /// Without its token, which was shown once.
    Station(StationId),
    /// Whose it is: the badge was shown once.
    Badge(AccountId),
    /// Without its secrets, the first of which was shown once.
    Endpoint(EndpointId),
    /// Without what it is, which was shown once.
    EndpointSecret(EndpointId, String),
    /// The same of inlets.
    Inlet(InletId),
    InletSecret(InletId, String),
}

impl Shown {
    /// The answer that shows it.
    pub(crate) fn answer(&self, view: impl Serialize) -> Response {
        let mut response = Json(view).into_response();
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// What `shown` names, as it is now.
pub(crate) async fn show(state: &AppState, shown: &Shown) -> Result<Response, Failure> {
    Ok(match shown {
        Shown::Order(id) => shown.answer(order(state, id).await?),
        Shown::FulfillmentOrder(id) => shown.answer(fulfillment_order(state, id).await?),
        Shown::Note(order_id, id) => {
            let note = state.store.note(order_id, id).await?.ok_or(ErrorCode::NotFound)?;
            shown.answer(NoteView::of(order_id, note))
        }
        Shown::Key(account_id, key_id) => {
            let account = state.store.account(account_id).await?.ok_or(ErrorCode::AccountNotFound)?;
            let key = account.keys.into_iter().find(|key| key.key_id == *key_id).ok_or(ErrorCode::KeyNotFound)?;
            shown.answer(convert::made_key(key, None))
        }
        Shown::Station(id) => shown.answer(convert::station(state.store.station(id).await?.ok_or(ErrorCode::StationNotFound)?)),
        Shown::Endpoint(id) => shown.answer(convert::endpoint(state.store.endpoint(id).await?.ok_or(ErrorCode::EndpointNotFound)?)),
        Shown::EndpointSecret(id, secret_id) => {
            let endpoint = state.store.endpoint(id).await?.ok_or(ErrorCode::EndpointNotFound)?;
            let secret = endpoint.secrets.into_iter().find(|secret| secret.secret_id == *secret_id).ok_or(ErrorCode::KeyNotFound)?;
            shown.answer(convert::endpoint_secret(secret))
        }
        Shown::Inlet(id) => shown.answer(convert::inlet(state.store.inlet(id).await?.ok_or(ErrorCode::InletNotFound)?)),
        Shown::InletSecret(id, secret_id) => {
            let inlet = state.store.inlet(id).await?.ok_or(ErrorCode::InletNotFound)?;
            let secret = inlet.secrets.into_iter().find(|secret| secret.secret_id == *secret_id).ok_or(ErrorCode::KeyNotFound)?;
            shown.answer(convert::inlet_secret(secret))
        }
        Shown::Badge(id) => shown.answer(BadgeView { person_id: id.to_string(), badge: None }),
        Shown::Person(id) => shown.answer(convert::person(state.store.person(id).await?.ok_or(ErrorCode::PersonNotFound)?)),
    })
}

/// The order as placed and changed, and what has become of it; nothing yet before its first event is recorded.
pub(crate) async fn order_parts(state: &AppState, id: &OrderId) -> Result<(PlacedOrder, Option<Order>), Failure> {
    // The document first: what it has confirmed is kept already.
    let order = document(state, id).await?;
    let changes = order.as_ref().map(Order::change_ids).unwrap_or_default();
    let placed = state.store.placed(id, &changes).await?.ok_or(ErrorCode::OrderNotFound)?;
    Ok((placed, order))
}

/// The order's document, once there is one.
pub(crate) async fn document(state: &AppState, id: &OrderId) -> Result<Option<Order>, Failure> {
    let Some(document) = state.store.document(id).await? else { return Ok(None) };
    serde_json::from_value(document.doc).map(Some).map_err(|error| {
        tracing::error!(order.id = %id, error.message = %error, "an order document cannot be read");
        ErrorCode::Internal.into()
    })
}

/// The document of an order that must be there. One that was only just taken in has none yet: `None`.
pub(crate) async fn existing(state: &AppState, id: &OrderId) -> Result<Option<Order>, Failure> {
    match document(state, id).await? {
        Some(order) => Ok(Some(order)),
        None if state.store.intake(id).await?.is_some() => Ok(None),
        None => Err(ErrorCode::OrderNotFound.into()),
    }
}

pub(crate) async fn order(state: &AppState, id: &OrderId) -> Result<OrderView, Failure> {
    let (placed, order) = order_parts(state, id).await?;
    let is_sourced = order.as_ref().is_some_and(|order| !order.fulfillment_orders.is_empty());
    let titles = if is_sourced { titles(state, &placed).await? } else { BTreeMap::new() };
    Ok(OrderView::of(&placed, order.as_ref(), &titles))
}

/// An order with all that its views are made of.
pub(crate) struct Whole {
    placed: PlacedOrder,
    order: Option<Order>,
    titles: Arc<BTreeMap<Sku, String>>,
}

impl Whole {
    pub(crate) fn view(&self) -> OrderView {
        OrderView::of(&self.placed, self.order.as_ref(), &self.titles)
    }

    pub(crate) fn part(&self, id: &FulfillmentOrderId) -> Option<FulfillmentOrderView> {
        let order = self.order.as_ref()?;
        Some(FulfillmentOrderView::of(&self.placed, order, order.fulfillment_order(id)?, &self.titles))
    }
}

/// Orders of a page, each once, a few at a time; the titles of all their products together. One that is gone meanwhile is not there.
pub(crate) async fn orders(state: &AppState, ids: Vec<OrderId>) -> Result<BTreeMap<OrderId, Whole>, Failure> {
    let ids: BTreeSet<OrderId> = ids.into_iter().collect();
    let read = |id: OrderId| async move {
        match order_parts(state, &id).await {
            Ok(parts) => Ok(Some((id, parts))),
            Err(Failure(problem)) if problem.code == ErrorCode::OrderNotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    };
    let found: Vec<Option<_>> = stream::iter(ids).map(read).buffered(READ_AT_ONCE).try_collect().await?;
    let found: Vec<(OrderId, (PlacedOrder, Option<Order>))> = found.into_iter().flatten().collect();
    let all_skus = found.iter().flat_map(|(_, (placed, _))| skus(placed)).collect();
    let titles = Arc::new(titles_of(state, all_skus).await?);
    let whole = |(id, (placed, order))| (id, Whole { placed, order, titles: Arc::clone(&titles) });
    Ok(found.into_iter().map(whole).collect())
}

/// Orders of a page that are read at a time.
const READ_AT_ONCE: usize = 8;

pub(crate) async fn fulfillment_order(state: &AppState, id: &FulfillmentOrderId) -> Result<FulfillmentOrderView, Failure> {
    let order_id = id.order_id().ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    let (placed, order) = match order_parts(state, &order_id).await {
        Err(Failure(problem)) if problem.code == ErrorCode::OrderNotFound => Err(ErrorCode::FulfillmentOrderNotFound)?,
        parts => parts?,
    };
    let order = order.ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    let found = order.fulfillment_order(id).ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    Ok(FulfillmentOrderView::of(&placed, &order, found, &titles(state, &placed).await?))
}

async fn titles(state: &AppState, placed: &PlacedOrder) -> Result<BTreeMap<Sku, String>, Failure> {
    titles_of(state, skus(placed).collect()).await
}

fn skus(placed: &PlacedOrder) -> impl Iterator<Item = Sku> {
    placed.lines.iter().map(|line| line.sku.clone())
}

async fn titles_of(state: &AppState, skus: BTreeSet<Sku>) -> Result<BTreeMap<Sku, String>, Failure> {
    if skus.is_empty() {
        return Ok(BTreeMap::new());
    }
    let skus: Vec<Sku> = skus.into_iter().collect();
    let products = state.store.catalog().products(&skus).await?;
    Ok(products.into_iter().map(|product| (product.sku, product.title)).collect())
}
