//! Which addresses a page may be fetched from: the public ones, and where the operator named a server with its
//! port, private ones. A server in the house's own network would otherwise answer whoever can make an agent ask.
//!
//! The ranges are those of IANA's registries of special-purpose addresses (RFC 6890 and its updates).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{protocol::limits, server::config::hosts::Reach};

/// From a name to its addresses.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// As this machine resolves names.
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect())
    }
}

/// The addresses of a host, at most [`limits::FETCH_ADDRESSES`]; one that is an address is not asked for. An error is
/// a sentence.
pub async fn resolved(resolver: &dyn Resolver, host: &str) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Ok(vec![address]);
    }
    let mut found = resolver.addresses(host).await.unwrap_or_default();
    found.truncate(limits::FETCH_ADDRESSES);
    if found.is_empty() { Err(format!("There is no host named {host}.")) } else { Ok(found) }
}

/// For an HTTP client: whatever name is asked for, what was checked, and nothing else.
pub struct Checked(pub Vec<SocketAddr>);

impl Resolve for Checked {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(async move { Ok(addresses) })
    }
}

/// What an address is to somebody who must not get into the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anybody's.
    Public,
    /// This machine's, or its network's.
    Private,
    /// No server that an agent has business with, whatever the operator lists: link-local (where clouds keep
    /// their machines' credentials), multicast, reserved.
    Never,
}

pub fn may_reach(address: IpAddr, reach: Reach) -> bool {
    match place(address) {
        Place::Public => true,
        Place::Private => reach == Reach::Private,
        Place::Never => false,
    }
}

pub fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

/// Where clouds tell a machine its secrets, outside of the ranges that are refused anyway.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

fn place_v4(address: Ipv4Addr) -> Place {
    if METADATA_V4.contains(&address) {
        return Place::Never;
    }
    match address.octets() {
        [10 | 127, ..] | [192, 168, ..] => Place::Private,
        [172, second, ..] if (16..32).contains(&second) => Place::Private,
        // Carriers' own (CGNAT).
        [100, second, ..] if (64..128).contains(&second) => Place::Private,
        // This network; link-local; protocol assignments; documentation; 6to4 relays; benchmarks.
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => Place::Never,
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Place::Never,
        // Multicast and all that is reserved.
        [224..=255, ..] => Place::Never,
        _ => Place::Public,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    if METADATA_V6.contains(&address) {
        return Place::Never;
    }
    if address == Ipv6Addr::LOCALHOST {
        return Place::Private;
    }
    let parts = address.segments();
    let v4 = |high: u16, low: u16| place_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match parts {
        // An IPv4 address in IPv6 clothes: mapped, by NAT64, by 6to4, by ISATAP.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] if v4(high, low) != Place::Public => Place::Never,
        // Unique local.
        [0xfc00..=0xfdff, ..] => Place::Private,
        // Protocol assignments, Teredo among them; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Place::Never,
        // What is given out to the world; all else is not.
        [0x2000..=0x3fff, ..] => Place::Public,
        _ => Place::Never,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(address: &str) -> Place {
        place(address.parse().unwrap_or_else(|_| panic!("{address}")))
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "11.0.0.1",
            "126.0.0.1",
            "128.0.0.1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::8a",
            "64:ff9b::1.1.1.1",
            "::ffff:1.1.1.1",
            "2002:101:101::1",
            "2001:200::1",
            "2001:470::5efe:101:101",
        ] {
            assert_eq!(of(address), Place::Public, "{address}");
        }
    }

    #[test]
    fn the_houses_own_addresses_are_private_in_all_their_clothes() {
        for address in
            ["127.0.0.1", "127.255.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1"]
        {
            assert_eq!(of(address), Place::Private, "{address}");
            let IpAddr::V4(v4) = address.parse().unwrap() else { unreachable!() };
            for clothes in clothes(v4) {
                assert_ne!(place(clothes.into()), Place::Public, "{clothes}");
            }
        }
        for address in ["::1", "fc00::1", "fd12:3456::1"] {
            assert_eq!(of(address), Place::Private, "{address}");
        }
    }

    #[test]
    fn some_addresses_are_reached_by_nobody() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "198.18.0.1",
            "192.88.99.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "5f00::1",
            "64:ff9b:1::1",
            "::2",
            "::127.0.0.1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "4000::1",
        ] {
            assert_eq!(of(address), Place::Never, "{address}");
            assert!(!may_reach(address.parse().unwrap(), Reach::Private), "{address}");
        }
    }

    /// The IPv6 forms of an IPv4 address.
    fn clothes(v4: Ipv4Addr) -> [Ipv6Addr; 5] {
        let [high, low] = [v4.to_bits() >> 16, v4.to_bits() & 0xffff].map(|half| u16::try_from(half).unwrap());
        [
            v4.to_ipv6_mapped(),
            v4.to_ipv6_compatible(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0x470, 0, 0, 0x200, 0x5efe, high, low),
        ]
    }

    proptest! {
        #[test]
        fn no_clothes_make_an_address_public(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            if place_v4(v4) != Place::Public {
                for clothes in clothes(v4) {
                    prop_assert_ne!(place(clothes.into()), Place::Public, "{}", clothes);
                }
            }
        }

        #[test]
        fn what_the_language_knows_of_addresses_agrees(bits in any::<u32>(), six in any::<u128>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_multicast() || v4.is_unspecified();
            prop_assert!(!special || place_v4(v4) != Place::Public, "{}", v4);
            let v6 = Ipv6Addr::from_bits(six);
            let special = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified() || v6.is_unique_local()
                || v6.is_unicast_link_local();
            prop_assert!(!special || place_v6(v6) != Place::Public, "{}", v6);
            prop_assert!(place_v6(v6) != Place::Public || six >> 125 == 1 || six >> 32 == 0xffff || six >> 96 == 0x64_ff9b);
        }
    }
}
