//! Which addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// IPv4 networks that are not public, after IANA's special-purpose registry (RFC 6890 and later).
const IPV4: [(Ipv4Addr, u32, &str); 17] = [
    (Ipv4Addr::UNSPECIFIED, 8, "an address of this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "a shared address"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
    // Answers on every machine of the Azure cloud, from within only.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "a cloud's own address"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "a reserved address"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "a documentation address"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a 6to4 relay's address"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "a benchmarking address"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "a documentation address"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "a documentation address"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    (Ipv4Addr::BROADCAST, 32, "the broadcast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved address"),
];

/// The IPv6 networks that are not public, likewise. What is outside of `2000::/3` and not named here
/// is refused too.
const IPV6: [(Ipv6Addr, u32, &str); 14] = [
    (Ipv6Addr::UNSPECIFIED, 128, "the unspecified address"),
    (Ipv6Addr::LOCALHOST, 128, "the loopback address"),
    (Ipv6Addr::UNSPECIFIED, 96, "an IPv4-compatible address"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "a local NAT64 address"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "a discard address"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "a Teredo address"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "an address of a protocol's own"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "a documentation address"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "a 6to4 address"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "a documentation address"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "a private address"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "a link-local address"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "a site-local address"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "a multicast address"),
];

/// An IPv4-mapped address (`::ffff:a.b.c.d`) as the IPv4 address that a connection to it goes to.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// What speaks against a connection to an address, such as "a private address"; nothing where it is
/// public or in one of the networks that are allowed.
///
/// An IPv4 network that is allowed is so in no other guise than the mapped one: an address of NAT64
/// that leads there is refused.
pub(super) fn objection(address: IpAddr, allow: &[IpNet]) -> Option<&'static str> {
    let address = plain(address);
    if allow.iter().any(|network| network.contains(&address)) {
        return None;
    }
    match address {
        IpAddr::V4(v4) => ipv4_objection(v4),
        IpAddr::V6(v6) => ipv6_objection(v6),
    }
}

fn ipv4_objection(address: Ipv4Addr) -> Option<&'static str> {
    let named = IPV4.iter().find(|(network, prefix, _)| {
        (address.to_bits() ^ network.to_bits()).leading_zeros() >= *prefix
    });
    named.map(|(_, _, kind)| *kind)
}

fn ipv6_objection(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let last = Ipv4Addr::from_bits(address.to_bits() as u32);
    // The well-known prefix of NAT64 is how a host that has IPv6 only reaches public IPv4 receivers.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return ipv4_objection(last).map(|_| "the NAT64 form of an address that is not public");
    }
    let named = IPV6.iter().find(|(network, prefix, _)| {
        (address.to_bits() ^ network.to_bits()).leading_zeros() >= *prefix
    });
    if let Some((_, _, kind)) = named {
        return Some(kind);
    }
    if segments[0] & 0xe000 != 0x2000 {
        return Some("an address that is not global");
    }
    // ISATAP (RFC 5214) carries an IPv4 address under any prefix.
    if segments[4] & !0x200 == 0 && segments[5] == 0x5efe {
        return ipv4_objection(last).map(|_| "the ISATAP form of an address that is not public");
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(text: &str) -> Option<&'static str> {
        objection(text.parse().unwrap(), &[])
    }

    #[test]
    fn every_forbidden_form_is_refused_and_its_neighbours_are_not() {
        // First and last of each network; then the nearest public ones on both sides, if any.
        let table: &[(&[&str], &[&str])] = &[
            (&["0.0.0.0", "0.255.255.255"], &["1.0.0.0"]),
            (&["10.0.0.0", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]),
            (&["100.64.0.0", "100.127.255.255"], &["100.63.255.255", "100.128.0.0"]),
            (&["127.0.0.0", "127.0.0.1", "127.255.255.255"], &["126.255.255.255", "128.0.0.0"]),
            (&["168.63.129.16"], &["168.63.129.15", "168.63.129.17"]),
            (
                &["169.254.0.0", "169.254.169.254", "169.254.255.255"],
                &["169.253.255.255", "169.255.0.0"],
            ),
            (&["172.16.0.0", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
            (&["192.0.0.0", "192.0.0.192", "192.0.0.255"], &["191.255.255.255", "192.0.1.0"]),
            (&["192.0.2.0", "192.0.2.255"], &["192.0.1.255", "192.0.3.0"]),
            (&["192.88.99.0", "192.88.99.255"], &["192.88.98.255", "192.88.100.0"]),
            (&["192.168.0.0", "192.168.255.255"], &["192.167.255.255", "192.169.0.0"]),
            (&["198.18.0.0", "198.19.255.255"], &["198.17.255.255", "198.20.0.0"]),
            (&["198.51.100.0", "198.51.100.255"], &["198.51.99.255", "198.51.101.0"]),
            (&["203.0.113.0", "203.0.113.255"], &["203.0.112.255", "203.0.114.0"]),
            (&["224.0.0.0", "239.255.255.255", "240.0.0.0"], &["223.255.255.255"]),
            (&["255.255.255.254", "255.255.255.255"], &[]),
            (&["::", "::1", "::2", "::7f00:1", "::ffff:ffff", "::808:808"], &[]),
            (
                &[
                    "::ffff:127.0.0.1",
                    "::ffff:10.0.0.1",
                    "::ffff:169.254.169.254",
                    "::ffff:0.0.0.0",
                    "::ffff:c0a8:101",
                    "::ffff:100.64.0.1",
                    "::ffff:224.0.0.1",
                    "::ffff:255.255.255.255",
                ],
                &["::ffff:8.8.8.8", "::ffff:101:101"],
            ),
            (&["::fffe:808:808", "::1:0:0:808:808", "0:0:0:0:ffff:0:808:808"], &[]),
            (
                &["64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::169.254.169.254", "64:ff9b::"],
                &["64:ff9b::8.8.8.8"],
            ),
            (&["64:ff9b:1::", "64:ff9b:1::808:808", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"], &[]),
            (&["64:ff9b:0:0:0:1:808:808", "64:ff9b:2::808:808", "64:ff9a::1"], &[]),
            (&["100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::"], &[]),
            (&["200::1", "400::1", "1fff:ffff::1", "4000::1", "5f00::1", "8000::1"], &["2000::1"]),
            (
                &[
                    "2001::",
                    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                    "2001:1::1",
                    "2001:2::1",
                    "2001:10::1",
                    "2001:20::1",
                    "2001:1ff:ffff::1",
                ],
                &["2001:200::1", "2001:4860:4860::8888"],
            ),
            (&["2001:db8::", "2001:db8:ffff:ffff::1"], &["2001:db7:ffff::1", "2001:db9::1"]),
            (
                &["2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1", "2002:808:808::1"],
                &["2003::1", "2600::1"],
            ),
            (&["3fff::", "3fff:fff:ffff::1"], &["3fff:1000::1", "3ffe::1"]),
            (&["fc00::", "fd00:ec2::254", "fdff:ffff::1", "fbff::1", "fe00::1"], &[]),
            (&["fe80::1", "febf:ffff::1", "fec0::1", "feff:ffff::1"], &[]),
            (&["ff00::", "ff02::1", "ff0e::1", "ffff:ffff::1"], &[]),
            (
                &["2600::5efe:7f00:1", "2600::200:5efe:a00:1", "2600:1:2:3:0:5efe:c0a8:1"],
                &["2600::5efe:808:808", "2600::1:5efe:7f00:1", "2600::7f00:1"],
            ),
        ];
        for (forbidden, public) in table {
            for address in *forbidden {
                assert!(judged(address).is_some(), "{address} is let through");
            }
            for address in *public {
                assert_eq!(judged(address), None, "{address} is refused");
            }
        }
    }

    #[test]
    fn what_is_allowed_is_so_in_its_plain_form_and_the_mapped_one_only() {
        let allow = ["127.0.0.0/8", "fd00::/16"].map(|network| network.parse().unwrap());
        for address in ["127.0.0.1", "::ffff:127.0.0.1", "fd00::1", "8.8.8.8"] {
            assert_eq!(objection(address.parse().unwrap(), &allow), None, "{address}");
        }
        for address in
            ["::1", "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "fd01::1", "10.0.0.1"]
        {
            assert!(objection(address.parse().unwrap(), &allow).is_some(), "{address}");
        }
        // All of IPv6 is not all of IPv4.
        let everything = ["::/0".parse().unwrap()];
        assert!(objection("::ffff:127.0.0.1".parse().unwrap(), &everything).is_some());
        assert_eq!(objection("::1".parse().unwrap(), &everything), None);
    }

    proptest! {
        #[test]
        fn a_forbidden_ipv4_address_is_refused_in_every_form(
            network in 0..IPV4.len(), low in any::<u32>(), prefix in any::<u64>(), bit in any::<bool>(),
        ) {
            let (network, length, _) = IPV4[network];
            let v4 = Ipv4Addr::from_bits(network.to_bits() | low.checked_shr(length).unwrap_or(0));
            let bits = u128::from(v4.to_bits());
            let isatap = if bit { 0x5efe_u128 << 32 } else { 0x0200_5efe_u128 << 32 };
            let forms = [
                v4.to_ipv6_mapped().to_bits(),
                v4.to_ipv6_compatible().to_bits(),
                (0x64_ff9b_u128 << 96) | bits,
                (0x64_ff9b_0001_u128 << 80) | (u128::from(prefix as u16) << 32) | bits,
                (0x2002_u128 << 112) | (bits << 80) | u128::from(prefix),
                // Teredo, whose IPv4 address is inverted.
                (0x2001_u128 << 112) | (u128::from(prefix) << 32) | (bits ^ 0xffff_ffff),
                (u128::from(prefix) << 64) | isatap | bits,
            ];
            prop_assert!(objection(IpAddr::V4(v4), &[]).is_some());
            for address in forms {
                let address = Ipv6Addr::from_bits(address);
                prop_assert!(objection(IpAddr::V6(address), &[]).is_some(), "{}", address);
            }
        }

        #[test]
        fn a_public_ipv4_address_is_public_mapped_and_behind_nat64(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let nat64 = Ipv6Addr::from_bits((0x64_ff9b_u128 << 96) | u128::from(bits));
            let public = objection(IpAddr::V4(v4), &[]).is_none();
            prop_assert_eq!(objection(IpAddr::V6(v4.to_ipv6_mapped()), &[]).is_none(), public);
            prop_assert_eq!(objection(IpAddr::V6(nat64), &[]).is_none(), public);
        }
    }
}
