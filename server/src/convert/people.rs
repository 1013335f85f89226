//! Accounts, people, what they came in with, and what they did.

use oms_api::{
    account::{AccountView, KeyView, MadeKeyView},
    actor::ActorView,
    audit::AuditView,
    person::{PersonView, SessionView},
    station::StationView,
};
use oms_domain::access::{Permission, Principal};

pub(crate) fn account(found: oms_store::Account) -> AccountView {
    let names = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect();
    AccountView {
        account_id: found.account_id.to_string(),
        name: found.name,
        roles: found.roles.into_iter().map(|role| role.name().to_owned()).collect(),
        facilities: found.scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect()),
        channels: found.scope.channels.only().map(names),
        carriers: found.scope.carriers.only().map(names),
        currencies: found.scope.currencies.only().map(|all| all.iter().map(ToString::to_string).collect()),
        created_at: found.created_at,
        keys: found.keys.into_iter().map(key).collect(),
    }
}

pub(crate) fn person(found: oms_store::Person) -> PersonView {
    let status = match (found.disabled_at, found.has_come) {
        (Some(_), _) => "disabled",
        (None, true) => "active",
        (None, false) => "invited",
    };
    PersonView {
        person_id: found.person_id.to_string(),
        email: found.email,
        name: found.name,
        roles: found.roles.into_iter().map(|role| role.name().to_owned()).collect(),
        facilities: found.scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect()),
        channels: found.scope.channels.only().map(|channels| channels.iter().cloned().collect()),
        status: status.to_owned(),
        has_badge: found.has_badge,
        created_at: found.created_at,
        invitation: None,
    }
}

/// Who is in, without what lets them in.
pub(crate) fn session(principal: &Principal) -> SessionView {
    let may = Permission::NAMED.iter().filter(|(_, permission)| principal.may(*permission));
    SessionView {
        kind: principal.kind.name().to_owned(),
        id: principal.id.to_string(),
        name: None,
        roles: principal.roles.iter().map(|role| role.name().to_owned()).collect(),
        permissions: may.map(|(name, _)| (*name).to_owned()).collect(),
        facilities: principal.scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect()),
        channels: principal.scope.channels.only().map(|channels| channels.iter().cloned().collect()),
        station_id: principal.station.as_ref().map(ToString::to_string),
        token: None,
    }
}

pub(crate) fn station(found: oms_store::Station) -> StationView {
    StationView {
        station_id: found.station_id.to_string(),
        name: found.name,
        facility_id: found.facility_id.to_string(),
        printer: found.printer,
        created_at: found.created_at,
        taken_by: found.taken_by.map(String::from),
        token: None,
    }
}

fn key(found: oms_store::KeyRow) -> KeyView {
    KeyView {
        key_id: found.key_id.to_string(),
        created_at: found.created_at,
        expires_at: found.expires_at,
        revoked_at: found.revoked_at,
        last_used_at: found.last_used_at,
    }
}

/// A key that was made; its text is shown once.
pub(crate) fn made_key(found: oms_store::KeyRow, text: Option<String>) -> MadeKeyView {
    MadeKeyView { key: text, made: key(found) }
}

pub(crate) fn audit(row: oms_store::AuditRow) -> AuditView {
    let (actor, request_id) = ActorView::of(row.by);
    AuditView { audit_id: row.audit_id, at: row.at, actor, request_id, action: row.action, subject: row.subject, detail: row.detail }
}
