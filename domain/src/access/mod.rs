//! Who may do what: principals with roles and scopes, and the one table of what each role may.

pub mod approval;
mod by;
pub mod login;
mod permission;
mod principal;
mod role;
mod scope;
pub mod station;
mod table;

pub use by::{Actor, By, HousePart};
pub use permission::Permission;
pub use principal::{Principal, PrincipalKind};
pub use role::Role;
pub use scope::{Reach, Scope};
