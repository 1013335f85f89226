//! Who may do what: principals with roles and scopes, and the one table of what each role may.

mod permission;
mod principal;
mod role;
mod scope;
mod table;

pub use permission::Permission;
pub use principal::{Actor, Principal, PrincipalKind};
pub use role::Role;
pub use scope::{Reach, Scope};
