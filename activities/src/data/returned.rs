//! What became of a return, in the store's terms.

use oms_domain::returns::{Goods, Label};
use oms_store::{RecordedEvent, RestockedGoods, ReturnLabel, ReturnRecord};
use oms_workflows::contracts::ReturnProgress;

pub(super) fn record_of(progress: ReturnProgress) -> Result<ReturnRecord, serde_json::Error> {
    let ReturnProgress { this, events, base, at } = progress;
    let restocked =
        |goods: &Goods| RestockedGoods { facility_id: goods.facility_id.clone(), sku: goods.sku.clone(), restocked: goods.restocked };
    let label = |label: &Label| ReturnLabel { carrier: label.carrier.clone(), tracking_number: label.tracking_number.clone() };
    Ok(ReturnRecord {
        return_id: this.core.return_id.clone(),
        order_id: this.core.order_id.clone(),
        base,
        version: this.version,
        status: this.status.name().to_owned(),
        needs_attention: this.needs_attention(),
        opened_at: this.core.opened_at,
        updated_at: at,
        next_wait_at: this.next_wait_at(at),
        events: events.into_iter().map(|e| RecordedEvent { seq: e.seq, kind: e.kind, at: e.at, data: e.data, by: e.by }).collect(),
        goods: this.goods.iter().filter(|goods| goods.restocked > 0).map(restocked).collect(),
        label: this.label.as_ref().map(label),
        doc: serde_json::to_value(&this)?,
    })
}
