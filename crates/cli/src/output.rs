//! The one place that prints: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

/// Where a command's answer and its asides go.
pub(crate) struct Output {
    data: io::BufWriter<io::Stdout>,
    asides: io::Stderr,
}

impl Output {
    /// The process's own streams.
    pub(crate) fn new() -> Self {
        Self {
            data: io::BufWriter::new(io::stdout()),
            asides: io::stderr(),
        }
    }

    /// A line of the answer.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.data, "{text}")?;
        self.data.flush()
    }

    /// The answer as a JSON document.
    pub(crate) fn json<T: Serialize>(&mut self, document: &T) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut self.data, document)?;
        writeln!(self.data)?;
        self.data.flush()?;
        Ok(())
    }

    /// Bytes of the answer as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data.write_all(bytes)?;
        self.data.flush()
    }

    /// Something beside the answer: progress, warnings, errors. If nobody listens, so be it.
    pub(crate) fn aside(&mut self, text: &str) {
        let _ = writeln!(self.asides, "{text}");
    }
}

/// A line on standard error that is written over and over: only for people who look on, so nothing
/// where that is no terminal.
pub(crate) struct StatusLine {
    screen: Option<io::Stderr>,
}

impl StatusLine {
    /// A line that is empty so far.
    pub(crate) fn new() -> Self {
        let screen = io::stderr();
        Self {
            screen: screen.is_terminal().then_some(screen),
        }
    }

    /// Whether anybody sees it.
    pub(crate) fn is_seen(&self) -> bool {
        self.screen.is_some()
    }

    /// Writes over what it said before. If nobody listens, so be it.
    pub(crate) fn say(&mut self, text: &str) {
        if let Some(screen) = &mut self.screen {
            let _ = write!(screen, "\r{text}\u{1b}[K");
            let _ = screen.flush();
        }
    }
}
