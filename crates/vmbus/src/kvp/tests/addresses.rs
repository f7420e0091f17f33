//! The addresses of an adapter, in the layout of Linux's header: behind two bytes, so from 30 on.

use super::super::{Answer, Family, IpInfo};
use super::{LIMIT, VERSIONS, rig, text_at};
use crate::ic::Failure;
use crate::ic::linux::{Linux, poke};

const MAC: &str = "00:15:5D:DE:7E:17";
const IP: usize = 30;

fn put(bytes: &mut [u8], at: usize, text: &str) {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    poke(bytes, IP + at, &units);
}

fn ask(change: impl Fn(&mut [u8]) + 'static) -> Result<Answer, Failure> {
    let (mut rig, handle) = rig();
    let pending = handle.ip_info(MAC, rig.now() + LIMIT);
    rig.turn(&mut Linux::new(2, VERSIONS, move |_, bytes| {
        assert!(bytes.len() >= 28 + 7428, "Linux answers in the request");
        assert_eq!((bytes[28], bytes[29]), (4, 0));
        assert_eq!(text_at(bytes, IP, 256), MAC);
        bytes[IP + 256] = 1;
        bytes[IP + 257] = 1;
        put(bytes, 258, "192.0.2.7;2001:db8::7;");
        put(bytes, 2306, "255.255.255.0;64");
        put(bytes, 4354, "192.0.2.1");
        put(bytes, 5378, "");
        change(bytes);
    }));
    pending.take().expect("the guest answered")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn an_adapter_has_addresses() {
    let info = IpInfo {
        family: Family(Family::V4),
        dhcp: true,
        addresses: names(&["192.0.2.7", "2001:db8::7"]),
        masks: names(&["255.255.255.0", "64"]),
        gateways: names(&["192.0.2.1"]),
        name_servers: Vec::new(),
    };
    assert_eq!(ask(|_| {}), Ok(Answer::Ip(info)));
}

#[test]
fn an_adapter_that_is_not_there_is_said_so() {
    let unknown = |bytes: &mut [u8]| poke(bytes, 20, &0x8004_1002_u32.to_le_bytes());
    assert_eq!(ask(unknown), Ok(Answer::NotThere));
}

#[test]
fn an_address_that_is_no_text_is_malformed() {
    let spoil = |bytes: &mut [u8]| poke(bytes, IP + 258, &[0, 0xdc]);
    let rule = "an address is not UTF-16".to_owned();
    assert_eq!(ask(spoil), Err(Failure::Malformed { rule }));
}

#[test]
fn addresses_that_end_early_are_malformed() {
    let spoil = |bytes: &mut [u8]| poke(bytes, 18, &7427_u16.to_le_bytes());
    let rule = "the message is shorter than its fields".to_owned();
    assert_eq!(ask(spoil), Err(Failure::Malformed { rule }));
}

#[test]
fn an_adapter_without_a_name_is_not_asked_for() {
    let (rig, handle) = rig();
    let pending = handle.ip_info("", rig.now() + LIMIT);
    assert!(matches!(
        pending.take(),
        Some(Err(Failure::Unsayable { .. }))
    ));
    let pending = handle.ip_info(&"x".repeat(128), rig.now() + LIMIT);
    assert!(matches!(
        pending.take(),
        Some(Err(Failure::Unsayable { .. }))
    ));
}
