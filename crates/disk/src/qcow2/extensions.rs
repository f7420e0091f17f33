//! Header extensions: \[qcow2\] "Header extensions".

use detente_block::{BlockRead, ReadError};

use super::corrupt;
use super::field::{Fields, read_bytes, to_u64};

/// "End of the header extension area".
const END: u32 = 0;
/// "Backing file format name string".
pub(super) const BACKING_FORMAT: u32 = 0xe279_2aca;
/// "External data file name string".
const DATA_FILE: u32 = 0x4441_5441;
/// "Bitmaps extension".
const BITMAPS: u32 = 0x2385_2875;
/// "Full disk encryption header pointer".
const ENCRYPTION: u32 = 0x0537_be77;

/// What strings we read: `PATH_MAX` for names; formats are shorter.
const MAX_STRING: u64 = 4096;
/// An image has a handful.
const MAX_EXTENSIONS: u32 = 1000;

/// What the extensions say.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) backing_format: Option<String>,
    pub(super) data_file: Option<String>,
    /// Where that name stands.
    pub(super) data_file_at: u64,
    pub(super) bitmaps: Option<BitmapsExtension>,
    /// Where the encryption's header is, and its length.
    pub(super) encryption: Option<(u64, u64)>,
}

/// Where the bitmap directory is: \[qcow2\] "Bitmaps extension".
#[derive(Debug, Clone, Copy)]
pub(super) struct BitmapsExtension {
    /// Where the extension's data stands.
    pub(super) at: u64,
    pub(super) count: u32,
    pub(super) directory_size: u64,
    pub(super) directory_offset: u64,
}

impl Extensions {
    /// Reads the extensions between `start` and `end`, which lie inside the file.
    pub(super) fn read(file: &dyn BlockRead, start: u64, end: u64) -> Result<Self, ReadError> {
        let mut all = Self::default();
        let mut at = start;
        // Each turn takes at least the eight bytes of an extension's head.
        for _ in 0..MAX_EXTENSIONS {
            let rest = end.saturating_sub(at);
            if rest < 8 {
                break;
            }
            let bytes = read_bytes(file, at, 8)?;
            let head = Fields {
                bytes: &bytes,
                start: at,
            };
            let (kind, len) = (head.u32(0)?, u64::from(head.u32(4)?));
            if kind == END {
                break;
            }
            if len > rest.saturating_sub(8) {
                return Err(corrupt(at, "a header extension goes past the area"));
            }
            all.take(file, kind, at.saturating_add(8), len)?;
            at = at.saturating_add(8).saturating_add(len.next_multiple_of(8));
        }
        Ok(all)
    }

    fn take(
        &mut self,
        file: &dyn BlockRead,
        kind: u32,
        at: u64,
        len: u64,
    ) -> Result<(), ReadError> {
        match kind {
            BACKING_FORMAT => self.backing_format = Some(string(file, at, len)?),
            DATA_FILE => {
                self.data_file = Some(string(file, at, len)?);
                self.data_file_at = at;
            }
            BITMAPS => self.bitmaps = Some(BitmapsExtension::read(file, at, len)?),
            ENCRYPTION => {
                let bytes = read_bytes(file, at, len.min(16))?;
                let fields = Fields {
                    bytes: &bytes,
                    start: at,
                };
                self.encryption = Some((fields.u64(0)?, fields.u64(8)?));
            }
            // "Unknown header extension, can be safely ignored".
            _ => {}
        }
        Ok(())
    }
}

impl BitmapsExtension {
    fn read(file: &dyn BlockRead, at: u64, len: u64) -> Result<Self, ReadError> {
        if len != 24 {
            return Err(corrupt(
                at,
                format!("the bitmaps extension has {len} bytes, not 24"),
            ));
        }
        let bytes = read_bytes(file, at, len)?;
        let fields = Fields {
            bytes: &bytes,
            start: at,
        };
        Ok(Self {
            at,
            count: fields.u32(0)?,
            directory_size: fields.u64(8)?,
            directory_offset: fields.u64(16)?,
        })
    }
}

/// \[qcow2\] "String header extensions": the length is the string's, there need not be a zero.
fn string(file: &dyn BlockRead, at: u64, len: u64) -> Result<String, ReadError> {
    if len > MAX_STRING {
        return Err(corrupt(
            at,
            format!("a name in a header extension has {len} bytes"),
        ));
    }
    let bytes = read_bytes(file, at, len)?;
    debug_assert!(to_u64(bytes.len()) == len, "it was read whole");
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
