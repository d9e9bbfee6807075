//! An address or a network of them, as `MAGPIE_TRUSTED_PROXIES` lists them.

use std::{net::IpAddr, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Leading bits that are the network's.
    prefix: u32,
}

impl Network {
    /// Whether the address is of this network; `::ffff:10.0.0.1` counts as `10.0.0.1`.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let (ours, bits) = bits(self.address);
        let (theirs, their_bits) = self::bits(address);
        let differing = (ours ^ theirs).checked_shr(bits - self.prefix).unwrap_or(0);
        bits == their_bits && differing == 0
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

impl FromStr for Network {
    type Err = ();

    /// `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| ())?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| ())?;
        let (_, bits) = bits(address);
        let prefix = prefix.unwrap_or(bits);
        if prefix <= bits { Ok(Self { address, prefix }) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_alone() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), inside, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in ["", "proxy", "10.0.0.0/33", "::1/129", "10.0.0.0/x", "10.0.0/8"] {
            assert_eq!(bad.parse::<Network>(), Err(()), "{bad:?}");
        }
    }
}
