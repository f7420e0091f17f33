//! The addresses of a network adapter, as the guest's daemon tells them.
//!
//! | at | bytes | field |
//! |---|---|---|
//! | 0 | 256 | adapter, UTF-16 |
//! | 256 | 1 | family: 1 IPv4, 2 IPv6 |
//! | 257 | 1 | whether DHCP is on |
//! | 258 | 2048 | addresses, with semicolons between |
//! | 2306 | 2048 | masks |
//! | 4354 | 1024 | gateways |
//! | 5378 | 2048 | name servers |
//!
//! Behind a header of two bytes only: operation and pool.

use crate::ic::fields::{bytes_at, put, u8_at};

use super::value::{Rule, decode_text, encode_text};

pub(super) const IP_BYTES: usize = 7426;
const ADAPTER: (usize, usize) = (0, 256);
const FAMILY_AT: usize = 256;
const DHCP_AT: usize = 257;
const ADDRESSES: (usize, usize) = (258, 2048);
const MASKS: (usize, usize) = (2306, 2048);
const GATEWAYS: (usize, usize) = (4354, 1024);
const SERVERS: (usize, usize) = (5378, 2048);

/// Names in one field; more would not fit.
const NAMES_LIMIT: usize = 512;

/// Which protocols an adapter has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family(pub u8);

impl Family {
    /// The bit of IPv4.
    pub const V4: u8 = 1;
    /// The bit of IPv6.
    pub const V6: u8 = 2;
}

/// What the guest says of an adapter. All of it is text of the guest's, and none of it checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpInfo {
    /// The protocols.
    pub family: Family,
    /// Whether it has its addresses by DHCP.
    pub dhcp: bool,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Their masks, or prefix lengths.
    pub masks: Vec<String>,
    /// Its gateways.
    pub gateways: Vec<String>,
    /// The name servers.
    pub name_servers: Vec<String>,
}

/// The question: which adapter.
pub(super) fn encode(adapter: &str) -> Result<Vec<u8>, Rule> {
    let field = "the adapter";
    if adapter.is_empty() {
        return Err(Rule::Empty { field });
    }
    let (at, limit) = ADAPTER;
    let name = encode_text(field, adapter, limit)?;
    let mut body = vec![0; IP_BYTES];
    put(&mut body, at, &name);
    put(&mut body, FAMILY_AT, &[Family::V4 | Family::V6]);
    Ok(body)
}

/// The answer.
pub(super) fn decode(body: &[u8]) -> Result<IpInfo, Rule> {
    let names = |field: &'static str, (at, len): (usize, usize)| {
        let bytes = bytes_at(body, at, len).ok_or(Rule::Short)?;
        let text = decode_text(field, bytes)?;
        let names = text.split(';').filter(|name| !name.is_empty());
        Ok::<_, Rule>(names.take(NAMES_LIMIT).map(str::to_owned).collect())
    };
    Ok(IpInfo {
        family: Family(u8_at(body, FAMILY_AT).ok_or(Rule::Short)?),
        dhcp: u8_at(body, DHCP_AT).ok_or(Rule::Short)? != 0,
        addresses: names("an address", ADDRESSES)?,
        masks: names("a mask", MASKS)?,
        gateways: names("a gateway", GATEWAYS)?,
        name_servers: names("a name server", SERVERS)?,
    })
}
