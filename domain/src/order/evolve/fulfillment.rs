//! What events mean to a fulfillment order and its parcels.

use jiff::Timestamp;

use crate::{
    fulfillment::FulfillmentStatus,
    ids::{CancellationId, FacilityId, FulfillmentOrderId, ParcelId},
    order::{CancellationPart, CancellationRequest, FulfillmentOrder, Lines, PackedParcel, Parcel, lines},
    parcel::{ParcelAction, ParcelStatus},
};

impl FulfillmentOrder {
    pub(super) fn new(id: &FulfillmentOrderId, group: u16, lines: &Lines, status: FulfillmentStatus, at: Timestamp) -> Self {
        Self {
            fulfillment_order_id: id.clone(),
            facility_id: None::<FacilityId>,
            group,
            status,
            since: at,
            version: 0,
            lines: lines.clone(),
            whole: false,
            on_purpose: false,
            waiting_since: None,
            fulfill_at: None,
            ship_by: None,
            parcels: Vec::new(),
            ship_requested: false,
            cancellation_request: None,
            replaces: None,
            charged_minor: Vec::new(),
            free_lines: Lines::new(),
            wanted_facility_id: None,
            pickup_code_hash: None,
            rejections: Vec::new(),
        }
    }

    /// It has come back, or nobody can call it back any more.
    pub(super) fn forget_charges(&mut self) {
        self.charged_minor.clear();
        self.free_lines.clear();
    }

    pub(super) fn enter(&mut self, status: FulfillmentStatus, at: Timestamp) {
        self.status = status;
        self.since = at;
    }

    /// Units leave it. What is packed is unpacked first; with the last unit it is Cancelled.
    pub(super) fn remove(&mut self, lines: &Lines, at: Timestamp) {
        self.lines = lines::without(&self.lines, lines);
        self.void_parcels(at);
        if self.lines.is_empty() {
            self.enter(FulfillmentStatus::Cancelled, at);
        } else if self.status == FulfillmentStatus::Packed {
            self.enter(FulfillmentStatus::Picking, at);
        }
    }

    pub(super) fn pack(&mut self, parcels: &[PackedParcel], at: Timestamp) {
        for packed in parcels {
            let number = u32::try_from(self.parcels.len()).map_or(u32::MAX, |used| used + 1);
            self.parcels.push(Parcel {
                parcel_id: ParcelId::of(&self.fulfillment_order_id, number),
                status: ParcelStatus::Packed,
                since: at,
                lines: packed.lines.clone(),
                weight_g: packed.weight_g,
                carrier: None,
                tracking_number: None,
                tracking_url: None,
                reported_at: None,
                reported: Vec::new(),
                label_attempts: 0,
                label_at_carrier: false,
                label_finding: None,
                resolution: None,
                assumed_delivered: false,
            });
        }
    }

    pub(super) fn void_parcels(&mut self, at: Timestamp) {
        self.ship_requested = false;
        for parcel in &mut self.parcels {
            if let Some(voided) = parcel.status.after(ParcelAction::Void) {
                parcel.status = voided;
                parcel.since = at;
            }
        }
    }

    /// What some of its parcels hold, as if to be packed anew.
    pub(in crate::order) fn contents(&self, of: impl Fn(&Parcel) -> bool) -> Vec<PackedParcel> {
        let content = |p: &Parcel| PackedParcel { lines: p.lines.clone(), weight_g: p.weight_g };
        self.parcels.iter().filter(|p| of(p)).map(content).collect()
    }

    /// A part of it under another number: `units`, with the parcels that hold them, and what was asked of these units.
    pub(super) fn part(&self, id: &FulfillmentOrderId, units: &Lines, parcels: &[ParcelId], at: Timestamp) -> Self {
        let mut part = Self {
            fulfillment_order_id: id.clone(),
            lines: units.clone(),
            since: at,
            parcels: Vec::new(),
            ship_requested: false,
            cancellation_request: None,
            rejections: Vec::new(),
            ..self.clone()
        };
        part.pack(&self.contents(|p| parcels.contains(&p.parcel_id)), at);
        // Of what is split off a released one the facility has not been told yet.
        if part.status == FulfillmentStatus::Released {
            part.status = FulfillmentStatus::Open;
        }
        for asked in self.beyond(units) {
            part.ask_to_cancel(&asked.cancellation_id, &asked.lines, at);
        }
        part
    }

    /// `units` leave it as a part of their own.
    pub(super) fn leave(&mut self, units: &Lines, parcels: &[ParcelId], at: Timestamp) {
        for asked in self.beyond(units) {
            self.answer_cancellation(&asked.cancellation_id, &asked.lines);
        }
        if parcels.is_empty() {
            return self.remove(units, at);
        }
        self.lines = lines::without(&self.lines, units);
        for parcel in self.parcels.iter_mut().filter(|p| parcels.contains(&p.parcel_id)) {
            (parcel.status, parcel.since) = (ParcelStatus::Voided, at);
        }
    }

    /// What someone asked to cancel that would not fit into what stays when `units` leave: the newest questions go along.
    fn beyond(&self, units: &Lines) -> Vec<CancellationPart> {
        let mut stays = lines::without(&self.lines, units);
        let parts = self.cancellation_request.iter().flat_map(|request| &request.parts);
        let gone = parts.map(|part| {
            let kept = lines::take(&mut stays, &part.lines);
            CancellationPart { cancellation_id: part.cancellation_id.clone(), lines: lines::without(&part.lines, &kept) }
        });
        gone.filter(|part| !part.lines.is_empty()).collect()
    }

    pub(super) fn ask_to_cancel(&mut self, cancellation_id: &CancellationId, lines: &Lines, at: Timestamp) {
        let none = || CancellationRequest { parts: Vec::new(), lines: Lines::new(), since: at };
        let request = self.cancellation_request.get_or_insert_with(none);
        lines::add(&mut request.lines, lines);
        request.parts.push(CancellationPart { cancellation_id: cancellation_id.clone(), lines: lines.clone() });
    }

    /// Units of one cancellation were answered; with the last one the question is gone.
    pub(super) fn answer_cancellation(&mut self, cancellation_id: &CancellationId, answered: &Lines) {
        let Some(request) = &mut self.cancellation_request else { return };
        request.lines = lines::without(&request.lines, answered);
        for part in request.parts.iter_mut().filter(|part| part.cancellation_id == *cancellation_id) {
            part.lines = lines::without(&part.lines, answered);
        }
        request.parts.retain(|part| !part.lines.is_empty());
        if request.parts.is_empty() {
            self.cancellation_request = None;
        }
    }
}
