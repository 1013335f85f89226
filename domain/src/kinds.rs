//! What the events of an aggregate are called: one table for each `Event`, complete by the compiler's word.

macro_rules! kinds {
    ($( $variant:ident = $kind:literal, )+) => {
        impl Event {
            /// Every event's `type`.
            pub const KINDS: &[&str] = &[ $( $kind, )+ ];

            /// The event's `type`, as in its JSON.
            pub fn kind(&self) -> &'static str { match self { $( Self::$variant { .. } => $kind, )+ } }
        }
    };
}
pub(crate) use kinds;
