//! Converts an image from the command line, for measuring: `copy SOURCE TARGET DESTINATION [detect]`,
//! where TARGET is `raw`, `qcow2`, `qcow2+zlib`, `qcow2+zstd`, `vhdx` or `vhd`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use detente_block::{DirectoryGate, FileBackend};
use detente_copy::{ConvertOptions, OnExisting, Unwatched, Zeroes, convert};
use detente_disk::{Compression, Qcow2Spec, Target, VhdKind, VhdSpec, VhdxSpec, open};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, destination, options @ ..] = &*arguments else {
        return Err("copy SOURCE TARGET DESTINATION [detect]".into());
    };
    let qcow2 = |compression| {
        Target::Qcow2(Qcow2Spec {
            compression,
            ..Qcow2Spec::default()
        })
    };
    let target = match target.as_str() {
        "raw" => Target::Raw,
        "qcow2" => qcow2(None),
        "qcow2+zlib" => qcow2(Some(Compression::Zlib)),
        "qcow2+zstd" => qcow2(Some(Compression::Zstd)),
        "vhdx" => Target::Vhdx(VhdxSpec::default()),
        "vhd" => Target::Vhd(VhdSpec {
            kind: VhdKind::Dynamic,
        }),
        _ => return Err("an unknown target".into()),
    };
    let options = ConvertOptions {
        on_existing: OnExisting::Replace,
        zeroes: match options {
            [word] if word == "detect" => Zeroes::Detect,
            [] => Zeroes::AsMapped,
            _ => return Err("an unknown option".into()),
        },
        ..ConvertOptions::default()
    };
    let source = Path::new(source);
    let gate = DirectoryGate::beside(source);
    let image = open(source, Arc::new(FileBackend::open(source)?), &gate)?;
    let report = convert(
        &image,
        &target,
        Path::new(destination),
        &options,
        &Unwatched,
    )?;
    #[expect(clippy::print_stdout, reason = "an example")]
    {
        println!("{report:#?}");
    }
    Ok(())
}
