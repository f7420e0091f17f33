//! dpkg's database: `/var/lib/dpkg/status`, and `status.d` of images without dpkg itself.
//!
//! \[deb-control\](5) says how fields are written, \[dpkg\](1) what the three words of `Status` mean.

use detente_block::BlockRead;

use crate::error::{Corruption, DatabaseError};
use crate::lines::Lines;
use crate::package::{Package, State};
use crate::rpm::Visitor;
use crate::text::{self, Format, Paragraph, required, value};

/// Reads every package of a `status` file: installed ones, and those of which dpkg knows something
/// else ([`Package::state`]). One without `Status` is installed, as in files of `status.d`. The
/// same format is `/usr/lib/opkg/status`. Uses less than 1 MiB of memory.
///
/// # Errors
/// [`DatabaseError`] if nothing further can be read; paragraphs that are damaged go to `visit`.
pub fn each_dpkg(file: &dyn BlockRead, visit: &mut Visitor<'_>) -> Result<(), DatabaseError> {
    text::each::<Dpkg>(Lines::new(file)?, visit)
}

struct Dpkg;

#[derive(Default)]
struct Fields {
    package: Option<String>,
    status: Option<String>,
    version: Option<String>,
    architecture: Option<String>,
    maintainer: Option<String>,
    description: Option<String>,
    source: Option<String>,
    installed_kib: Option<u64>,
}

impl Format for Dpkg {
    type Fields = Fields;

    fn line(fields: &mut Fields, line: &[u8]) {
        // A line that begins with a blank goes on with the field before it: none that is wanted.
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            return;
        };
        let (name, rest) = line.split_at(colon);
        let rest = rest.get(1..).unwrap_or_default();
        let place = match name.to_ascii_lowercase().as_slice() {
            b"package" => &mut fields.package,
            b"status" => &mut fields.status,
            b"version" => &mut fields.version,
            b"architecture" => &mut fields.architecture,
            b"maintainer" => &mut fields.maintainer,
            b"description" => &mut fields.description,
            b"source" => &mut fields.source,
            b"installed-size" => {
                fields.installed_kib = value(rest).parse().ok();
                return;
            }
            _ => return,
        };
        place.get_or_insert_with(|| value(rest));
    }

    fn package(paragraph: Paragraph<Fields>) -> Result<Package, Corruption> {
        let fields = paragraph.fields;
        let name = required(fields.package, "a name")?;
        let state = match &fields.status {
            Some(status) => state(status)?,
            None => State::Installed,
        };
        // What is not there has no version.
        let version = match &state {
            State::NotInstalled | State::HalfInstalled => fields.version.unwrap_or_default(),
            State::Installed
            | State::PublicKey
            | State::ConfigFiles
            | State::Unpacked
            | State::HalfConfigured
            | State::TriggersAwaited
            | State::TriggersPending
            | State::Unknown(_) => required(fields.version, "a version")?,
        };
        let mut package = Package::new(name, &version, paragraph.line);
        package.state = state;
        package.architecture = fields.architecture;
        package.vendor = fields.maintainer;
        package.summary = fields.description;
        package.source = fields.source;
        package.size_bytes = fields.installed_kib.map(|kib| kib.saturating_mul(1024));
        Ok(package)
    }
}

/// The third word: what is there. The first is what is wanted, the second whether it is broken.
fn state(status: &str) -> Result<State, Corruption> {
    let mut words = status.split_ascii_whitespace();
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(_), Some(_), Some(state), None) => Ok(State::of_dpkg(state)),
        _ => Err(Corruption::Status(status.to_owned())),
    }
}
