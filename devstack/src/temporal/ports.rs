//! The ports of the real server's services.
//!
//! Its services find each other by a table of who has lately been where: at other ports than the last time, a start takes a minute. So a home
//! keeps them. They are below the range that outgoing connections are given, and below what a column of that table takes.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use crate::error::{Error, Result, io};

/// For HTTP, and two for each of the four services but the frontend's own.
const COUNT: usize = 8;
const FIRST: u16 = 15_500;
const LAST: u16 = 32_700;
const FILE: &str = "ports.json";
const ATTEMPTS: usize = 1_000;

/// Those of the last time if they are free, else others.
pub(super) fn chosen(folder: &Path) -> Result<[u16; COUNT]> {
    let file = folder.join(FILE);
    let kept = fs::read(&file).ok().and_then(|text| serde_json::from_slice::<[u16; COUNT]>(&text).ok());
    if let Some(ports) = kept.filter(|ports| listeners(ports.iter().copied()).len() == COUNT) {
        return Ok(ports);
    }
    // All are held until the last is found: they differ.
    let found = listeners(anywhere()).into_iter().map(|(port, _)| port).collect::<Vec<_>>();
    let ports: [u16; COUNT] = found.try_into().map_err(|_| Error::failed("finding ports for Temporal", "too few are free"))?;
    fs::write(&file, serde_json::json!(ports).to_string()).map_err(io(|| format!("write {}", file.display())))?;
    Ok(ports)
}

/// The first of these that are free.
fn listeners(ports: impl Iterator<Item = u16>) -> Vec<(u16, TcpListener)> {
    ports.filter_map(|port| Some((port, TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?))).take(COUNT).collect()
}

fn anywhere() -> impl Iterator<Item = u16> {
    let random = std::iter::repeat_with(|| uuid::Uuid::new_v4().as_u128());
    random.map(|number| FIRST + (number % u128::from(LAST - FIRST)) as u16).take(ATTEMPTS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_home_keeps_its_ports_until_somebody_else_has_one() -> Result<()> {
        let folder = tempfile::tempdir().expect("a folder");
        let first = chosen(folder.path())?;
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), COUNT);
        assert_eq!(chosen(folder.path())?, first);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first[3])).expect("a free port");
        assert!(!chosen(folder.path())?.contains(&first[3]));
        Ok(())
    }
}
