//! What `convert`, `create` and `resize` answer: what was written, or why not.

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use detente_block::ReadError;
use detente_copy::{ConvertError, ConvertReport};
use serde::Serialize;

use super::lost::{Lost, lost};
use crate::args::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::page::{clean, size};
use crate::{BAD, CANNOT_TELL, FINE, INTERRUPTED};

/// The answer for programs.
#[derive(Serialize)]
pub(super) struct Document {
    schema: &'static str,
    command: &'static str,
    images: Vec<Written>,
    failures: Vec<Failed>,
}

/// An image that was written.
#[derive(Serialize)]
struct Written {
    source: Option<String>,
    target: String,
    verified: bool,
    virtual_size_bytes: u64,
    data_bytes: u64,
    kernel_bytes: u64,
    buffered_bytes: u64,
    zero_bytes: u64,
    file_size_bytes: u64,
    allocated_bytes: u64,
    /// How long bringing all of it to stable storage took, in milliseconds.
    flush_ms: f64,
    lost_bytes: u64,
    lost: Vec<Lost>,
}

/// An image that was not written.
#[derive(Serialize)]
struct Failed {
    source: Option<String>,
    target: String,
    error: String,
}

/// Which image is made of which.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Names<'a> {
    pub(in crate::commands) source: Option<&'a Path>,
    pub(in crate::commands) target: &'a Path,
}

impl Names<'_> {
    fn source(self) -> Option<String> {
        self.source.map(|path| path.display().to_string())
    }

    fn target(self) -> String {
        self.target.display().to_string()
    }
}

impl Document {
    pub(super) fn new(command: &'static str) -> Self {
        Self {
            schema: "detente/image-write/1",
            command,
            images: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn wrote(&mut self, names: Names<'_>, report: &ConvertReport, verified: bool) {
        self.images.push(Written {
            source: names.source(),
            target: names.target(),
            verified,
            virtual_size_bytes: report.virtual_size,
            data_bytes: report.data_bytes,
            kernel_bytes: report.kernel_bytes,
            buffered_bytes: report.buffered_bytes,
            zero_bytes: report.zero_bytes,
            file_size_bytes: report.file_bytes,
            allocated_bytes: report.allocated_bytes,
            flush_ms: report.flush_time.as_secs_f64() * 1000.0,
            lost_bytes: report.lost_bytes,
            lost: lost(report),
        });
    }

    pub(super) fn failed(&mut self, names: Names<'_>, error: String) {
        self.failures.push(Failed {
            source: names.source(),
            target: names.target(),
            error,
        });
    }

    /// Prints it, and gives the exit code.
    pub(super) fn print(&self, format: Format, out: &mut Output) -> anyhow::Result<ExitCode> {
        match format {
            Format::Json => out.json(self)?,
            Format::Text => {
                for image in &self.images {
                    image.print(out)?;
                }
            }
        }
        let lost = self.images.iter().any(|image| image.lost_bytes > 0);
        let code = match (self.failures.is_empty(), lost) {
            (false, _) => CANNOT_TELL,
            (true, true) => BAD,
            (true, false) => FINE,
        };
        Ok(ExitCode::from(code))
    }
}

impl Written {
    fn print(&self, out: &mut Output) -> anyhow::Result<()> {
        let verified = if self.verified { ", verified" } else { "" };
        let data = match self.data_bytes {
            0 => String::new(),
            bytes => format!("{} of data, ", size(bytes)),
        };
        let (disk, file) = (size(self.virtual_size_bytes), size(self.allocated_bytes));
        let line = format!(
            "{}: disk of {disk}, {data}file of {file}{verified}",
            self.target
        );
        out.line(&clean(&line))?;
        for Lost {
            offset,
            length,
            why,
        } in &self.lost
        {
            let line = format!("  ✗ lost {length} bytes at {offset:#x}: {why}");
            out.line(&clean(&line))?;
        }
        if self.lost_bytes > 0 {
            let lost = size(self.lost_bytes);
            out.line(&format!("  {lost} could not be read and are zero now"))?;
        }
        Ok(())
    }
}

/// The failure of the engine, with the way out.
pub(in crate::commands) fn failure(names: Names<'_>, error: ConvertError) -> Failure {
    let code = match error {
        ConvertError::Cancelled => INTERRUPTED,
        _ => CANNOT_TELL,
    };
    let hint = hint(&error, names);
    let error = anyhow::Error::new(error);
    let error = match names.source {
        Some(source) => error.context(source.display().to_string()),
        // What is said of a new image names it.
        None => error,
    };
    Failure { error, hint, code }
}

fn hint(error: &ConvertError, names: Names<'_>) -> Option<String> {
    let source = names.source.unwrap_or(names.target).display();
    let hint = match error {
        ConvertError::Source(ReadError::Corrupt { .. } | ReadError::PastEnd { .. }) => {
            return Some(format!(
                "--salvage copies what can be read and lists the rest; `detente image check \
                 {source}` lists what is broken"
            ));
        }
        ConvertError::Source(ReadError::Io { .. }) => {
            "--salvage copies what can be read and lists the rest"
        }
        ConvertError::SourceInUse { .. } => {
            "stop the machine that uses it; --ignore-locks reads it as it stands, perhaps torn"
        }
        ConvertError::SourceChanged { .. } => "try again when nothing writes to it",
        ConvertError::DestinationIsSource { .. } => "give the new image another name",
        ConvertError::DestinationExists { .. } => "--force replaces it",
        ConvertError::NoRoom { .. } | ConvertError::Full { .. } => {
            "make room, or name another folder"
        }
        ConvertError::Layout(_) => "`detente image create --help` says what the options may be",
        ConvertError::Write { source, .. } if source.kind() == ErrorKind::FileTooLarge => {
            "the file system has no file that large: say a smaller size, or a format that does not \
             lay the whole disk out, such as qcow2"
        }
        ConvertError::DestinationKind { .. } => "name a file, a new one or one to be replaced",
        ConvertError::Write { .. } => "the folder must exist and be writable for you",
        ConvertError::Reopen(_) | ConvertError::Reread(_) | ConvertError::Differs { .. } => {
            "nothing was kept: the storage is at fault, or détente is, which should be reported"
        }
        ConvertError::Shrinks { .. } => "--shrink cuts off what is zero",
        ConvertError::DataCutOff { .. } => "--discard-data cuts off data, too",
        _ => return None,
    };
    Some(hint.to_owned())
}
