//! Block devices out of members.

use std::sync::Arc;

use detente_block::{BlockRead, Window};

use super::Member;
use crate::assembly::mapped::{Lay, Mapped, Part};

/// \[md\] More devices than version 1 allows, so that a list of them stays short.
const MAX_DEVICES: u32 = 1920;

/// An array.
pub(crate) struct Array {
    /// Its own name or number: `boot`, `md0`; else empty.
    pub(crate) name: String,
    pub(crate) uuid: String,
    /// md's name of its level.
    pub(crate) layout: String,
    pub(crate) len_bytes: u64,
    /// The places of members that are not here.
    pub(crate) missing: Vec<String>,
    /// Whether it was in use when it was last written to.
    pub(crate) dirty: bool,
    /// Its bytes, or why there are none.
    pub(crate) device: Result<Arc<dyn BlockRead>, String>,
}

/// Builds the array of `members`, which all carry its identity.
pub(crate) fn build(members: &[(Window, Member)]) -> Option<Array> {
    let newest = members.iter().max_by_key(|(_, member)| member.events)?;
    let newest = &newest.1;
    // [md] `super_1_validate`: what is older than the rest by more than one was left behind.
    let whole = members.iter().filter(|(_, member)| {
        member.role.is_some() && member.events.saturating_add(1) >= newest.events
    });
    let mut whole: Vec<&(Window, Member)> = whole.collect();
    whole.sort_by_key(|(_, member)| (member.role, u64::MAX.saturating_sub(member.events)));
    whole.dedup_by_key(|(_, member)| member.role);
    let here = |role: &u32| whole.iter().any(|(_, member)| member.role == Some(*role));
    let absent = (0..newest.devices.min(MAX_DEVICES)).filter(|role| !here(role));
    let missing: Vec<String> = absent
        .map(|role| format!("device {role} of {}", newest.devices))
        .collect();
    let device = device(newest, &whole, &missing);
    let size = device
        .as_ref()
        .map_or(newest.size, |device| device.len_bytes());
    Some(Array {
        name: name(newest),
        uuid: newest.uuid.clone(),
        layout: layout(newest.level),
        len_bytes: size,
        missing,
        dirty: !newest.clean,
        device: device.map(|device| -> Arc<dyn BlockRead> { Arc::new(device) }),
    })
}

/// A name of digits alone is the number of the device.
fn name(member: &Member) -> String {
    let number = member.minor.map(|minor| format!("md{minor}"));
    let digits = !member.name.is_empty() && member.name.bytes().all(|byte| byte.is_ascii_digit());
    number.unwrap_or_else(|| {
        if digits {
            format!("md{}", member.name)
        } else {
            member.name.clone()
        }
    })
}

/// \[md\] Levels below zero have no number in their name.
fn layout(level: i32) -> String {
    match level {
        -1 => "linear".to_owned(),
        -4 => "multipath".to_owned(),
        -5 => "faulty".to_owned(),
        -10 => "container".to_owned(),
        level => format!("raid{level}"),
    }
}

fn device(
    newest: &Member,
    whole: &[&(Window, Member)],
    missing: &[String],
) -> Result<Mapped, String> {
    if newest.reshaping {
        return Err("it is being changed to another layout".to_owned());
    }
    let mut device = Mapped::default();
    match newest.level {
        1 => {
            // The one that saw most; all that are left are in step.
            let leg = whole.iter().max_by_key(|(_, member)| member.events);
            let leg = leg.ok_or("none of its members is whole")?;
            push(&mut device, leg, newest.size)?;
        }
        -1 => {
            if let Some(first) = missing.first() {
                return Err(format!("{first} is not here"));
            }
            for member in whole {
                push(&mut device, member, linear_len(&member.1))?;
            }
        }
        level => return Err(format!("{} arrays are not read", layout(level))),
    }
    Ok(device)
}

/// \[md\] `linear_conf`: whole chunks of each member count.
fn linear_len(member: &Member) -> u64 {
    let (_, len) = member.data;
    let rest = len.checked_rem(member.chunk).unwrap_or(0);
    len.saturating_sub(rest)
}

fn push(device: &mut Mapped, (window, member): &(Window, Member), len: u64) -> Result<(), String> {
    let source: Arc<dyn BlockRead> = Arc::new(window.clone());
    let offset = member.data.0;
    Ok(device.push(len, Lay::Linear(Part { source, offset }))?)
}
