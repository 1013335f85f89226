//! Bodies that say little.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::Node;

/// The body of what has nothing to say: `{}`, or none at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NothingBody {}

impl NothingBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|_| Some(Self {}))
    }
}

/// The body of what is said no to, or taken back, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonBody {
    #[schema(min_length = 1, max_length = 200, examples("not one of ours"))]
    pub reason: String,
}
