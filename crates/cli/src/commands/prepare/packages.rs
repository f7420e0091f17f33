//! The packages of a folder that the user gives.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use detente_guest::prepare::PackageFile;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

/// A package and its file.
pub(super) type Found = (PackageFile, PathBuf);

/// What the names of packages end with.
const ENDINGS: [&str; 5] = [".deb", ".rpm", ".apk", ".pkg.tar.zst", ".pkg.tar.xz"];

/// The packages of a folder, by name; none if there is no folder.
pub(super) fn list(folder: Option<&Path>) -> Result<Vec<Found>, Failure> {
    let Some(folder) = folder else {
        return Ok(Vec::new());
    };
    let found = read(folder).with_context(|| folder.display().to_string());
    found.map_err(|error| {
        let hint = "--packages takes a folder with .deb, .rpm, .apk or .pkg.tar.* files";
        Failure::cannot_tell(error, Some(hint.to_owned()))
    })
}

fn read(folder: &Path) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| ENDINGS.iter().any(|end| name.ends_with(end))) else {
            continue;
        };
        let name = name.to_owned();
        let (sha256, len_bytes) = digest(&path).with_context(|| path.display().to_string())?;
        let package = PackageFile {
            name,
            sha256,
            len_bytes,
        };
        found.push((package, path));
    }
    anyhow::ensure!(!found.is_empty(), "there are no packages in it");
    found.sort();
    Ok(found)
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 20];
    let mut len_bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            len => {
                digest.update(buffer.get(..len).unwrap_or_default());
                len_bytes += len as u64;
            }
        }
    }
    let digits = digest.finalize();
    Ok((
        digits.iter().map(|byte| format!("{byte:02x}")).collect(),
        len_bytes,
    ))
}
