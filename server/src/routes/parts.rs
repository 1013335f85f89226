//! What an order has of one kind, without the rest of it: all of them, or one.

use axum::{Json, extract::State};
use oms_api::{
    cancellation::CancellationView, change::ChangeSetView, claim::ClaimView, decision::DecisionView, exchange::OrderExchangeView,
    hold::HoldView, order::PaymentView, page::Page, problem::Problem, refund::RefundView, returns::OrderReturnView,
};
use oms_domain::{access::Permission, error::ErrorCode, ids::OrderId, order::Order};
use utoipa_axum::routes;

use crate::{
    doors::{Doors, Narrowed, Need},
    extract::InPath,
    failure::Failure,
    state::AppState,
    views,
};

/// From a table: name, path, view, and how the views are found; of those that are read one by one also the name of that and the id's.
macro_rules! parts {
    ($( $list:ident $path:tt $View:ident $of:ident $(, $get:ident $id:tt $field:ident)?; )+) => {
        /// The lists, and what is read one by one.
        pub(super) fn parts(doors: Doors) -> Doors {
            let need = Need::of(Permission::ReadOrders, Narrowed::ToBoth);
            doors$(.door(need, routes!($list))$(.door(need, routes!($get)))?)+
        }

        $(
            #[utoipa::path(
                get, path = concat!("/v1/orders/{order_id}/", $path), tag = "orders", params(("order_id" = String, Path)),
                responses((status = 200, description = "All of the order's", body = Page<$View>))
            )]
            async fn $list(State(state): State<AppState>, InPath(id): InPath<OrderId>) -> Result<Json<Page<$View>>, Failure> {
                Ok(Json(Page::whole(all(&state, &id, $of).await?)))
            }

            $(
                #[utoipa::path(
                    get, path = concat!("/v1/orders/{order_id}/", $path, "/{", $id, "}"), tag = "orders",
                    params(("order_id" = String, Path), ($id = String, Path)),
                    responses((status = 200, description = "The one with this id", body = $View))
                )]
                async fn $get(
                    State(state): State<AppState>,
                    InPath((order_id, id)): InPath<(OrderId, String)>,
                ) -> Result<Json<$View>, Failure> {
                    let found = all(&state, &order_id, $of).await?.into_iter().find(|view| view.$field == id);
                    let missing = || Problem::new(ErrorCode::NotFound).detail("the order has none with this id");
                    Ok(Json(found.ok_or_else(missing)?))
                }
            )?
        )+
    };
}

parts! {
    list_refunds "refunds" RefundView refunds, get_refund "refund_id" refund_id;
    list_holds "holds" HoldView holds, get_hold "hold_id" hold_id;
    list_payments "payments" PaymentView payments, get_payment "payment_id" payment_id;
    list_decisions "decisions" DecisionView decisions, get_decision "decision_id" decision_id;
    list_cancellations "cancellations" CancellationView cancellations;
    list_changes "changes" ChangeSetView changes;
    list_claims "claims" ClaimView claims;
    list_order_returns "returns" OrderReturnView returns;
    list_exchanges "exchanges" OrderExchangeView exchanges;
}

/// None yet of an order that was only just taken in.
async fn all<T>(state: &AppState, id: &OrderId, of: impl FnOnce(&Order) -> Vec<T>) -> Result<Vec<T>, Failure> {
    Ok(views::existing(state, id).await?.as_ref().map(of).unwrap_or_default())
}

fn refunds(order: &Order) -> Vec<RefundView> {
    order.refunds.iter().map(|refund| RefundView::of(order, refund)).collect()
}

fn holds(order: &Order) -> Vec<HoldView> {
    order.holds.iter().map(HoldView::from).collect()
}

fn payments(order: &Order) -> Vec<PaymentView> {
    order.payments.iter().map(PaymentView::from).collect()
}

fn decisions(order: &Order) -> Vec<DecisionView> {
    order.decisions.iter().map(|decision| DecisionView::of(order, decision)).collect()
}

fn cancellations(order: &Order) -> Vec<CancellationView> {
    order.cancellations.iter().map(|cancellation| CancellationView::of(&order.core.order_id, cancellation)).collect()
}

fn changes(order: &Order) -> Vec<ChangeSetView> {
    ChangeSetView::all(order)
}

fn claims(order: &Order) -> Vec<ClaimView> {
    order.claims.iter().map(|claim| ClaimView::of(order, claim)).collect()
}

fn returns(order: &Order) -> Vec<OrderReturnView> {
    order.returns.iter().map(OrderReturnView::from).collect()
}

fn exchanges(order: &Order) -> Vec<OrderExchangeView> {
    order.exchanges().map(|(returned, credit)| OrderExchangeView::of(returned, credit)).collect()
}
