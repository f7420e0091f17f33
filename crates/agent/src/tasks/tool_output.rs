//! What a program says: the end of it is kept, and lines are told while it runs.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use detente_plan::protocol::{PROGRESS_EVERY_MS, PROGRESS_LINE_BYTES, PROGRESS_LINES};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Read in one turn, so that one stream cannot keep us from the other and from the clock.
const READS_A_TURN: u32 = 16;

/// One of a program's two outputs.
#[derive(Debug)]
pub(super) struct Stream {
    /// None once it has ended.
    pipe: Option<File>,
    tail: VecDeque<u8>,
    tail_limit: usize,
    bytes: u64,
    line: Vec<u8>,
}

impl Stream {
    /// What comes out of `pipe`; the last `tail_limit` bytes are kept.
    pub(super) fn new(pipe: OwnedFd, tail_limit: usize) -> Self {
        // A pipe that blocks would only make us slower to see the end of the time.
        let _ = rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK);
        Self {
            pipe: Some(File::from(pipe)),
            tail: VecDeque::new(),
            tail_limit,
            bytes: 0,
            line: Vec::new(),
        }
    }

    /// What to wait for, as long as it is open.
    pub(super) fn pipe(&self) -> Option<&File> {
        self.pipe.as_ref()
    }

    /// Takes what is there now.
    pub(super) fn read(&mut self, lines: &mut Lines) {
        let mut buffer = [0; 16 * 1024];
        for _ in 0..READS_A_TURN {
            let Some(pipe) = &self.pipe else { return };
            match rustix::io::read(pipe, &mut buffer) {
                Ok(count) if count > 0 => {
                    self.take(buffer.get(..count).unwrap_or_default(), lines);
                }
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => {
                    self.pipe = None;
                    self.end_line(lines);
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8], lines: &mut Lines) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.tail.extend(bytes);
        let surplus = self.tail.len().saturating_sub(self.tail_limit);
        self.tail.drain(..surplus);
        for byte in bytes {
            match byte {
                // A carriage return alone begins a line anew on a terminal.
                b'\n' | b'\r' => self.end_line(lines),
                _ if self.line.len() < PROGRESS_LINE_BYTES => self.line.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self, lines: &mut Lines) {
        if !self.line.is_empty() {
            lines.push(&self.line);
            self.line.clear();
        }
    }

    /// How much there was, and the end of it.
    pub(super) fn finish(self) -> (u64, String) {
        let tail: Vec<u8> = self.tail.into();
        (self.bytes, String::from_utf8_lossy(&tail).into_owned())
    }
}

/// Lines that wait to be told; the latest count.
#[derive(Debug)]
pub(super) struct Lines {
    waiting: VecDeque<String>,
    left_out: u64,
    told: Instant,
}

impl Lines {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            left_out: 0,
            told: Instant::now(),
        }
    }

    fn push(&mut self, line: &[u8]) {
        let mut line = String::from_utf8_lossy(line).into_owned();
        // What stands for bytes that are no text is longer than they are.
        line.truncate(line.floor_char_boundary(PROGRESS_LINE_BYTES));
        self.waiting.push_back(line);
        if self.waiting.len() > PROGRESS_LINES {
            self.waiting.pop_front();
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// What is to be told now, if it is time, with how many lines before it were left out.
    pub(super) fn due(&mut self) -> Option<(Vec<String>, u64)> {
        let time = self.told.elapsed() >= Duration::from_millis(PROGRESS_EVERY_MS);
        if !time || self.waiting.is_empty() {
            return None;
        }
        self.told = Instant::now();
        let lines = std::mem::take(&mut self.waiting);
        Some((lines.into(), std::mem::take(&mut self.left_out)))
    }
}
