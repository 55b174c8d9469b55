//! What an IP address is for: which of them lie on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, as the registries of special addresses have it.
///
/// An IPv6 address that carries an IPv4 address (mapped, compatible,
/// translated, 6to4, Teredo, NAT64, ISATAP) is of the class of what it carries. A
/// translator under a prefix of an operator's own cannot be told from a public
/// address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// On the public internet.
    Public,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A private network (RFC 1918), or the deprecated site-local range.
    Private,
    /// Carrier-grade NAT: `100.64.0.0/10`.
    Shared,
    /// The local link, `169.254.169.254` included.
    LinkLocal,
    /// Unique local IPv6: `fc00::/7`.
    UniqueLocal,
    /// A platform's service for its machines, outside of the other ranges.
    Metadata,
    /// Multicast.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// `0.0.0.0/8` and `::`, which systems take for this machine.
    Unspecified,
    /// For use in documents.
    Documentation,
    /// For measuring networks.
    Benchmarking,
    /// Not assigned to anyone, or to protocols.
    Reserved,
}

impl AddressClass {
    /// The class of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => of_v6(v6),
        }
    }

    /// Whether a connection may be made: public addresses always, others under
    /// a grant of private addresses, and never to more than one machine or to
    /// "any".
    #[must_use]
    pub fn is_permitted(self, private_addresses: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Multicast | Self::Broadcast | Self::Unspecified => false,
            _ => private_addresses,
        }
    }
}

fn of_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        [0, ..] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::Shared,
        [169, 254, ..] => AddressClass::LinkLocal,
        [168, 63, 129, 16] => AddressClass::Metadata,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        [224..=239, ..] => AddressClass::Multicast,
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    let carried = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // Compatible, mapped and translated.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            carried(high, low)
        }
        // NAT64 under its well-known prefix.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(high, low),
        // NAT64 under the prefix for local use.
        [0x64, 0xff9b, 1, ..] => AddressClass::Private,
        // 6to4.
        [0x2002, high, low, ..] => carried(high, low),
        // Teredo: the server as it is, the client inverted.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            match carried(!client_high, !client_low) {
                AddressClass::Public => carried(high, low),
                other => other,
            }
        }
        [0x2001, 2, 0, ..] => AddressClass::Benchmarking,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressClass::Documentation,
        [0x2001, 0..=0x1ff, ..] => AddressClass::Reserved,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfc00..=0xfdff, ..] => AddressClass::UniqueLocal,
        // ISATAP carries an address behind any prefix.
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => carried(high, low),
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}
