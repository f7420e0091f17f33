//! The headers of a PE/COFF file, as far as sections go.

use crate::field::{u16_at, u32_at};
use crate::uki::{Machine, UkiError};

const SECTION_HEADER_BYTES: usize = 40;
const COFF_HEADER_BYTES: usize = 20;

/// One section, with the bytes that the file has for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    pub(crate) name: [u8; 8],
    pub(crate) data: &'a [u8],
}

/// Reads the section table.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Machine, Vec<Section<'_>>), UkiError> {
    if bytes.first_chunk() != Some(b"MZ") {
        return Err(UkiError::NotPe {
            rule: "it does not start with MZ",
        });
    }
    let signature = u32_at(bytes, 0x3c)
        .and_then(|offset| usize::try_from(offset).ok())
        .ok_or(UkiError::NotPe {
            rule: "it ends inside the MS-DOS header",
        })?;
    let coff = signature.saturating_add(4);
    if bytes.get(signature..coff) != Some(b"PE\0\0") {
        return Err(UkiError::NotPe {
            rule: "the MS-DOS header points to no PE signature",
        });
    }
    let truncated = || UkiError::Truncated {
        part: "the COFF header",
        offset: coff,
    };
    let machine = u16_at(bytes, coff).ok_or_else(truncated)?;
    let sections = u16_at(bytes, coff.saturating_add(2)).ok_or_else(truncated)?;
    let optional = u16_at(bytes, coff.saturating_add(16)).ok_or_else(truncated)?;
    let table = coff
        .saturating_add(COFF_HEADER_BYTES)
        .saturating_add(usize::from(optional));
    let table_bytes = usize::from(sections).saturating_mul(SECTION_HEADER_BYTES);
    let headers =
        bytes
            .get(table..table.saturating_add(table_bytes))
            .ok_or(UkiError::Truncated {
                part: "the section table",
                offset: table,
            })?;
    let sections = headers
        .chunks_exact(SECTION_HEADER_BYTES)
        .map(|header| section(bytes, header))
        .collect::<Result<_, _>>()?;
    Ok((Machine::from_coff(machine), sections))
}

fn section<'a>(bytes: &'a [u8], header: &[u8]) -> Result<Section<'a>, UkiError> {
    let name: [u8; 8] = header.first_chunk().copied().unwrap_or_default();
    let field = |offset| u32_at(header, offset).and_then(|value| usize::try_from(value).ok());
    let [virtual_size, raw_size, raw_offset] =
        [8, 16, 20].map(|at| field(at).unwrap_or(usize::MAX));
    if raw_size == 0 || raw_offset == 0 {
        return Ok(Section { name, data: &[] });
    }
    let raw = bytes
        .get(raw_offset..raw_offset.saturating_add(raw_size))
        .ok_or_else(|| UkiError::SectionOutside {
            name: display_name(&name),
            raw_offset,
            raw_size,
        })?;
    // The raw data is padded to the file alignment; the virtual size is what was put in. Objects
    // that are not linked images leave it 0.
    let length = if virtual_size == 0 {
        raw_size
    } else {
        virtual_size.min(raw_size)
    };
    Ok(Section {
        name,
        data: raw.get(..length).unwrap_or(raw),
    })
}

/// A section's name as text.
pub(crate) fn display_name(name: &[u8; 8]) -> String {
    crate::field::text_until_nul(name)
}
