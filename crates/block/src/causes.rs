//! An error as a sentence, where nobody else will print its causes.

use std::error::Error;

/// An error and what caused it, outermost first, in one line. A cause that is already said, as by
/// errors that pass another one on as it is, is not said again.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::with_causes;
    use crate::ReadError;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("the disk cannot be read")]
        Named(#[source] ReadError),
        #[error(transparent)]
        PassedOn(ReadError),
    }

    fn read() -> ReadError {
        let source = io::Error::other("the cable is out");
        ReadError::Io { offset: 16, source }
    }

    #[test]
    fn every_cause_is_said_once() {
        let told = with_causes(&read());
        assert!(told.ends_with(": the cable is out"), "{told}");
        let named = with_causes(&Outer::Named(read()));
        assert_eq!(named, format!("the disk cannot be read: {told}"));
        assert_eq!(with_causes(&Outer::PassedOn(read())), told);
    }
}
