//! apk's database: `/lib/apk/db/installed`, or `/usr/lib/apk/db/installed` since apk 3.
//!
//! \[apk\] is "Apk spec" of Alpine's wiki: a letter, a colon, a value; an empty line between packages.

use detente_block::BlockRead;

use crate::error::{Corruption, DatabaseError};
use crate::lines::Lines;
use crate::package::Package;
use crate::rpm::Visitor;
use crate::text::{self, Format, Paragraph, required, value};

/// Reads every package of an `installed` file. Uses less than 1 MiB of memory.
///
/// # Errors
/// [`DatabaseError`] if nothing further can be read; paragraphs that are damaged go to `visit`.
pub fn each_apk(file: &dyn BlockRead, visit: &mut Visitor<'_>) -> Result<(), DatabaseError> {
    text::each::<Apk>(Lines::new(file)?, visit)
}

struct Apk;

#[derive(Default)]
struct Fields {
    package: Option<String>,
    version: Option<String>,
    architecture: Option<String>,
    maintainer: Option<String>,
    description: Option<String>,
    origin: Option<String>,
    installed_bytes: Option<u64>,
}

impl Format for Apk {
    type Fields = Fields;

    fn line(fields: &mut Fields, line: &[u8]) {
        let [letter, b':', rest @ ..] = line else {
            return;
        };
        let place = match letter {
            b'P' => &mut fields.package,
            b'V' => &mut fields.version,
            b'A' => &mut fields.architecture,
            b'm' => &mut fields.maintainer,
            b'T' => &mut fields.description,
            b'o' => &mut fields.origin,
            b'I' => {
                fields.installed_bytes = value(rest).parse().ok();
                return;
            }
            _ => return,
        };
        place.get_or_insert_with(|| value(rest));
    }

    fn package(paragraph: Paragraph<Fields>) -> Result<Package, Corruption> {
        let fields = paragraph.fields;
        let name = required(fields.package, "a name")?;
        let version = required(fields.version, "a version")?;
        let mut package = Package::new(name, &version, paragraph.line);
        package.architecture = fields.architecture;
        package.vendor = fields.maintainer;
        package.summary = fields.description;
        package.source = fields.origin.filter(|origin| *origin != package.name);
        package.size_bytes = fields.installed_bytes;
        Ok(package)
    }
}
