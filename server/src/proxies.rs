//! Whom a connection is from, where something stands in between: what a proxy says is believed of those that the configuration names.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use serde::Deserialize;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Networks whose word for somebody else's address is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TrustedProxies(Vec<IpNet>);

/// A text is no list of networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no network: expected something like 10.0.0.0/8 or 192.0.2.7, several separated by commas")]
pub struct InvalidNetwork(String);

impl TrustedProxies {
    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Who asks, of a connection from `peer`: the last one in front of the proxies that are trusted. What stands before it anybody can have
    /// written.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let values: Vec<&str> = headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
        let mut known = peer;
        for said in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            if !self.trust(known) {
                break;
            }
            let Some(address) = address(said.trim()) else { break };
            known = address;
        }
        known
    }
}

/// An address, as proxies write it: some with the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let network = |text: &str| {
            let network = text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)));
            network.ok_or_else(|| InvalidNetwork(text.to_owned()))
        };
        let given = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        Ok(Self(given.map(network).collect::<Result<_, _>>()?))
    }
}

impl TryFrom<String> for TrustedProxies {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, said: &[&str]) -> String {
        let pairs = said.iter().map(|value| (FORWARDED_FOR.clone(), value.parse().unwrap()));
        proxies.parse::<TrustedProxies>().unwrap().client(peer.parse().unwrap(), &pairs.collect()).to_string()
    }

    #[test]
    fn nobody_but_a_trusted_proxy_says_whom_it_speaks_for() {
        assert_eq!(client("", "10.0.0.1", &["192.0.2.9"]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "198.51.100.7", &["192.0.2.9"]), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_stands_before_the_last_one_that_is_not_trusted_was_written_by_anybody() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["203.0.113.1, 192.0.2.9"]), "192.0.2.9");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["203.0.113.1", "192.0.2.9, 10.0.0.2"]), "192.0.2.9");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["nonsense, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (said, read) in [("192.0.2.9:4711", "192.0.2.9"), ("[2001:db8::1]:443", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1")] {
            assert_eq!(client("::1, 127.0.0.1", "::1", &[said]), read);
        }
        assert_eq!(client("127.0.0.1", "::ffff:127.0.0.1", &["192.0.2.9"]), "192.0.2.9");
        for wrong in ["proxy", "10.0.0.0/33", "10.0.0"] {
            assert!(wrong.parse::<TrustedProxies>().is_err(), "{wrong}");
        }
    }
}
