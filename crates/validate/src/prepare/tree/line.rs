//! One line of a listing.

use std::io::{self, Write};

use detente_volume::FileKind;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) kind: FileKind,
    pub(super) mode: u16,
    pub(super) len: u64,
    pub(super) modified_s: i64,
    pub(super) sha256: Option<String>,
    pub(super) path: String,
    pub(super) target: Option<String>,
}

impl Line {
    pub(super) fn write(&self, into: &mut dyn Write) -> io::Result<()> {
        let kind = match self.kind {
            FileKind::File => 'f',
            FileKind::Directory => 'd',
            FileKind::Symlink => 'l',
            FileKind::Special => 's',
        };
        let sha256 = self.sha256.as_deref().unwrap_or("-");
        write!(
            into,
            "{kind}\t{:o}\t{}\t{}\t{sha256}\t{}",
            self.mode,
            self.len,
            self.modified_s,
            escaped(&self.path)
        )?;
        if let Some(target) = &self.target {
            write!(into, "\t{}", escaped(target))?;
        }
        writeln!(into)
    }

    /// The file of a line; `None` where it is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('\t');
        let kind = match fields.next()? {
            "f" => FileKind::File,
            "d" => FileKind::Directory,
            "l" => FileKind::Symlink,
            "s" => FileKind::Special,
            _ => return None,
        };
        Some(Self {
            kind,
            mode: u16::from_str_radix(fields.next()?, 8).ok()?,
            len: fields.next()?.parse().ok()?,
            modified_s: fields.next()?.parse().ok()?,
            sha256: Some(fields.next()?)
                .filter(|sha256| *sha256 != "-")
                .map(str::to_owned),
            path: plain(fields.next()?),
            target: fields.next().map(plain),
        })
    }
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
}

fn plain(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        name.push(match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some(other) => other,
                None => '\\',
            },
            (other, false) => other,
        });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let line = Line {
            kind: FileKind::Symlink,
            mode: 0o4755,
            len: 7,
            modified_s: -1,
            sha256: None,
            path: "/a\tb\\n\nc".to_owned(),
            target: Some("x y".to_owned()),
        };
        let mut text = Vec::new();
        line.write(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, "l\t4755\t7\t-1\t-\t/a\\tb\\\\n\\nc\tx y\n");
        assert_eq!(Line::parse(text.trim_end_matches('\n')), Some(line));
        for wrong in ["", "f", "x\t0\t0\t0\t-\t/", "f\t9\t0\t0\t-\t/"] {
            assert_eq!(Line::parse(wrong), None, "{wrong}");
        }
    }
}
