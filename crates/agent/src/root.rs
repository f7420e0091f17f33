//! The kernel's part, done by process 1: mounting the root of a guest that has no initramfs.
//!
//! With our archive there is an initramfs, so the kernel leaves the root to us. What it would
//! have done stands in Linux, `init/do_mounts.c` (`prepare_namespace`, `mount_block_root`).

mod device;
mod error;
mod mount;
mod table;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::{RootMount, RootWait};

use device::{Block, RootName};
pub(crate) use error::RootError;

/// What stands for the kernel's waiting until its drivers have looked at every device, which
/// nobody can do from outside of it.
const PROBES: Duration = Duration::from_secs(30);
/// How often the devices are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Where process 1 keeps what it needs for a moment.
const SYS: &str = "/.detente/sys";
const PROC: &str = "/.detente/proc";

/// Mounts the root and makes it the root of this process.
///
/// # Errors
/// Why the kernel would have stopped here.
pub(crate) fn enter(root: &RootMount) -> Result<(), RootError> {
    let name = RootName::parse(&root.device)?;
    mount::views(&[("sysfs", SYS), ("proc", PROC)])?;
    sleep(Duration::from_secs(root.delay_s.into()));
    let block = wait_for(&name, root)?;
    let known = fs::read_to_string(format!("{PROC}/filesystems")).unwrap_or_default();
    mount::root(block, &mount::kinds(root, &known), root)?;
    mount::forget(&[SYS, PROC]);
    mount::enter(root.devtmpfs)
}

/// Waits for the device as long as the kernel would.
fn wait_for(name: &RootName, root: &RootMount) -> Result<Block, RootError> {
    let limit = match root.wait {
        RootWait::Probes => Some(PROBES),
        RootWait::Seconds(seconds) => Some(Duration::from_secs(seconds.into())),
        RootWait::Forever => None,
    };
    let started = Instant::now();
    loop {
        let disks = device::disks(Path::new(SYS));
        if let Some(block) = device::find(name, &disks, &mount::partition_table) {
            return Ok(block);
        }
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Err(RootError::NotFound {
                device: root.device.clone(),
                waited_s: started.elapsed().as_secs(),
                there: device::names(&disks),
            });
        }
        sleep(TICK);
    }
}
