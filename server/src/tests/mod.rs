//! The API from outside: a real server over real databases and a real Temporal. No worker runs here, so an order stays as it was
//! taken in; what becomes of it is tested in the workspace's `tests`.

mod accounts;
mod actors;
mod app;
mod approvals;
mod bad_input;
mod crowd;
mod doors;
mod feeds;
mod idempotency;
mod insights;
mod layers;
mod looks;
#[path = "../../../insights/tests/it/month.rs"]
mod month;
mod notes;
mod people;
mod placing;
mod reservations;
mod scopes;
mod stations;
mod stock;

#[test]
fn the_description_of_the_api_is_as_reviewed() {
    insta::assert_json_snapshot!("openapi", crate::openapi());
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let items = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<&str> = items.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
