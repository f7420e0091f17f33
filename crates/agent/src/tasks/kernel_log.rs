//! The kernel's log, from its beginning.

use detente_plan::protocol::{KernelLog, KernelRecord};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::Limits;
use crate::task_error::{Doing as _, TaskError};

/// `CONSOLE_EXT_LOG_MAX`: a record is never longer.
const RECORD_BYTES: usize = 8192;
/// A log buffer of 16 MiB holds no more.
const MAX_RECORDS: u64 = 1_000_000;
/// The names of a record's fields in JSON.
const FIELD_BYTES: usize = 96;

/// Reads what is there now.
pub(super) fn run(max_level: u8, limits: &Limits) -> Result<KernelLog, TaskError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let log = rustix::fs::openat(CWD, "/dev/kmsg", flags, Mode::empty()).doing("open /dev/kmsg")?;
    let mut buffer = [0; RECORD_BYTES];
    let mut sieve = Sieve::new(max_level, limits.output_bytes);
    while sieve.log.seen < MAX_RECORDS {
        match rustix::io::read(&log, &mut buffer) {
            Ok(0) | Err(Errno::AGAIN) => break,
            Ok(bytes) => sieve.take(buffer.get(..bytes).unwrap_or_default()),
            // The records that we were about to read have been overwritten; the next read goes on.
            Err(Errno::PIPE) => sieve.log.truncated = true,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error).doing("read /dev/kmsg"),
        }
    }
    Ok(sieve.log)
}

/// Keeps the records that matter, as long as there is room.
struct Sieve {
    max_level: u8,
    room: usize,
    log: KernelLog,
}

impl Sieve {
    fn new(max_level: u8, output_bytes: usize) -> Self {
        let log = KernelLog {
            records: Vec::new(),
            seen: 0,
            truncated: false,
        };
        Self {
            max_level,
            room: output_bytes.saturating_sub(1024),
            log,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let Some((sequence, record)) = parse(bytes) else {
            return;
        };
        // The first record that is left is not the first that was written.
        self.log.truncated |= self.log.seen == 0 && sequence != 0;
        self.log.seen = self.log.seen.saturating_add(1);
        if record.level > self.max_level {
            return;
        }
        let json = serde_json::to_string(&record.text).map_or(usize::MAX, |text| text.len());
        match self.room.checked_sub(json.saturating_add(FIELD_BYTES)) {
            Some(room) => {
                self.room = room;
                self.log.records.push(record);
            }
            None => self.log.truncated = true,
        }
    }
}

/// `level+facility,sequence,time,flags[,…];text`, then lines of key and value
/// (Documentation/ABI/testing/dev-kmsg).
fn parse(bytes: &[u8]) -> Option<(u64, KernelRecord)> {
    let whole = String::from_utf8_lossy(bytes);
    let (prefix, rest) = whole.split_once(';')?;
    let mut fields = prefix.split(',');
    let priority: u16 = fields.next()?.parse().ok()?;
    let sequence = fields.next()?.parse().ok()?;
    let time_us = fields.next()?.parse().ok()?;
    let text = rest.lines().next().unwrap_or_default().to_owned();
    let level = u8::try_from(priority & 7).ok()?;
    let facility = u8::try_from(priority >> 3).ok()?;
    Some((
        sequence,
        KernelRecord {
            level,
            facility,
            time_us,
            text,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::{Sieve, parse};

    const SAMPLE: &[u8] = b"6,339,5140900,-;NET: Registered protocol family 10\n";

    #[test]
    fn a_record_of_the_kernel_is_read() {
        // The first two samples of Documentation/ABI/testing/dev-kmsg.
        let (sequence, record) = parse(SAMPLE).unwrap();
        assert_eq!((sequence, record.level, record.facility), (339, 6, 0));
        assert_eq!(
            (record.time_us, &*record.text),
            (5_140_900, "NET: Registered protocol family 10")
        );
        let (_, record) = parse(b"30,340,5690716,-;udevd[80]: starting version 181\n").unwrap();
        assert_eq!((record.level, record.facility), (6, 3));
    }

    #[test]
    fn continuation_lines_are_left_out() {
        let text = b"4,1,2,-;usb: odd; device\n SUBSYSTEM=usb\n DEVICE=c189:1\n";
        assert_eq!(parse(text).unwrap().1.text, "usb: odd; device");
    }

    #[test]
    fn a_spoiled_prefix_is_no_record() {
        for text in [
            "",
            "6,339,514",
            "x,1,2,-;a",
            "6,x,2,-;a",
            "6,1,x,-;a",
            "99999,1,2,-;a",
            "6;a",
        ] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn records_over_the_level_are_only_counted() {
        let mut sieve = Sieve::new(4, 10_000);
        sieve.take(b"6,0,0,-;info\n");
        sieve.take(b"4,1,0,-;warning\n");
        assert_eq!(
            (sieve.log.seen, sieve.log.records.len(), sieve.log.truncated),
            (2, 1, false)
        );
    }

    #[test]
    fn a_log_that_does_not_begin_at_its_beginning_is_truncated() {
        let mut sieve = Sieve::new(7, 10_000);
        sieve.take(SAMPLE);
        assert!(sieve.log.truncated);
    }

    #[test]
    fn the_output_limit_is_kept() {
        let mut sieve = Sieve::new(7, 1024 + 300);
        for sequence in 0..5 {
            sieve.take(format!("6,{sequence},0,-;text\n").as_bytes());
        }
        assert_eq!((sieve.log.records.len(), sieve.log.truncated), (2, true));
    }
}
