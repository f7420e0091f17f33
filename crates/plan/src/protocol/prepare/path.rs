//! A place in the guest's tree.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Linux, `PATH_MAX`, with room for the name that a file is first written under.
const MAX_PATH_BYTES: usize = 4000;
/// Linux, `NAME_MAX`.
const MAX_NAME_BYTES: usize = 255;

/// An absolute path in the guest's root: no `..`, no `.`, no empty name, no NUL.
///
/// A name that is no UTF-8 cannot be told in a message, and so cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GuestPath(String);

/// Not a path that an agent goes to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no plain absolute path")]
pub struct NotAPath(pub String);

impl GuestPath {
    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for GuestPath {
    type Error = NotAPath;

    fn try_from(path: String) -> Result<Self, NotAPath> {
        let plain = |name: &str| {
            !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && !name.contains('\0')
        };
        let names = path.strip_prefix('/');
        if path.len() <= MAX_PATH_BYTES
            && names.is_some_and(|names| names.is_empty() || names.split('/').all(plain))
        {
            Ok(Self(path))
        } else {
            Err(NotAPath(path))
        }
    }
}

impl TryFrom<&str> for GuestPath {
    type Error = NotAPath;

    fn try_from(path: &str) -> Result<Self, NotAPath> {
        path.to_owned().try_into()
    }
}

impl From<GuestPath> for String {
    fn from(path: GuestPath) -> Self {
        path.0
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::GuestPath;

    #[test]
    fn plain_absolute_paths_are_taken() {
        for path in ["/", "/etc/fstab", "/boot/é ...", "/a/..b"] {
            assert_eq!(GuestPath::try_from(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let long = format!("/{}", "x".repeat(256));
        for path in [
            "",
            "etc",
            "/etc/",
            "//etc",
            "/etc/../x",
            "/.",
            "/a\0",
            &long,
        ] {
            GuestPath::try_from(path).unwrap_err();
        }
    }
}
