//! What an example is told, and the recorded orders.

use std::io::Read;

use oms_allocation::simulate::{Data, DataTexts};

#[expect(clippy::disallowed_methods, reason = "a program, not the library")]
pub fn arguments() -> Vec<String> {
    std::env::args().skip(1).collect()
}

/// The recorded data in the folder that `OMS_TEST_DATA` names.
#[expect(clippy::disallowed_methods, reason = "a program, not the library")]
pub fn data() -> Data {
    let folder = std::path::PathBuf::from(std::env::var("OMS_TEST_DATA").expect("OMS_TEST_DATA names the data folder"));
    let read = |name: &str| {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut text = String::new();
        match path.extension().is_some_and(|extension| extension == "gz") {
            true => flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text),
            false => bytes.as_slice().read_to_string(&mut text),
        }
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text
    };
    let texts = ["facilities.csv", "products.csv", "inventory.csv", "replenishment.csv.gz", "orders.jsonl.gz"].map(read);
    let [facilities_csv, products_csv, inventory_csv, replenishment_csv, orders_jsonl] = texts.each_ref().map(String::as_str);
    Data::read(DataTexts { facilities_csv, products_csv, inventory_csv, replenishment_csv, orders_jsonl }).expect("the data is sound")
}
