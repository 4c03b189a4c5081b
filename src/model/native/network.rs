//! Addresses of networks.

use std::net::IpAddr;

/// Returns true for an address with an optional prefix length.
pub(super) fn is_address(text: &str) -> bool {
    parse(text).is_some()
}

/// Returns true for an address whose bits after the prefix are zero.
pub(super) fn is_network(text: &str) -> bool {
    parse(text).is_some_and(|(address, prefix)| {
        let (bits, width) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let rest = width - prefix;
        rest == 0 || bits.trailing_zeros().min(width) >= rest
    })
}

fn parse(text: &str) -> Option<(IpAddr, u32)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) if prefix.bytes().all(|digit| digit.is_ascii_digit()) => prefix.parse().ok()?,
        Some(_) => return None,
        None => width,
    };
    (prefix <= width).then_some((address, prefix))
}

/// Returns true for this number of bytes as pairs of hexadecimal digits, between colons or hyphens.
pub(super) fn is_mac_address(text: &str, bytes: usize) -> bool {
    let separator = if text.contains('-') { '-' } else { ':' };
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
    text.split(separator).count() == bytes && text.split(separator).all(is_byte)
}
