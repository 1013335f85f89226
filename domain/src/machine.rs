//! State machines as tables: a row a legal transition. The docs are printed from the tables, and what has no row is refused.

/// Declares a state enum, an action enum and the table between them. Names in quotes are what the API and the docs say.
#[macro_export]
macro_rules! machine {
    (
        $(#[$state_doc:meta])* states $State:ident { $($(#[$sd:meta])* $state:ident = $state_name:literal),+ $(,)? }
        $(#[$action_doc:meta])* actions $Action:ident { $($(#[$ad:meta])* $action:ident = $action_name:literal),+ $(,)? }
        transitions { $($($from:ident)|+ , $act:ident => $to:ident;)+ }
    ) => {
        $(#[$state_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $State { $($(#[$sd])* #[serde(rename = $state_name)] $state,)+ }

        $(#[$action_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $Action { $($(#[$ad])* #[serde(rename = $action_name)] $action,)+ }

        impl $State {
            /// Every state.
            pub const ALL: &[$State] = &[$($State::$state,)+];
            /// The legal transitions: from, action, to.
            pub const TABLE: &[($State, $Action, $State)] = &[$($(($State::$from, $Action::$act, $State::$to),)+)+];

            /// The name in the API and the docs.
            pub fn name(self) -> &'static str { match self { $(Self::$state => $state_name,)+ } }
            /// The state with this name.
            pub fn from_name(name: &str) -> Option<Self> { Self::ALL.iter().copied().find(|s| s.name() == name) }
            /// Where the action leads from here, if it is legal.
            pub fn after(self, action: $Action) -> Option<Self> {
                Self::TABLE.iter().find(|row| row.0 == self && row.1 == action).map(|row| row.2)
            }
            /// The actions that are legal here, in the table's order.
            pub fn legal_actions(self) -> Vec<$Action> {
                Self::TABLE.iter().filter(|row| row.0 == self).map(|row| row.1).collect()
            }
            /// No action leads out of it.
            pub fn is_final(self) -> bool { self.legal_actions().is_empty() }
            /// The refusal of an action that is not legal here: names the state and what is legal.
            pub fn refuse(self, action: $Action) -> $crate::error::Rejection {
                let legal_actions: Vec<String> = self.legal_actions().iter().map(|a| a.name().to_owned()).collect();
                let legal = if legal_actions.is_empty() { "nothing".to_owned() } else { legal_actions.join(", ") };
                $crate::error::Rejection {
                    code: $crate::error::ErrorCode::IllegalTransition,
                    message: format!("{} is not possible while {}; possible now: {legal}", action.name(), self.name()),
                    status: Some(self.name().to_owned()),
                    legal_actions,
                    parts: Vec::new(),
                }
            }
            /// The state after the action, or the refusal.
            pub fn try_after(self, action: $Action) -> Result<Self, $crate::error::Rejection> {
                self.after(action).ok_or_else(|| self.refuse(action))
            }
        }

        impl $Action {
            /// Every action.
            pub const ALL: &[$Action] = &[$($Action::$action,)+];
            /// The name in the API and the docs.
            pub fn name(self) -> &'static str { match self { $(Self::$action => $action_name,)+ } }
        }

        impl std::fmt::Display for $State {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.name()) }
        }
    };
}
