//! Watches a guest's console: lines, signs, a bounded tail.

use std::collections::BTreeMap;

use detente_plan::console::{Sign, Station, sign, station};

/// The longest line that is looked at; the rest of it is ignored.
const LINE_LIMIT: usize = 4096;

/// How much of the end is kept.
const TAIL_LIMIT: usize = 16 * 1024;

/// How many alarms are kept.
const ALARM_LIMIT: usize = 20;

/// What was seen on a console so far. Bounded, whatever the guest writes.
#[derive(Debug, Default)]
pub(crate) struct ConsoleWatch {
    line: Vec<u8>,
    tail: Vec<u8>,
    /// Lines that show trouble in the kernel.
    pub(crate) alarms: Vec<String>,
    /// The first line of a panic, however many alarms came before it.
    pub(crate) panic: Option<String>,
    /// Lines that show that the guest stood still.
    pub(crate) stalls: Vec<String>,
    /// The line that shows that the boot will not go on.
    pub(crate) gave_up: Option<String>,
    /// The kernel's last words.
    pub(crate) last_words: Option<String>,
    /// The first line of each station of a boot through the firmware.
    pub(crate) stations: BTreeMap<Station, String>,
    /// Every byte counted.
    pub(crate) bytes: u64,
}

impl ConsoleWatch {
    /// Takes what came out.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 2 * TAIL_LIMIT {
            self.tail.drain(..self.tail.len() - TAIL_LIMIT);
        }
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line();
            } else if self.line.len() < LINE_LIMIT {
                self.line.push(byte);
            }
        }
    }

    /// Forgets what a boot has shown before the next: what may be read is still in the file.
    pub(crate) fn begin_boot(&mut self) {
        let bytes = self.bytes;
        *self = Self {
            bytes,
            ..Self::default()
        };
    }

    /// The end of what came out, cleaned of control sequences.
    pub(crate) fn tail(&self) -> String {
        let start = self.tail.len().saturating_sub(TAIL_LIMIT);
        printable(self.tail.get(start..).unwrap_or_default())
    }

    /// Whether some text stands in the tail.
    pub(crate) fn tail_has(&self, text: &str) -> bool {
        self.tail().contains(text)
    }

    /// The prompt that waits for somebody to log in (getty's, login(1)'s), if the console shows one.
    pub(crate) fn login_prompt(&self) -> Option<String> {
        let line = printable(&self.line);
        let line = line.trim();
        line.ends_with("login:").then(|| line.to_owned())
    }

    fn end_line(&mut self) {
        let line = printable(&std::mem::take(&mut self.line)).trim().to_owned();
        if let Some(station) = station(&line) {
            self.stations.entry(station).or_insert_with(|| line.clone());
        }
        match sign(&line) {
            None => {}
            Some(Sign::Alarm) => {
                if self.panic.is_none() && line.contains("Kernel panic") {
                    self.panic = Some(line.clone());
                }
                keep(&mut self.alarms, line);
            }
            Some(Sign::Stall) => keep(&mut self.stalls, line),
            Some(Sign::GaveUp) => self.gave_up = self.gave_up.take().or(Some(line)),
            Some(Sign::PowerDown) => self.last_words = Some(line),
        }
    }
}

/// Keeps a line, if there are not too many already.
fn keep(lines: &mut Vec<String>, line: String) {
    if lines.len() < ALARM_LIMIT {
        lines.push(line);
    }
}

/// Text without control characters and ANSI escape sequences (ECMA-48, 5.4).
fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    let lossy = String::from_utf8_lossy(bytes);
    let mut chars = lossy.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|c| ('@'..='~').contains(c));
                }
            }
            '\n' => text.push('\n'),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_found_across_pieces_and_escapes() {
        let mut watch = ConsoleWatch::default();
        watch.push(b"\x1b[1;31m[  1.0] Kernel pa");
        watch.push(b"nic - not syncing: x\x1b[0m\r\n");
        assert_eq!(watch.alarms, ["[  1.0] Kernel panic - not syncing: x"]);
    }

    #[test]
    fn a_panic_behind_many_alarms_is_seen() {
        let mut watch = ConsoleWatch::default();
        for _ in 0..2 * ALARM_LIMIT {
            watch.push(b"BUG: again\n");
        }
        watch.push(b"Kernel panic - not syncing: at last\n");
        let panic = watch.panic.as_deref();
        assert_eq!(panic, Some("Kernel panic - not syncing: at last"));
    }

    #[test]
    fn a_prompt_is_a_line_that_waits() {
        let mut watch = ConsoleWatch::default();
        watch.push(b"Last login: today\ndemo log");
        assert_eq!(watch.login_prompt(), None);
        watch.push(b"in: \x1b[0m");
        assert_eq!(watch.login_prompt().as_deref(), Some("demo login:"));
        watch.push(b"root\r\n");
        assert_eq!(watch.login_prompt(), None);
    }

    #[test]
    fn stations_are_kept_once() {
        let mut watch = ConsoleWatch::default();
        watch.push(b"Linux version 1\r\nLinux version 2\r\n");
        let line = watch.stations.get(&Station::Kernel).map(String::as_str);
        assert_eq!(line, Some("Linux version 1"));
    }

    #[test]
    fn a_flood_stays_bounded() {
        let mut watch = ConsoleWatch::default();
        for _ in 0..1000 {
            watch.push(&[b'x'; 4096]);
            watch.push(b"\nBUG: again\n");
        }
        assert!(watch.tail.len() <= 3 * TAIL_LIMIT);
        assert!(watch.line.len() <= LINE_LIMIT);
        assert_eq!(watch.alarms.len(), ALARM_LIMIT);
    }
}
