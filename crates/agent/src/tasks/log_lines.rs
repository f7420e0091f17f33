//! A single line of the kernel's log.

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

/// `CONSOLE_EXT_LOG_MAX`: a record is never longer.
const RECORD_BYTES: usize = 8192;

/// A log buffer of 16 MiB holds no more.
const MAX_RECORDS: usize = 1_000_000;

/// What follows `words` in the first record that has them; `None` if the record is not there, or
/// not any more, or the log cannot be read.
pub(super) fn behind(words: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let log = rustix::fs::openat(CWD, "/dev/kmsg", flags, Mode::empty()).ok()?;
    let mut buffer = [0; RECORD_BYTES];
    for _ in 0..MAX_RECORDS {
        match rustix::io::read(&log, &mut buffer) {
            Ok(0) => return None,
            Ok(count) => {
                let found = rest(buffer.get(..count).unwrap_or_default(), words);
                if found.is_some() {
                    return found;
                }
            }
            // The records that we were about to read have been overwritten; the next read goes on.
            Err(Errno::PIPE | Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Of `level,sequence,time,flags;text`, then lines of key and value
/// (Documentation/ABI/testing/dev-kmsg): what follows the words in the text of a record of the
/// kernel's own.
fn rest(record: &[u8], words: &str) -> Option<String> {
    let record = String::from_utf8_lossy(record);
    let (fields, text) = record.split_once(';')?;
    let priority: u32 = fields.split(',').next()?.parse().ok()?;
    // The facility stands above the three bits of the level; 0 is the kernel.
    if priority >> 3 != 0 {
        return None;
    }
    let (_, rest) = text.lines().next()?.split_once(words)?;
    Some(rest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::rest;

    #[test]
    fn the_rest_of_the_kernels_line_is_found() {
        let record = b"6,310,1,-;hv_vmbus: Vmbus version:5.3\n SUBSYSTEM=acpi\n";
        assert_eq!(rest(record, "Vmbus version:").as_deref(), Some("5.3"));
    }

    #[test]
    fn what_a_process_writes_is_not_the_kernels() {
        let record = b"14,310,1,-;Vmbus version:5.3\n";
        assert_eq!(rest(record, "Vmbus version:"), None);
        assert_eq!(rest(b"torn", "torn"), None);
    }
}
