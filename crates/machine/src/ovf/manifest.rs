//! The digests that go with a package.

use std::fmt;

use detente_block::{BlockRead, ReadError};

/// A longer one is none.
const MAX_BYTES: usize = 1 << 20;
/// How much is read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Digests of a package's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// One for each file.
    pub entries: Vec<ManifestEntry>,
}

/// The digest of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// The file's name in the package.
    pub file: String,
    /// How it was made.
    pub algorithm: Algorithm,
    /// The digest, in lower case.
    pub digest: String,
}

/// How a digest is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Of version 1 of the standard: it finds accidents, and no forgery.
    Sha1,
    /// Of version 2.
    Sha256,
    /// Of version 2.1.
    Sha512,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// Why a manifest was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is longer than any.
    #[error("a manifest of {len} bytes is none")]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// A line is none of a manifest.
    #[error("line {line} is not `ALGORITHM(FILE)= DIGEST`")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// A line has a digest of another kind.
    #[error("line {line} has a digest by {algorithm:?}, which is not known")]
    Algorithm {
        /// Which, from 1.
        line: usize,
        /// What it says.
        algorithm: String,
    },
}

/// Why a file is not what the manifest says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It could not be read.
    #[error("{file} cannot be read")]
    Read {
        /// Its name.
        file: String,
        /// Why.
        source: ReadError,
    },
    /// It has another digest.
    #[error(
        "{file} was changed since the package was made: its {algorithm} digest is {found}, not {expected}"
    )]
    Digest {
        /// Its name.
        file: String,
        /// How it was made.
        algorithm: Algorithm,
        /// What the manifest says.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The caller ended it.
    #[error("interrupted")]
    Cancelled,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_BYTES {
            return Err(ManifestError::TooLong { len: bytes.len() });
        }
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let entries = lines.map(|(index, line)| entry(line.trim(), index.saturating_add(1)));
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The digest of a file.
    #[must_use]
    pub fn of(&self, file: &str) -> Option<&ManifestEntry> {
        self.entries.iter().find(|entry| entry.file == file)
    }
}

fn entry(line: &str, number: usize) -> Result<ManifestEntry, ManifestError> {
    let broken = || ManifestError::Line { line: number };
    // A file's name may hold what parts the fields, a digest cannot.
    let (named, digest) = line.rsplit_once('=').ok_or_else(broken)?;
    let (algorithm, file) = named.split_once('(').ok_or_else(broken)?;
    let file = file.trim_end().strip_suffix(')').ok_or_else(broken)?;
    let algorithm = match algorithm.trim().to_ascii_uppercase().as_str() {
        "SHA1" => Algorithm::Sha1,
        "SHA256" => Algorithm::Sha256,
        "SHA512" => Algorithm::Sha512,
        other => {
            let algorithm = other.to_owned();
            let line = number;
            return Err(ManifestError::Algorithm { line, algorithm });
        }
    };
    let digest = digest.trim().to_ascii_lowercase();
    let is_hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let len = match algorithm {
        Algorithm::Sha1 => 40,
        Algorithm::Sha256 => 64,
        Algorithm::Sha512 => 128,
    };
    if !is_hex || digest.len() != len || file.is_empty() {
        return Err(broken());
    }
    Ok(ManifestEntry {
        file: file.to_owned(),
        algorithm,
        digest,
    })
}

impl ManifestEntry {
    /// Reads the file and compares; `go_on` is asked before each piece, with how many bytes are done.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn verify(
        &self,
        file: &dyn BlockRead,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), Mismatch> {
        let found = match self.algorithm {
            Algorithm::Sha1 => self.digest::<sha1::Sha1>(file, go_on),
            Algorithm::Sha256 => self.digest::<sha2::Sha256>(file, go_on),
            Algorithm::Sha512 => self.digest::<sha2::Sha512>(file, go_on),
        }?;
        if found == self.digest {
            return Ok(());
        }
        Err(Mismatch::Digest {
            file: self.file.clone(),
            algorithm: self.algorithm,
            expected: self.digest.clone(),
            found,
        })
    }

    fn digest<D: sha2::Digest>(
        &self,
        file: &dyn BlockRead,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<String, Mismatch> {
        let mut digest = D::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < file.len_bytes() {
            if !go_on(at) {
                return Err(Mismatch::Cancelled);
            }
            let rest = file.len_bytes().saturating_sub(at);
            let len = usize::try_from(rest)
                .unwrap_or(PIECE_BYTES)
                .min(PIECE_BYTES);
            let bytes = piece.get_mut(..len).unwrap_or_default();
            let failed = |source| Mismatch::Read {
                file: self.file.clone(),
                source,
            };
            file.read_exact_at(at, bytes).map_err(failed)?;
            digest.update(&bytes);
            at = at.saturating_add(len as u64);
        }
        let digest = digest.finalize();
        let hex = digest.iter().map(|byte| format!("{byte:02x}"));
        Ok(hex.collect())
    }
}

#[cfg(test)]
mod tests {
    use detente_block::MemoryBackend;

    use super::*;

    // RFC 3174 and FIPS 180-4: the digests of "abc".
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn digests_of_known_bytes() {
        let text = format!(
            "SHA1(a (1).ovf)= {SHA1}\n\nSHA256 (b=c.vmdk) = {}\r\n",
            SHA256.to_uppercase()
        );
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        let abc = MemoryBackend::new(b"abc".to_vec());
        for file in ["a (1).ovf", "b=c.vmdk"] {
            manifest
                .of(file)
                .unwrap()
                .verify(&abc, &mut |_| true)
                .unwrap();
            let spoiled = MemoryBackend::new(b"abd".to_vec());
            let error = manifest
                .of(file)
                .unwrap()
                .verify(&spoiled, &mut |_| true)
                .unwrap_err();
            assert!(error.to_string().contains("was changed"), "{error}");
        }
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        for line in [
            "SHA1(a)".to_owned(),
            "SHA1 a = 00".to_owned(),
            format!("SHA1()= {SHA1}"),
            format!("SHA1(a)= {SHA256}"),
            format!("SHA256(a)= {}x", &SHA256[1..]),
        ] {
            let error = Manifest::parse(line.as_bytes()).unwrap_err();
            assert_eq!(error, ManifestError::Line { line: 1 }, "{line}");
        }
        let error = Manifest::parse(b"MD5(a)= 00").unwrap_err();
        let algorithm = "MD5".to_owned();
        assert_eq!(error, ManifestError::Algorithm { line: 1, algorithm });
    }
}
