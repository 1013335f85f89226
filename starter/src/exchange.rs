//! Exchanges: an order `<order_id>-X<n>` that is paid by what its origin owes back for returned units. It is taken in like any order, and
//! asks its origin for the credit itself: so whatever is lost on the way, one workflow sees both ends through.

use jiff::Timestamp;
use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::{OrderId, PaymentId, ReturnId},
    order::{self, CREDIT, Command, Credit, Lines, Order, PaymentRequest, Request},
    payment::{OperationKind, OperationStatus},
    placed::{Address, DeliveryGroup, DeliveryMethod, Destination, Exchange, Instrument, Means, PaymentMethod, PlacedLine, PlacedOrder},
    returns::AnnouncedLine,
};
use oms_store::Intake;

use crate::{
    CommandRequest, OpenReturn, Placed, Starter, StarterError,
    command::{ANSWER_WITHIN, LOOK_EVERY},
};

/// So many others may take the next number of an order's exchanges at the same time.
const NUMBERS_TRIED_MAX: u32 = 20;
/// The instrument that pays what the new lines cost beyond the credit.
const DIFFERENCE: &str = "difference";

/// An exchange that is to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct StartExchange {
    /// None: the origin's next number.
    pub exchange_id: Option<OrderId>,
    pub order_id: OrderId,
    /// What comes back.
    pub returned: Vec<AnnouncedLine>,
    /// What goes out for it.
    pub lines: Vec<PlacedLine>,
    /// None: where the returned units went.
    pub ship_to: Option<Address>,
    /// Pays what is missing, if anything is: its method, and what the gateway knows it by.
    pub payment: Option<Means>,
}

impl Starter {
    /// Starts an exchange. When this returns, its order is taken in and the origin has let the units come back.
    ///
    /// # Errors
    /// `Rejected` in the origin's words, or naming the amount that is missing; with `order_conflict` when the id is taken by another one.
    /// `NotFound`: there is no such origin.
    pub async fn exchange(&self, start: StartExchange) -> Result<(OrderId, Placed), StarterError> {
        self.check_skus(&start.lines.iter().map(|line| &line.sku).enumerate().collect::<Vec<_>>()).await?;
        let origin = self.order(&start.order_id).await?.ok_or(StarterError::NotFound)?;
        let (placed, outcome) = match &start.exchange_id {
            Some(id) => self.take_in(&start, &origin, id).await?,
            None => self.take_in_next(&start, &origin).await?,
        };
        self.start(&placed).await?;
        self.granted(&placed.order_id).await?;
        Ok((placed.order_id, outcome))
    }

    async fn take_in_next(&self, start: &StartExchange, origin: &Order) -> Result<(PlacedOrder, Placed), StarterError> {
        let last = origin.exchanges().filter_map(|(_, credit)| credit.order_id.exchange_number()).max().unwrap_or(0);
        for number in last + 1..=last + NUMBERS_TRIED_MAX {
            let id =
                OrderId::exchange_of(&start.order_id, number).ok_or_else(|| refused("the order's id is too long for an exchange's"))?;
            if self.store.intake(&id).await?.is_some() {
                continue;
            }
            let placed = self.new_exchange(start, origin, &id).await?;
            if self.keep(&placed).await? == Intake::New {
                return Ok((placed, Placed::Created));
            }
        }
        Err(StarterError::Unavailable("too many exchanges of one order are being started at once".to_owned()))
    }

    async fn take_in(&self, start: &StartExchange, origin: &Order, id: &OrderId) -> Result<(PlacedOrder, Placed), StarterError> {
        if self.store.intake(id).await?.is_none() {
            let placed = self.new_exchange(start, origin, id).await?;
            if self.keep(&placed).await? == Intake::New {
                return Ok((placed, Placed::Created));
            }
        }
        let known = self.store.intake(id).await?.ok_or(StarterError::NotFound)?.order;
        let placed = self.again(start, &known).await.map_err(|error| match error {
            // Not what was asked for then.
            StarterError::Rejected(_) => conflict(id),
            other => other,
        })?;
        if placed == known { Ok((placed, Placed::Existing)) } else { Err(conflict(id)) }
    }

    async fn keep(&self, placed: &PlacedOrder) -> Result<Intake, StarterError> {
        let hash = placed.body_hash().map_err(|error| StarterError::Internal(error.to_string()))?;
        Ok(self.store.put_intake(placed, &hash, self.config.clock.business(Timestamp::now())).await?)
    }

    /// What the origin refuses already needs no order to be refused; its own answer to the credit decides about the rest.
    async fn new_exchange(&self, start: &StartExchange, origin: &Order, id: &OrderId) -> Result<PlacedOrder, StarterError> {
        let lines: Lines = start.returned.iter().map(|line| (line.line_id.clone(), line.quantity)).collect();
        let now = self.config.clock.business(Timestamp::now());
        let at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let return_id = ReturnId::of(&start.order_id, self.store.returns_of(&start.order_id).await? + 1);
        let ask = |credit| {
            let request = Request::OpenReturn { return_id: return_id.clone(), lines: lines.clone(), credit };
            Command::Request { command_id: "preview".to_owned(), request }
        };
        order::decide(origin, &ask(None), at).map(drop).map_err(StarterError::Rejected)?;
        let worth_minor = origin.refund_share_minor(&lines).min(origin.refundable_minor());
        let placed = self.placed_for(start, id, return_id.clone(), at, worth_minor).await?;
        let credit = Credit::of(id.clone(), placed.total_minor().min(worth_minor));
        order::decide(origin, &ask(Some(credit)), at).map(drop).map_err(StarterError::Rejected)?;
        Ok(placed)
    }

    /// The same request again: with what was decided when it came first.
    async fn again(&self, start: &StartExchange, known: &PlacedOrder) -> Result<PlacedOrder, StarterError> {
        let credit = known.payments.iter().find(|payment| payment.method == PaymentMethod::Credit);
        let (Some(exchange), Some(credit)) = (&known.exchange, credit) else { return Err(conflict(&known.order_id)) };
        self.placed_for(start, &known.order_id, exchange.return_id.clone(), known.placed_at, credit.amount_minor).await
    }

    /// The new order: the origin's customer, and unless said its address; the credit pays first, and another instrument what is missing.
    async fn placed_for(
        &self,
        start: &StartExchange,
        id: &OrderId,
        return_id: ReturnId,
        placed_at: Timestamp,
        worth_minor: i64,
    ) -> Result<PlacedOrder, StarterError> {
        let changes = self.order(&start.order_id).await?.map(|order| order.change_ids()).unwrap_or_default();
        let origin = self.store.placed(&start.order_id, &changes).await?.ok_or(StarterError::NotFound)?;
        let carried = origin.carried.clone().without_names();
        let mut placed = PlacedOrder {
            order_id: id.clone(),
            carried,
            placed_at,
            delivery_groups: vec![delivery(&origin, start)?],
            payments: Vec::new(),
            lines: start.lines.clone(),
            discounts: Vec::new(),
            requested_delivery_date: None,
            promise_id: None,
            cancel_after: None,
            exchange: Some(Exchange { order_id: start.order_id.clone(), return_id, lines: start.returned.clone() }),
            ..origin
        };
        placed.payments = instruments(placed.total_minor(), worth_minor, start.payment.as_ref())?;
        Ok(placed)
    }

    /// Waits for the origin's answer.
    async fn granted(&self, id: &OrderId) -> Result<(), StarterError> {
        let until = tokio::time::Instant::now() + ANSWER_WITHIN;
        while tokio::time::Instant::now() < until {
            if let Some(order) = self.order(id).await? {
                let credit = order.payments.iter().find(|payment| payment.method == PaymentMethod::Credit);
                let asked = credit.and_then(|credit| credit.operations.iter().find(|op| op.kind == OperationKind::Authorize));
                match asked.map(|asked| (asked.status, asked.decline.as_ref())) {
                    Some((OperationStatus::Succeeded, _)) => return Ok(()),
                    Some((OperationStatus::Failed, why)) => return Err(refused(why.map_or("", |(_, code)| code))),
                    Some((OperationStatus::Pending | OperationStatus::Unknown, _)) => {}
                    // It ended before it asked.
                    None if order.status.is_final() => return Ok(()),
                    None => {}
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(StarterError::TimedOut)
    }

    /// An operation of an exchange's credit: asking for it opens the return of the units that bring it, and what is not needed goes back
    /// to the origin, which gives it to the customer. What is taken has been set aside before.
    ///
    /// # Errors
    /// `Rejected` in the origin's words.
    pub async fn pay_by_credit(&self, request: &PaymentRequest) -> Result<(), StarterError> {
        let intake = self.store.intake(&request.order_id).await?.ok_or(StarterError::NotFound)?;
        let exchange = intake.order.exchange.ok_or_else(|| refused("the order is exchanged for nothing"))?;
        match request.kind {
            OperationKind::Authorize => self.ask_for_credit(exchange, request).await,
            OperationKind::Capture => Ok(()),
            OperationKind::Void | OperationKind::Refund => {
                let (number, amount_minor) = (request.number, request.amount_minor);
                let release = Request::ReleaseCredit { return_id: exchange.return_id, number, amount_minor };
                self.command(&exchange.order_id, CommandRequest::new(request.key(), release)).await.map(drop)
            }
        }
    }

    async fn ask_for_credit(&self, exchange: Exchange, request: &PaymentRequest) -> Result<(), StarterError> {
        let Exchange { order_id, return_id, lines } = exchange;
        let credit = Some(Credit::of(request.order_id.clone(), request.amount_minor));
        let opening = OpenReturn { return_id: Some(return_id.clone()), order_id: order_id.clone(), lines, credit };
        // Whoever started the exchange may go by other waits than whoever does its work.
        let policy = self.order(&request.order_id).await?.map_or_else(|| self.config.policy.clone(), |order| order.policy);
        self.open_return_under(&policy, opening).await?;
        let origin = self.order(&order_id).await?.ok_or(StarterError::NotFound)?;
        let granted = origin.returned(&return_id).and_then(|known| known.credit.as_ref());
        match granted.filter(|credit| credit.order_id == request.order_id) {
            Some(credit) if credit.amount_minor >= request.amount_minor => Ok(()),
            Some(credit) => Err(refused(&format!("return {return_id} has {} left for this order", credit.amount_minor))),
            None => Err(refused(&format!("return {return_id} does not pay for this order"))),
        }
    }
}

/// Where the returned units went, unless said otherwise, at no charge.
fn delivery(origin: &PlacedOrder, start: &StartExchange) -> Result<DeliveryGroup, StarterError> {
    let first = start.returned.first().and_then(|back| origin.lines.iter().find(|line| line.line_id == back.line_id));
    let group = first.and_then(|line| origin.delivery_groups.get(usize::from(line.delivery_group)));
    let known = group.ok_or_else(|| refused("name lines of the order that come back"))?.clone();
    let (method, destination) = match (&start.ship_to, known.method) {
        (None, method) => (method, known.destination),
        (Some(address), DeliveryMethod::Pickup) => (DeliveryMethod::Standard, Destination::Address(address.clone())),
        (Some(address), method) => (method, Destination::Address(address.clone())),
    };
    Ok(DeliveryGroup { delivery_group: "default".to_owned(), method, destination, price_minor: 0, tax_minor: 0, discount_minor: 0 })
}

fn instruments(total_minor: i64, worth_minor: i64, payment: Option<&Means>) -> Result<Vec<Instrument>, StarterError> {
    let credit_minor = total_minor.min(worth_minor);
    if credit_minor <= 0 {
        return Err(refused("there is nothing to exchange: return the units, or place an order"));
    }
    let instrument = |id: &str, amount_minor, Means { method, token, three_d_secure }| {
        let payment_id = PaymentId::parse(id).map_err(|error| StarterError::Internal(error.to_string()))?;
        Ok::<_, StarterError>(Instrument { payment_id, method, amount_minor, token, three_d_secure, authorization: None })
    };
    let credit = Means { method: PaymentMethod::Credit, token: None, three_d_secure: None };
    let mut instruments = vec![instrument(CREDIT, credit_minor, credit)?];
    let missing_minor = total_minor - credit_minor;
    match payment {
        _ if missing_minor == 0 => {}
        Some(means) => instruments.push(instrument(DIFFERENCE, missing_minor, means.clone())?),
        None => {
            let why = format!(
                "the new lines cost {total_minor}, the returned units are worth {worth_minor}: a payment of {missing_minor} is missing"
            );
            return Err(refused(&why));
        }
    }
    Ok(instruments)
}

fn refused(why: &str) -> StarterError {
    StarterError::Rejected(Rejection::new(ErrorCode::RefusedByRule, why))
}

fn conflict(id: &OrderId) -> StarterError {
    StarterError::Rejected(Rejection::new(ErrorCode::OrderConflict, format!("order {id} exists with another body")))
}
