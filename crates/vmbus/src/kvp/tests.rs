//! Keys and values against a driver and a daemon that behave like Linux's, and hostile ones.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests count what they have made themselves, and fail by panicking"
)]

mod addresses;
mod hostile;
mod records;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Answer, KvpHandle, Pool, new};
use crate::ic::linux::{E_FAIL, Linux, Rig, poke, u32_of};
use crate::ic::{Failure, Pending};

const LIMIT: Duration = Duration::from_secs(60);
const VERSIONS: &[[u16; 2]] = &[[4, 0], [3, 0], [1, 0]];

/// The pools of the daemon: in each, keys and values in order.
type Pools = Arc<Mutex<BTreeMap<u8, Vec<(String, String)>>>>;

fn rig() -> (Rig, KvpHandle) {
    let (device, handle) = new();
    (Rig::new(device), handle)
}

/// Text as Linux's `utf16s_to_utf8s` reads it: up to the first zero.
fn text_at(bytes: &[u8], at: usize, len: usize) -> String {
    let units = bytes[at..at + len].chunks(2);
    let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    String::from_utf16(&units.take_while(|unit| *unit != 0).collect::<Vec<_>>()).unwrap()
}

/// Text and its size as the driver fills them in.
fn put_text(bytes: &mut [u8], size_at: usize, at: usize, text: &str) {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    poke(bytes, at, &units);
    poke(bytes, at + units.len(), &[0, 0]);
    let size = u32::try_from(units.len() + 2).unwrap();
    poke(bytes, size_at, &size.to_le_bytes());
}

/// Linux's driver and daemon: operation at 28, pool at 29, record from 32 (enumerate: from 36).
fn linux(pools: &Pools) -> Linux {
    let pools = Arc::clone(pools);
    Linux::new(2, VERSIONS, move |_, bytes| {
        let mut pools = pools.lock().unwrap();
        let pool = pools.entry(bytes[29]).or_default();
        if !serve(pool, bytes) {
            poke(bytes, 20, &0x8007_0103_u32.to_le_bytes());
        }
    })
}

fn serve(pool: &mut Vec<(String, String)>, bytes: &mut [u8]) -> bool {
    match bytes[28] {
        0 => {
            let key = text_at(bytes, 44, 512);
            if !pool.iter().any(|record| record.0 == key) {
                return false;
            }
            // The real daemon leaves the value empty, and the driver calls it text.
            poke(bytes, 32, &[1, 0, 0, 0]);
            put_text(bytes, 40, 556, "");
        }
        1 => {
            let key = text_at(bytes, 44, 512);
            let value = match u32_of(bytes, 32) {
                1 => text_at(bytes, 556, 2048),
                4 => u32_of(bytes, 556).to_string(),
                8 => u64::from_le_bytes(bytes[556..564].try_into().unwrap()).to_string(),
                other => panic!("Linux keeps nothing of type {other}"),
            };
            pool.retain(|record| record.0 != key);
            pool.push((key, value));
        }
        2 => {
            let key = text_at(bytes, 36, 512);
            let before = pool.len();
            pool.retain(|record| record.0 != key);
            return pool.len() < before;
        }
        3 => {
            let index = usize::try_from(u32_of(bytes, 32)).unwrap();
            let Some((key, value)) = pool.get(index) else {
                return false;
            };
            poke(bytes, 36, &[1, 0, 0, 0]);
            put_text(bytes, 40, 48, key);
            put_text(bytes, 44, 560, value);
        }
        other => panic!("the daemon does not know operation {other}"),
    }
    true
}

/// One request to a daemon with these pools.
fn ask(pools: &Pools, request: impl FnOnce(&KvpHandle, Duration) -> Pending<Answer>) -> Answered {
    let (mut rig, handle) = rig();
    let pending = request(&handle, rig.now() + LIMIT);
    rig.turn(&mut linux(pools));
    pending.take().expect("the daemon answers")
}

type Answered = Result<Answer, Failure>;

fn pools(pool: u8, records: &[(&str, &str)]) -> Pools {
    let records = records.iter();
    let records = records.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Arc::new(Mutex::new(BTreeMap::from([(pool, records.collect())])))
}

#[test]
fn a_daemon_that_comes_late_is_in_time_for_a_patient_owner() {
    let (mut rig, handle) = rig();
    let pending = handle.at(Pool::Auto, 0, rig.now() + 2 * LIMIT);
    rig.guest.advance(Duration::from_secs(55));
    assert_eq!(pending.take(), None);
    rig.turn(&mut linux(&Pools::default()));
    assert_eq!(pending.take(), Some(Ok(Answer::NotThere)));
}

#[test]
fn a_daemon_that_hangs_ends_a_request_by_linuxs_time_or_by_ours() {
    let (mut rig, handle) = rig();
    let hang = |_: [u16; 2], bytes: &mut [u8]| poke(bytes, 20, &E_FAIL.to_le_bytes());
    let mut linux = Linux::new(2, VERSIONS, hang);
    rig.turn(&mut linux);
    let refused = handle.at(Pool::Auto, 0, rig.now() + LIMIT);
    rig.turn(&mut linux);
    let status = E_FAIL;
    assert_eq!(refused.take(), Some(Err(Failure::Refused { status })));
    let unanswered = handle.at(Pool::Auto, 0, rig.now() + LIMIT);
    assert_eq!(rig.asked().len(), 1);
    rig.guest.advance(LIMIT);
    assert_eq!(unanswered.take(), Some(Err(Failure::NoAnswer)));
}

#[test]
fn old_guests_speak_older_versions() {
    for version in [[3, 0], [1, 0]] {
        let (mut rig, handle) = rig();
        let mut linux = linux(&pools(2, &[("OSName", "Linux")]));
        linux.versions = vec![version];
        let pending = handle.get_directly(Pool::Auto, "OSName", rig.now() + LIMIT);
        rig.turn(&mut linux);
        assert!(matches!(pending.take(), Some(Ok(Answer::Value(_)))));
    }
}
