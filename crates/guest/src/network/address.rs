//! Addresses, prefixes and netmasks.

use std::net::{IpAddr, Ipv4Addr};

use crate::facts::{Address, Connection, Evidence, Protocol, Setting};

/// `192.0.2.1/24`, `2001:db8::1/64`, `192.0.2.1`; a zone or label behind it is left out.
pub(super) fn parse(text: &str, at: &Evidence) -> Option<Address> {
    let text = text.split_whitespace().next()?;
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix_of(prefix)?)),
        None => (text, None),
    };
    Some(Address {
        address: address.split('%').next()?.parse().ok()?,
        prefix,
        at: at.clone(),
    })
}

/// `24`, or `255.255.255.0`.
pub(super) fn prefix_of(text: &str) -> Option<u8> {
    if let Ok(mask) = text.parse::<Ipv4Addr>() {
        let bits = u32::from(mask);
        let ones = bits.leading_ones();
        let is_mask = bits.count_ones() == ones;
        return is_mask.then(|| u8::try_from(ones).ok()).flatten();
    }
    text.parse().ok().filter(|prefix| *prefix <= 128)
}

/// The protocol that an address belongs to.
pub(super) fn protocol<'a>(connection: &'a mut Connection, address: &IpAddr) -> &'a mut Protocol {
    match address {
        IpAddr::V4(_) => &mut connection.ipv4,
        IpAddr::V6(_) => &mut connection.ipv6,
    }
}

/// Adds an address to the protocol that it belongs to.
pub(super) fn add(connection: &mut Connection, text: &str, at: &Evidence) {
    if let Some(address) = parse(text, at) {
        protocol(connection, &address.address)
            .addresses
            .push(address);
    }
}

/// Adds a gateway to the protocol that it belongs to.
pub(super) fn add_gateway(connection: &mut Connection, setting: &Setting) {
    if let Some(address) = parse(&setting.value, &setting.at) {
        protocol(connection, &address.address)
            .gateways
            .push(setting.clone());
    }
}

/// Whether a route's destination is everything.
pub(super) fn is_default(destination: &str) -> bool {
    matches!(
        destination,
        "default" | "0.0.0.0/0" | "::/0" | "0/0" | "0.0.0.0" | "::"
    )
}

pub(super) fn exercise(text: &str) {
    for line in text.lines().take(64) {
        parse(line, &Evidence::path("/x"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_prefixes_and_masks() {
        let at = Evidence::path("/x");
        let check = |text: &str, address: &str, prefix| {
            let found = parse(text, &at).unwrap();
            assert_eq!(
                (found.address.to_string().as_str(), found.prefix),
                (address, prefix)
            );
        };
        check("192.0.2.1/24 label x", "192.0.2.1", Some(24));
        check("192.0.2.1/255.255.254.0", "192.0.2.1", Some(23));
        check("fe80::1%eth0/64", "fe80::1", Some(64));
        check("192.0.2.1", "192.0.2.1", None);
        for text in ["", "192.0.2.1/999", "192.0.2.1/255.0.255.0", "$IP/24", "a"] {
            assert_eq!(parse(text, &at), None, "{text}");
        }
        assert_eq!(prefix_of("0.0.0.0"), Some(0));
        assert_eq!(prefix_of("255.255.255.255"), Some(32));
    }
}
