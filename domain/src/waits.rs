//! Waits as tables: every wait has a deadline, a default and someone who can extend it. The docs are printed from the tables.

/// Declares what something can wait for: key, how long, what happens then, who extends it.
macro_rules! waits {
    (
        $(#[$doc:meta])* $Wait:ident
        { $( $name:ident = $key:literal, $lasts:literal, $default:literal, $extends:literal; )+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $Wait { $( #[serde(rename = $key)] $name, )+ }

        impl $Wait {
            /// Every wait: key, how long, what happens then, who may extend it. Printed into the docs.
            pub const TABLE: &[($Wait, &str, &str, &str, &str)] = &[ $( ($Wait::$name, $key, $lasts, $default, $extends), )+ ];
            /// What happens when it is over, in words.
            pub fn overdue(self) -> &'static str { match self { $( Self::$name => $default, )+ } }
            pub fn key(self) -> &'static str { match self { $( Self::$name => $key, )+ } }
            /// The wait with this key.
            pub fn from_key(key: &str) -> Option<Self> { match key { $( $key => Some(Self::$name), )+ _ => None } }
            /// Who may give it more time; none for what nobody can.
            pub fn extended_by(self) -> Option<&'static str> {
                Some(match self { $( Self::$name => $extends, )+ }).filter(|who| *who != "nobody")
            }
        }
    };
}
pub(crate) use waits;
