//! Owner, permissions, attributes and times of a file that is being made.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

use detente_plan::protocol::{Moment, Owner, Xattr};
use rustix::fs::{Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::Errno;

use crate::task_error::{Doing as _, TaskError};

/// Linux, `include/uapi/linux/magic.h`: file systems that keep neither owners nor permissions.
const PLAIN: [u64; 2] = [0x4d44, 0x2011_bab0];

/// What is true of a content and not of a name: its own measure, which another content breaks.
const OF_THE_CONTENT: [&str; 2] = ["security.ima", "security.evm"];

/// What a file shall have.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) mode: u32,
    pub(super) owner: Option<Owner>,
    pub(super) modified: Option<Moment>,
    pub(super) xattrs: Vec<Xattr>,
}

/// The attributes that a file hands down to the one that takes its place.
pub(super) fn kept_xattrs(old: &[Xattr]) -> Vec<Xattr> {
    let kept = old
        .iter()
        .filter(|xattr| !OF_THE_CONTENT.contains(&&*xattr.name));
    kept.cloned().collect()
}

/// Sets all of it. Where the file system keeps neither owners nor permissions, they are let be.
///
/// # Errors
/// Whatever the kernel says.
pub(super) fn set(file: &File, wanted: &Metadata) -> Result<(), TaskError> {
    let system = rustix::fs::fstatfs(file).doing("ask for the file system")?;
    let plain = u64::try_from(system.f_type).is_ok_and(|kind| PLAIN.contains(&kind));
    if !plain {
        set_owner(file, wanted.owner)?;
        // After the owner: a change of owner takes the set-user-ID bit away.
        rustix::fs::fchmod(file, Mode::from_raw_mode(wanted.mode)).doing("set the permissions")?;
    }
    for xattr in &wanted.xattrs {
        let flags = XattrFlags::empty();
        match rustix::fs::fsetxattr(file, &*xattr.name, &xattr.value.0, flags) {
            Err(Errno::OPNOTSUPP) if plain => {}
            other => other.doing(&format!("set the attribute {}", xattr.name))?,
        }
    }
    if let Some(modified) = wanted.modified {
        set_time(file, modified)?;
    }
    Ok(())
}

fn set_owner(file: &File, owner: Option<Owner>) -> Result<(), TaskError> {
    let Some(owner) = owner else { return Ok(()) };
    let now = file.metadata().doing("look at the new file")?;
    if (now.uid(), now.gid()) == (owner.uid, owner.gid) {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    rustix::fs::fchown(file, Some(uid), Some(gid)).doing("set the owner")
}

fn set_time(file: &File, modified: Moment) -> Result<(), TaskError> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: modified.seconds,
            tv_nsec: modified.nanoseconds.min(999_999_999).into(),
        },
    };
    rustix::fs::futimens(file, &times).doing("set the time")
}
