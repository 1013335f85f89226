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

/// An enum of values that are kept and sent: each with its one spelling, `snake_case` and never changed once something is stored under it.
macro_rules! named {
    ($(#[$doc:meta])* $Enum:ident { $($(#[$vd:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $Enum { $($(#[$vd])* #[serde(rename = $name)] $variant,)+ }

        impl $Enum {
            /// Every value with its name.
            pub const NAMED: &[(&str, $Enum)] = &[$(($name, $Enum::$variant),)+];

            /// The name in everything that is kept or sent.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }
        }
    };
}
pub(crate) use named;
