//! shim's SBAT.md: a section of comma-separated lines, each a part with its generation.

use crate::facts::SbatEntry;

/// Real ones have a few hundred bytes.
pub(super) const MAX_BYTES: usize = 16 * 1024;
const MAX_ENTRIES: usize = 64;

/// The lines; one without a generation is none.
pub(super) fn parse(section: &[u8]) -> Vec<SbatEntry> {
    let end = section.iter().position(|&byte| byte == 0);
    let text = section
        .get(..end.unwrap_or(section.len()))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let entry = |line: &str| {
        let mut fields = line.trim().split(',');
        let mut next = || fields.next().unwrap_or_default().to_owned();
        let (component, generation) = (next(), next());
        let (vendor, _package, version) = (next(), next(), next());
        Some(SbatEntry {
            component,
            generation: generation.trim().parse().ok()?,
            vendor,
            version,
        })
    };
    text.lines().filter_map(entry).take(MAX_ENTRIES).collect()
}
