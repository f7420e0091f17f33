//! Who we are, for the record.

use std::fs::File;
use std::io;

use detente_evidence::ToolRecord;
use sha2::{Digest as _, Sha256};

/// This program; the digest is empty where its own file cannot be read.
pub(crate) fn record() -> ToolRecord {
    ToolRecord {
        name: "detente".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: own_digest().unwrap_or_default(),
    }
}

fn own_digest() -> io::Result<String> {
    let mut file = File::open("/proc/self/exe")?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => break,
            len => hasher.update(buffer.get(..len).unwrap_or_default()),
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
