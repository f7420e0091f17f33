//! How an error reaches the user: the whole chain, the way out, the exit code.

use std::fmt;
use std::process::ExitCode;

use crate::output::Output;
use crate::page::clean;

/// An error for which the command knows the way out, or another exit code than 2.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: anyhow::Error,
    pub(crate) hint: Option<String>,
    pub(crate) code: u8,
}

impl Failure {
    /// Could not tell, with a way out.
    pub(crate) fn cannot_tell(error: impl Into<anyhow::Error>, hint: Option<String>) -> Self {
        Self {
            error: error.into(),
            hint,
            code: crate::CANNOT_TELL,
        }
    }

    /// Wrong usage, with a way out.
    pub(crate) fn usage(message: String, hint: &str) -> Self {
        Self {
            error: anyhow::Error::msg(message),
            hint: Some(hint.to_owned()),
            code: crate::USAGE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)
    }
}

impl std::error::Error for Failure {}

/// Whether the reader of our output went away: no fault of ours or his.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        let json = cause.downcast_ref::<serde_json::Error>();
        // Of these the chain leaves out the error inside.
        let kind = io.map(std::io::Error::kind);
        let kind = kind.or_else(|| json.and_then(serde_json::Error::io_error_kind));
        kind == Some(std::io::ErrorKind::BrokenPipe)
    })
}

/// Prints the chain and the way out, and gives the exit code. What a file says of itself, a name or
/// a label, must neither steer the terminal nor forge a line of ours.
pub(crate) fn report(error: &anyhow::Error, out: &mut Output) -> ExitCode {
    let Some(failure) = error.downcast_ref::<Failure>() else {
        out.aside(&clean(&format!("error: {}", chain(error))));
        return ExitCode::from(crate::CANNOT_TELL);
    };
    out.aside(&clean(&format!("error: {}", chain(&failure.error))));
    if let Some(hint) = &failure.hint {
        out.aside(&clean(&format!("hint: {hint}")));
    }
    ExitCode::from(failure.code)
}

/// The causes of an error in one line.
pub(crate) fn text(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Failure>() {
        Some(failure) => chain(&failure.error),
        None => chain(error),
    }
}

/// The causes, outermost first, each said once.
fn chain(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if said.last().is_none_or(|last| !last.ends_with(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that went away.
    struct Gone;

    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_known_through_every_writer() {
        let json = serde_json::to_writer(Gone, "a document").unwrap_err();
        assert!(is_broken_pipe(&anyhow::Error::new(json)));
        let plain = std::io::Write::write_all(&mut Gone, b"text").unwrap_err();
        assert!(is_broken_pipe(&anyhow::Error::new(plain).context("a page")));
        let other = serde_json::from_str::<u32>("{").unwrap_err();
        assert!(!is_broken_pipe(&anyhow::Error::new(other)));
    }
}
