//! The files of the guest's key-value daemon.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use detente_plan::protocol::{KeyValuePool, KeyValues};

use crate::sysfs;

/// Linux, tools/hv/hv_kvp_daemon.c: pools 0 to 4, a file each.
const POOLS: std::ops::Range<u8> = 0..5;
const FOLDER: &str = "var/lib/hyperv";

/// Linux, include/uapi/linux/hyperv.h: a key of 512 bytes, a value of 2048, zeroes at their ends.
const KEY_BYTES: usize = 512;
const RECORD_BYTES: usize = KEY_BYTES + 2048;

/// A kernel cuts names of processes to 15 bytes; `hv_kvp_daemon` and Debian's `hv_kvp_daemon` fit.
const DAEMON: &str = "hv_kvp_daemon";

/// The longest file that is read: more pairs than any pool has.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Reads them.
pub(super) fn run(root: &Path, pool: u8, key: &str) -> KeyValues {
    let pools = POOLS.filter_map(|number| describe(root, number)).collect();
    let wanted = content(root, pool);
    let mut records = wanted.chunks_exact(RECORD_BYTES);
    let value = records.find_map(|record| {
        let (found, value) = record.split_at_checked(KEY_BYTES)?;
        (text(found) == key).then(|| text(value))
    });
    KeyValues {
        daemons: daemons(root),
        pools,
        value,
    }
}

fn file(root: &Path, pool: u8) -> std::path::PathBuf {
    root.join(FOLDER).join(format!(".kvp_pool_{pool}"))
}

fn describe(root: &Path, pool: u8) -> Option<KeyValuePool> {
    let seen = fs::metadata(file(root, pool)).ok()?;
    Some(KeyValuePool {
        pool,
        mode: seen.permissions().mode() & 0o7777,
        records: seen.len() / RECORD_BYTES as u64,
    })
}

fn content(root: &Path, pool: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(file(root, pool)) {
        // A part that could be read says what it says.
        let _ = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes);
    }
    bytes
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn daemons(root: &Path) -> u32 {
    let processes = sysfs::names(root.join("proc"), 10_000);
    let count = processes
        .iter()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|name| sysfs::text(root.join("proc").join(name).join("comm")) == DAEMON)
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(FOLDER)).unwrap();
        let process = root.path().join("proc/412");
        fs::create_dir_all(&process).unwrap();
        fs::write(process.join("comm"), "hv_kvp_daemon\n").unwrap();
        let mut record = vec![0; RECORD_BYTES];
        record[..3].copy_from_slice(b"key");
        record[KEY_BYTES..KEY_BYTES + 5].copy_from_slice(b"value");
        fs::write(file(root.path(), 0), record).unwrap();
        root
    }

    #[test]
    fn a_pair_is_found_in_its_pool() {
        let root = guest();
        let seen = run(root.path(), 0, "key");
        assert_eq!(seen.value.as_deref(), Some("value"));
        assert_eq!(seen.daemons, 1);
        assert_eq!((seen.pools.len(), seen.pools[0].records), (1, 1));
    }

    #[test]
    fn another_key_or_pool_has_no_value() {
        let root = guest();
        assert_eq!(run(root.path(), 0, "ke").value, None);
        assert_eq!(run(root.path(), 1, "key").value, None);
    }

    #[test]
    fn a_torn_file_yields_what_is_whole() {
        let root = guest();
        fs::write(file(root.path(), 0), b"key").unwrap();
        assert_eq!(run(root.path(), 0, "key").value, None);
    }
}
