//! Where in the guest a fact is written.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a fact is written: a file of the guest, and the line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// The file, as the running guest names it.
    pub path: String,
    /// The line, from 1; absent where the file, link or folder says it by being there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Evidence {
    /// A line of a file.
    pub fn line(path: impl Into<String>, line: u32) -> Self {
        Self {
            path: path.into(),
            line: Some(line),
        }
    }

    /// A file, link or folder as a whole.
    pub fn path(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: None,
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// A setting, and where it is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Setting {
    /// Its name, as the file spells it.
    pub name: String,
    /// Its value, as written, without quotes.
    pub value: String,
    /// Where.
    pub at: Evidence,
}

impl Setting {
    /// A setting.
    pub fn new(name: impl Into<String>, value: impl Into<String>, at: Evidence) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            at,
        }
    }
}
