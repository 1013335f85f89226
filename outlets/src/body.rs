//! The bytes of an event.

use oms_domain::public_event::PublicEvent;

/// The one body, and in it which events of the same subject were given up just before it.
pub fn body(event: &PublicEvent, gap: &[String]) -> String {
    let mut body = event.body();
    if !gap.is_empty() {
        // CloudEvents' attributes are no lists.
        body["gap"] = gap.join(",").into();
    }
    body.to_string()
}
