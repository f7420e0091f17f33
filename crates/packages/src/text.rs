//! What dpkg's and apk's databases have in common: paragraphs of named values.

use crate::error::{Corruption, DatabaseError};
use crate::limits::{Counter, MAX_VALUE_BYTES};
use crate::lines::Lines;
use crate::package::Package;
use crate::rpm::Visitor;

/// One paragraph, of which only what is wanted is kept.
#[derive(Debug, Default)]
pub(crate) struct Paragraph<T> {
    /// The line of its first field.
    pub(crate) line: u64,
    /// What was wanted.
    pub(crate) fields: T,
}

/// A format of paragraphs.
pub(crate) trait Format {
    /// What is kept of a paragraph.
    type Fields: Default;

    /// Takes a line, which is not empty.
    fn line(fields: &mut Self::Fields, line: &[u8]);

    /// Makes a package of a paragraph.
    fn package(paragraph: Paragraph<Self::Fields>) -> Result<Package, Corruption>;
}

/// Every paragraph of a text.
pub(crate) fn each<F: Format>(
    mut lines: Lines<'_>,
    visit: &mut Visitor<'_>,
) -> Result<(), DatabaseError> {
    let mut counter = Counter::default();
    let mut open: Option<Paragraph<F::Fields>> = None;
    loop {
        let number = lines.number().saturating_add(1);
        let line = lines.next()?;
        let at_end = line.is_none();
        match line {
            Some(line) if !line.is_empty() => {
                let paragraph = open.get_or_insert_default();
                F::line(&mut paragraph.fields, line);
                if paragraph.line == 0 {
                    paragraph.line = number;
                }
            }
            Some(_) | None => {
                if let Some(paragraph) = open.take() {
                    counter.one_more()?;
                    let line = paragraph.line;
                    let package = F::package(paragraph)
                        .map_err(|rule| DatabaseError::CorruptLine { line, rule });
                    if visit(package).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        if at_end {
            return Ok(());
        }
    }
}

/// A value as text; what is longer than any sound one is cut.
pub(crate) fn value(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii();
    let bytes = bytes.get(..MAX_VALUE_BYTES).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// A value that a package cannot be without.
pub(crate) fn required(value: Option<String>, what: &'static str) -> Result<String, Corruption> {
    let value = value.filter(|value| !value.is_empty());
    let value = value.ok_or(Corruption::Missing(what))?;
    if value.len() >= MAX_VALUE_BYTES {
        return Err(Corruption::LongText(what));
    }
    Ok(value)
}
