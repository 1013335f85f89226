//! Returns: goods that come back, and what becomes of them.

use jiff::Timestamp;
use oms_domain::{
    ids::{FacilityId, LineId, OrderId, ReturnId},
    order::{Lines, ReturnedUnits},
    returns::{AnnouncedLine, Disposition, GoodsRef, Inspected, LINES_MAX, ReceivedGoods, Request, Return, Verdict},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    cancellation::{LineUnits, line_units},
    reader::{Fields, Node, ReadOnce, boolean, choice, name, parsed, quantity, text},
    resolve_label::read_resolve_label,
};

const DISPOSITIONS: &[(&str, Disposition)] =
    &[("restock", Disposition::Restock), ("write_off", Disposition::WriteOff), ("send_back", Disposition::SendBack)];

/// The body of `POST /returns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnBody {
    /// `<order_id>-R<n>`. Absent: the order's next number. The same id again is the same return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("536365-R1"))]
    pub return_id: Option<ReturnId>,
    #[schema(value_type = String, examples("536365"))]
    pub order_id: OrderId,
    /// None: the goods are here unannounced, and `receive` says what they are.
    pub lines: Vec<ReturnLineBody>,
}

/// Units of a line that are to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnLineBody {
    #[schema(value_type = String)]
    pub line_id: LineId,
    #[schema(minimum = 1)]
    pub quantity: u32,
    #[schema(min_length = 1, max_length = 200, examples("too small"))]
    pub reason: String,
}

impl ReturnBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let return_id: Option<Option<ReturnId>> = fields.optional("return_id", parsed);
            let order_id: Option<OrderId> = fields.required("order_id", parsed);
            let lines = fields.required("lines", |node| node.list(0, LINES_MAX, ReturnLineBody::read));
            let (return_id, order_id, lines) = (return_id?, order_id?, lines?);
            if return_id.as_ref().is_some_and(|id| id.order_id().as_ref() != Some(&order_id)) {
                return fields.error("return_id", format!("must be {order_id}-R<n>"));
            }
            let mut ids: Vec<&LineId> = lines.iter().map(|line| &line.line_id).collect();
            ids.sort();
            if ids.windows(2).any(|pair| pair[0] == pair[1]) {
                return fields.error("lines", "names a line twice");
            }
            Some(Self { return_id, order_id, lines })
        })
    }

    /// The lines as the return's own.
    pub fn announced(&self) -> Vec<AnnouncedLine> {
        self.lines.iter().cloned().map(AnnouncedLine::from).collect()
    }
}

impl From<ReturnLineBody> for AnnouncedLine {
    fn from(line: ReturnLineBody) -> Self {
        Self { line_id: line.line_id, quantity: line.quantity, reason: line.reason }
    }
}

impl From<&AnnouncedLine> for ReturnLineBody {
    fn from(line: &AnnouncedLine) -> Self {
        Self { line_id: line.line_id.clone(), quantity: line.quantity, reason: line.reason.clone() }
    }
}

impl ReturnLineBody {
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let line_id = fields.required("line_id", parsed);
            let quantity = fields.required("quantity", quantity);
            let reason = fields.required("reason", text(200));
            Some(Self { line_id: line_id?, quantity: quantity?, reason: reason? })
        })
    }
}

/// `receive`: goods are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiveBody {
    /// The same delivery of goods again counts once. Absent: one is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
    #[schema(value_type = String)]
    pub facility_id: FacilityId,
    #[schema(max_items = 2000)]
    pub lines: Vec<ReceivedBody>,
    /// Whether more is to come; unless said, that is so while announced units are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
}

/// Goods that came: those of a line, or of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: u32,
}

/// `inspect`: goods are judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InspectBody {
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Vec<InspectedBody>,
}

/// Goods that were judged: those of a line, or of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InspectedBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Only those at this facility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: u32,
    /// `accepted`, `rejected` or `manual_review`.
    pub verdict: String,
    /// `restock`, `write_off` or `send_back`. Absent: accepted units are restocked, rejected ones sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
}

/// What can be asked of a return, in the path's words.
pub const RETURN_ACTIONS: &[&str] = &["approve", "decline", "cancel", "receive", "inspect", "retry", "resolve-label"];

/// Reads the body of an action; none for a word that is no action. `made_up` names a delivery that nobody has named.
pub fn read_return_action(action: &str, made_up: String) -> Option<ReadOnce<Request>> {
    Some(match action {
        "approve" => Box::new(|node| node.object(|_| Some(Request::Approve))),
        "decline" => Box::new(|node| node.object(|fields| Some(Request::Decline { reason: fields.required("reason", text(200))? }))),
        "cancel" => Box::new(|node| node.object(|fields| Some(Request::Cancel { reason: fields.required("reason", text(200))? }))),
        "receive" => Box::new(move |node| node.object(|fields| receive(fields, made_up))),
        "inspect" => Box::new(|node| {
            node.object(|fields| Some(Request::Inspect { judged: fields.required("lines", |node| node.list(1, LINES_MAX, inspected))? }))
        }),
        "retry" => Box::new(|node| node.object(|_| Some(Request::Retry))),
        "resolve-label" => Box::new(|node| {
            let (outcome, reason) = read_resolve_label(node)?;
            Some(Request::ResolveLabel { outcome, reason })
        }),
        _ => return None,
    })
}

fn receive(fields: &Fields<'_>, made_up: String) -> Option<Request> {
    let receipt_id = fields.optional("receipt_id", name);
    let facility_id: Option<FacilityId> = fields.required("facility_id", parsed);
    let goods = fields.required("lines", |node| node.list(0, LINES_MAX, received));
    let complete = fields.optional("complete", boolean);
    Some(Request::Receive { receipt_id: receipt_id?.unwrap_or(made_up), facility_id: facility_id?, goods: goods?, complete: complete? })
}

fn received(node: &Node<'_>) -> Option<ReceivedGoods> {
    node.object(|fields| {
        let (line_id, sku) = (fields.optional("line_id", parsed), fields.optional("sku", parsed));
        let quantity = fields.required("quantity", quantity);
        named(fields)?;
        Some(ReceivedGoods { line_id: line_id?, sku: sku?, quantity: quantity? })
    })
}

fn inspected(node: &Node<'_>) -> Option<Inspected> {
    node.object(|fields| {
        let (line_id, sku) = (fields.optional("line_id", parsed), fields.optional("sku", parsed));
        let facility_id = fields.optional("facility_id", parsed);
        let quantity = fields.required("quantity", quantity);
        let verdict = fields.required("verdict", choice(Verdict::NAMED));
        let disposition = fields.optional("disposition", choice(DISPOSITIONS));
        named(fields)?;
        let verdict = verdict?;
        let usual = match verdict {
            Verdict::Accepted => Disposition::Restock,
            Verdict::Rejected | Verdict::ManualReview => Disposition::SendBack,
        };
        let goods = GoodsRef { line_id: line_id?, sku: sku?, facility_id: facility_id? };
        Some(Inspected { goods, quantity: quantity?, verdict, disposition: disposition?.unwrap_or(usual) })
    })
}

/// Goods have a line or a SKU.
fn named(fields: &Fields<'_>) -> Option<()> {
    if fields.has("line_id") || fields.has("sku") { Some(()) } else { fields.error("line_id", "is required where there is no sku") }
}

/// A return, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnView {
    pub return_id: String,
    pub order_id: String,
    #[schema(examples("received"))]
    pub status: String,
    pub version: u64,
    pub needs_attention: bool,
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// What was announced.
    pub lines: Vec<ReturnLineView>,
    /// The label to send with, once the carrier has given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<ReturnLabelView>,
    /// What came, where, and how it was judged.
    pub goods: Vec<GoodsView>,
    /// What the order pays back, once every unit is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<ReturnRefundView>,
    pub attention: Vec<ReturnAttentionView>,
    pub deadlines: Vec<ReturnDeadlineView>,
    pub legal_actions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnLineView {
    pub line_id: String,
    pub quantity: u32,
    pub reason: String,
    pub received: u32,
    pub accepted: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnLabelView {
    pub carrier: String,
    pub tracking_number: String,
    /// Where people follow what they send with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
}

/// Goods of one kind at one facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoodsView {
    pub facility_id: String,
    /// Absent: goods that this order never sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<String>,
    pub sku: String,
    pub received: u32,
    pub accepted: u32,
    pub rejected: u32,
    /// Waiting for somebody's second look.
    pub in_review: u32,
    pub restocked: u32,
    pub written_off: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnRefundView {
    pub amount_minor: i64,
    pub currency: String,
    /// What of it pays for an exchange, and does not go back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub credited_minor: i64,
    /// The units it is for: fewer than accepted, where more came than the customer ever had.
    pub lines: Vec<LineUnits>,
}

fn is_zero(amount_minor: &i64) -> bool {
    *amount_minor == 0
}

/// Something that gave up; it is tried again after a while, or by `retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnAttentionView {
    pub subject: String,
    pub why: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// Something the return waits for, and what happens when it does not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnDeadlineView {
    #[schema(examples("return_sending"))]
    pub wait: String,
    pub subject: String,
    #[schema(value_type = String, format = DateTime)]
    pub due: Timestamp,
    pub default: String,
}

/// A return in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnSummary {
    pub return_id: String,
    pub order_id: String,
    pub status: String,
    pub needs_attention: bool,
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    pub version: u64,
}

/// What an order knows of one of its returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderReturnView {
    pub return_id: String,
    /// Units that were announced.
    pub announced: Vec<LineUnits>,
    /// Units that are back for good.
    pub returned: Vec<LineUnits>,
    /// What is paid back for them, once the return has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
}

impl From<&ReturnedUnits> for OrderReturnView {
    fn from(known: &ReturnedUnits) -> Self {
        Self {
            return_id: known.return_id.to_string(),
            announced: line_units(&known.announced),
            returned: line_units(&known.returned),
            amount_minor: known.amount_minor,
        }
    }
}

impl From<&Return> for ReturnView {
    fn from(this: &Return) -> Self {
        let (received, accepted) = (this.received(), this.accepted());
        let of = |lines: &Lines, id: &LineId| lines.get(id).copied().unwrap_or(0);
        let line = |line: &AnnouncedLine| ReturnLineView {
            line_id: line.line_id.to_string(),
            quantity: line.quantity,
            reason: line.reason.clone(),
            received: of(&received, &line.line_id),
            accepted: of(&accepted, &line.line_id),
        };
        let refund = this.settlement.as_ref().zip(this.origin.as_ref()).map(|(settlement, origin)| ReturnRefundView {
            amount_minor: settlement.amount_minor,
            currency: origin.currency.to_string(),
            credited_minor: settlement.credited_minor,
            lines: line_units(&settlement.lines),
        });
        let label = this.label.as_ref().map(|label| ReturnLabelView {
            carrier: label.carrier.clone(),
            tracking_number: label.tracking_number.clone(),
            tracking_url: label.tracking_url.clone(),
        });
        Self {
            return_id: this.core.return_id.to_string(),
            order_id: this.core.order_id.to_string(),
            status: this.status.name().to_owned(),
            version: this.version,
            needs_attention: this.needs_attention(),
            opened_at: this.core.opened_at,
            lines: this.core.lines.iter().map(line).collect(),
            label,
            goods: this.goods.iter().map(GoodsView::from).collect(),
            refund,
            attention: this
                .attention
                .iter()
                .map(|known| ReturnAttentionView { subject: known.subject.clone(), why: known.why.clone(), since: known.since })
                .collect(),
            deadlines: this.deadlines().iter().map(ReturnDeadlineView::from).collect(),
            legal_actions: this.legal_actions().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl From<&oms_domain::returns::Goods> for GoodsView {
    fn from(goods: &oms_domain::returns::Goods) -> Self {
        Self {
            facility_id: goods.facility_id.to_string(),
            line_id: goods.line_id.as_ref().map(ToString::to_string),
            sku: goods.sku.to_string(),
            received: goods.received,
            accepted: goods.accepted,
            rejected: goods.rejected,
            in_review: goods.in_review,
            restocked: goods.restocked,
            written_off: goods.written_off,
        }
    }
}

impl From<&oms_domain::returns::Deadline> for ReturnDeadlineView {
    fn from(deadline: &oms_domain::returns::Deadline) -> Self {
        Self {
            wait: deadline.wait.key().to_owned(),
            subject: deadline.subject.clone(),
            due: deadline.due,
            default: deadline.wait.overdue().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::read_json;

    fn pointers(body: &serde_json::Value, read: impl FnOnce(&Node<'_>) -> Option<()>) -> Vec<String> {
        let problem = read_json(body.to_string().as_bytes(), read).unwrap_err();
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_return_names_its_order_and_each_line_once() {
        let line = json!({"line_id": "1", "quantity": 1, "reason": "too small"});
        let read = |node: &Node<'_>| ReturnBody::read(node).map(drop);
        assert_eq!(pointers(&json!({"order_id": "A", "return_id": "B-R1", "lines": [line]}), read), ["/return_id"]);
        assert_eq!(pointers(&json!({"order_id": "A", "lines": [line, line]}), read), ["/lines"]);
        assert_eq!(
            pointers(&json!({"order_id": "A", "lines": [{"line_id": "1", "quantity": 0}]}), read),
            ["/lines/0/quantity", "/lines/0/reason"]
        );
        assert!(read_json(json!({"order_id": "A", "lines": []}).to_string().as_bytes(), ReturnBody::read).is_ok());
    }

    #[test]
    fn goods_have_a_line_or_a_sku_and_accepted_ones_are_restocked_unless_said() {
        let inspect = |body: serde_json::Value| {
            let read = read_return_action("inspect", String::new()).unwrap();
            read_json(body.to_string().as_bytes(), read)
        };
        assert!(inspect(json!({"lines": [{"quantity": 1, "verdict": "accepted"}]})).is_err());
        let Ok(Request::Inspect { judged }) = inspect(json!({"lines": [{"line_id": "1", "quantity": 1, "verdict": "accepted"}]})) else {
            panic!("an inspection")
        };
        assert_eq!(judged[0].disposition, Disposition::Restock);
        assert!(read_return_action("eat", String::new()).is_none());
    }
}
