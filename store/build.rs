//! Embeds the database's functions, as `sqlx::migrate!` does its migrations. A change of either must rebuild the crate.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=functions");
    let files = fs::read_dir("functions").expect("the directory of functions").map(|file| file.expect("a file of functions").path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "sql")).collect();
    files.sort();
    let included = files.iter().map(|file| format!("include_str!({:?}),", fs::canonicalize(file).expect("a file of functions")));
    let list = Path::new(&env::var_os("OUT_DIR").expect("cargo says where")).join("functions.rs");
    fs::write(list, format!("[{}]", included.collect::<String>())).expect("the list of functions");
}
