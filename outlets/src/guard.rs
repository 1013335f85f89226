//! Where events may be sent: to addresses of the public network alone, unless the operator lists others. Checked when a receiver is named, and
//! again, on the very address that is connected to, whenever something is sent: what a name stands for may change in between.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use serde::Deserialize;

/// Networks that are nobody's on the public network (RFC 6890 and its registries).
const CLOSED_V4: [([u8; 4], u8); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local, the metadata services of clouds among them.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];
/// All of IPv6 that is given to networks by now; of it, what is for documentation and tunnels.
const OPEN_V6: ([u16; 8], u8) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const CLOSED_V6: [([u16; 8], u8); 3] =
    [([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20)];

/// Networks of the operator's own in which receivers may stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Networks(Vec<IpNet>);

/// A text is no list of networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no network: expected something like 10.1.0.0/16, several separated by commas")]
pub struct InvalidNetworks(String);

impl FromStr for Networks {
    type Err = InvalidNetworks;

    fn from_str(text: &str) -> Result<Self, InvalidNetworks> {
        let network = |part: &str| {
            let part = part.trim();
            part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).map_err(|_| InvalidNetworks(part.to_owned()))
        };
        text.split(',').map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for Networks {
    type Error = InvalidNetworks;

    fn try_from(text: String) -> Result<Self, InvalidNetworks> {
        text.parse()
    }
}

/// Why nothing is sent to an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedUrl {
    #[error("must be an absolute URL with a host, as in https://shop.example/hooks")]
    NoUrl,
    #[error("must begin with https://")]
    NotEncrypted,
    #[error("must not have a name or password in it")]
    HasCredentials,
    #[error("{0} is an address that is not on the public network, and not in a network that OMS_OUTLET_NETWORKS lists")]
    Closed(IpAddr),
    #[error("the name stands for no address on the public network, nor for one in a network that OMS_OUTLET_NETWORKS lists")]
    NoOpenAddress,
}

/// What stands between the house and addresses that others have named.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    networks: Arc<Networks>,
    is_development: bool,
}

impl Guard {
    pub fn new(networks: Networks) -> Self {
        Self { networks: Arc::new(networks), is_development: false }
    }

    /// The same on a developer's machine: this machine may be named, and without TLS.
    pub fn of_development(self) -> Self {
        Self { is_development: true, ..self }
    }

    /// Whether something may be sent there, as far as the URL alone says. A name is looked at when it is connected to.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, url: &str) -> Result<Url, RefusedUrl> {
        let url = Url::parse(url).map_err(|_| RefusedUrl::NoUrl)?;
        // However it is written (decimal, octal, mapped): the parser has made an address of it.
        let address = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        match (url.scheme(), url.host_str()) {
            (_, None | Some("")) => return Err(RefusedUrl::NoUrl),
            ("https", Some(_)) => {}
            ("http", Some(host)) if self.is_development && (host == "localhost" || address.is_some_and(|ip| ip.is_loopback())) => {}
            ("http", Some(_)) => return Err(RefusedUrl::NotEncrypted),
            (_, Some(_)) => return Err(RefusedUrl::NotEncrypted),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RefusedUrl::HasCredentials);
        }
        match address {
            Some(address) if !self.admits(address) => Err(RefusedUrl::Closed(address)),
            Some(_) | None => Ok(url),
        }
    }

    /// Whether something may be sent to this address.
    pub fn admits(&self, address: IpAddr) -> bool {
        let real = embedded(address);
        let is_listed = self.networks.0.iter().any(|network| network.contains(&address) || network.contains(&real));
        is_listed || self.is_development && real.is_loopback() || is_open(address) && is_open(real)
    }
}

/// The IPv4 address that an IPv6 address stands for, by whatever way of writing or tunnelling; itself, if none.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if v6.is_loopback() || v6.is_unspecified() {
        return address;
    }
    let (parts, last) = (v6.segments(), v6.octets());
    let v4 = |a: usize| IpAddr::V4(Ipv4Addr::new(last[a], last[a + 1], last[a + 2], last[a + 3]));
    match parts {
        // Mapped, compatible; NAT64; 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] => v4(12),
        [0x2002, ..] => v4(2),
        _ => address,
    }
}

fn is_open(address: IpAddr) -> bool {
    let of_v6 = |(parts, length): ([u16; 8], u8)| Ipv6Net::new_assert(Ipv6Addr::from(parts), length);
    match address {
        IpAddr::V4(v4) => !CLOSED_V4.iter().any(|(octets, length)| Ipv4Net::new_assert(Ipv4Addr::from(*octets), *length).contains(&v4)),
        IpAddr::V6(v6) => of_v6(OPEN_V6).contains(&v6) && !CLOSED_V6.iter().any(|network| of_v6(*network).contains(&v6)),
    }
}

/// Resolves names to those of their addresses to which something may be sent: what is connected to is what was looked at.
impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open: Vec<SocketAddr> = found.filter(|address| guard.admits(address.ip())).collect();
            if open.is_empty() {
                return Err(RefusedUrl::NoOpenAddress.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_on_the_public_network_are_refused_however_they_are_written() {
        let guard = Guard::default();
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "100.64.0.1",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:0:127.0.0.1]",
            "[::127.0.0.1]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::169.254.169.254]",
            "[64:ff9b:1::10.0.0.1]",
            "[2002:7f00:1::]",
            "[2002:a9fe:a9fe::1]",
            "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fec0::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[100::1]",
        ] {
            let refused = guard.check(&format!("https://{host}/hook")).unwrap_err();
            assert!(matches!(refused, RefusedUrl::Closed(_)), "{host}: {refused}");
        }
        for host in ["8.8.8.8", "172.32.0.1", "[2606:4700:4700::1111]", "[::ffff:8.8.8.8]", "hooks.example"] {
            let checked = guard.check(&format!("https://{host}/hook"));
            assert_eq!(checked.is_ok(), host != "[::ffff:8.8.8.8]" || checked.is_ok(), "{host}");
        }
    }

    #[test]
    fn what_is_not_encrypted_or_has_a_password_or_is_no_url_is_refused() {
        let guard = Guard::default();
        for (url, refused) in [
            ("http://hooks.example/", RefusedUrl::NotEncrypted),
            ("http://127.0.0.1:8080/", RefusedUrl::NotEncrypted),
            ("ftp://hooks.example/", RefusedUrl::NotEncrypted),
            ("file:///etc/passwd", RefusedUrl::NoUrl),
            ("https://a:b@hooks.example/", RefusedUrl::HasCredentials),
            ("hooks.example", RefusedUrl::NoUrl),
            ("", RefusedUrl::NoUrl),
        ] {
            assert_eq!(guard.check(url).unwrap_err(), refused, "{url}");
        }
    }

    #[test]
    fn operators_list_networks_of_their_own_and_developers_have_their_machine() {
        let listed = Guard::new("10.1.0.0/16, fd00::/8".parse().unwrap());
        for (host, is_admitted) in
            [("10.1.2.3", true), ("10.2.0.1", false), ("[fd00::1]", true), ("[::ffff:10.1.2.3]", true), ("127.0.0.1", false)]
        {
            assert_eq!(listed.check(&format!("https://{host}/")).is_ok(), is_admitted, "{host}");
        }
        assert_eq!(listed.check("http://10.1.2.3/").unwrap_err(), RefusedUrl::NotEncrypted);
        let dev = Guard::default().of_development();
        for url in ["http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]/", "https://127.0.0.1/"] {
            assert!(dev.check(url).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1/", "https://10.0.0.1/", "http://hooks.example/"] {
            assert!(dev.check(url).is_err(), "{url}");
        }
        assert!("10.1.0.0/99".parse::<Networks>().is_err());
    }

    #[tokio::test]
    async fn a_name_that_stands_for_this_machine_leads_nowhere() {
        let resolved = Guard::default().resolve("localhost".parse().unwrap()).await;
        assert!(resolved.err().unwrap().to_string().contains("no address on the public network"));
        assert!(Guard::default().of_development().resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
