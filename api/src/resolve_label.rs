//! What became of a label that the carrier was never heard to void, said by a person who has asked there.

use oms_domain::order::LabelFinding;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, choice, text};

/// The body of `POST /parcels/{parcel_id}/label/resolve`, and of the return's action `resolve-label`. Legal once the call to void it has given
/// up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResolveLabelBody {
    /// `voided`: the carrier will not come for it. `kept`: it is not voided any more, and paid for.
    #[schema(pattern = "^(voided|kept)$")]
    pub outcome: String,
    #[schema(min_length = 1, max_length = 200, examples("asked the carrier"))]
    pub reason: String,
}

/// Reads the finding, and where it comes from.
pub fn read_resolve_label(node: &Node<'_>) -> Option<(LabelFinding, String)> {
    node.object(|fields| {
        let outcome = fields.required("outcome", choice(LabelFinding::NAMED));
        let reason = fields.required("reason", text(200));
        Some((outcome?, reason?))
    })
}
