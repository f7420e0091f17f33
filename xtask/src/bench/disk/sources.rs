//! The images that are converted, each made where it is wanted.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, bail};

use crate::tool::Tool;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SLICE_BYTES: u64 = 192 * MIB;

/// What `mix` holds of files and of random bytes.
const FILE_BYTES: u64 = 1190 * MIB;
const RANDOM_BYTES: u64 = 420 * MIB;

/// Makes the source `name` in `place`, unless it is there.
pub(super) fn make(place: &Path, name: &str) -> anyhow::Result<()> {
    let path = place.join(name);
    if path.exists() {
        return Ok(());
    }
    let (stem, kind) = name.split_once('.').context("a source has a format")?;
    match (stem, kind) {
        ("mix", "raw") => mix(place, &path),
        ("rnd", "raw") => random(&path, 2 * GIB),
        ("noise", "raw") => random(&path, SLICE_BYTES),
        ("slice", "raw") => {
            make(place, "mix.raw")?;
            slice(&place.join("mix.raw"), &path)
        }
        ("empty-8g", "raw") => Ok(File::create(&path)?.set_len(8 * GIB)?),
        ("empty-40g", "vhdx") => create(&path, "40G"),
        ("empty-1t", "vhdx") => create(&path, "1T"),
        ("mix", "qcow2") => from_mix(place, &path, &["-O", "qcow2"]),
        ("mix", "vhdx") => from_mix(place, &path, &["-O", "vhdx"]),
        ("mix", "vhd") => from_mix(place, &path, &["-O", "vpc", "-o", "force_size=on"]),
        ("slice-zlib", "qcow2") => from(place, "slice.raw", &path, &["-c", "-O", "qcow2"]),
        ("slice-zstd", "qcow2") => from(
            place,
            "slice.raw",
            &path,
            &["-c", "-O", "qcow2", "-o", "compression_type=zstd"],
        ),
        _ => bail!("no recipe for {name}"),
    }
}

fn create(path: &Path, size: &str) -> anyhow::Result<()> {
    let tool = Tool::new("qemu-img").args(["create", "-q", "-f", "vhdx"]);
    tool.arg(path).arg(size).capture().map(drop)
}

fn from_mix(place: &Path, path: &Path, options: &[&str]) -> anyhow::Result<()> {
    from(place, "mix.raw", path, options)
}

fn from(place: &Path, source: &str, path: &Path, options: &[&str]) -> anyhow::Result<()> {
    make(place, source)?;
    let tool = Tool::new("qemu-img").args(["convert", "-f", "raw"]);
    tool.args(options)
        .arg(place.join(source))
        .arg(path)
        .capture()
        .map(drop)
}

/// An ext4 of 8 GiB with files of /usr and a file of random bytes.
fn mix(place: &Path, path: &Path) -> anyhow::Result<()> {
    let folder = place.join("files");
    std::fs::create_dir(&folder)?;
    let copied = copy_some(Path::new("/usr"), &folder.join("usr"), FILE_BYTES)?;
    if copied < FILE_BYTES * 9 / 10 {
        bail!("/usr has only {copied} bytes of files");
    }
    random(&folder.join("random"), RANDOM_BYTES)?;
    File::create(path)?.set_len(8 * GIB)?;
    Tool::new("mkfs.ext4")
        .args(["-q", "-F", "-d"])
        .args([&folder, path])
        .capture()?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Copies plain files until so many bytes are there; tells how many are.
fn copy_some(from: &Path, to: &Path, most: u64) -> anyhow::Result<u64> {
    std::fs::create_dir_all(to)?;
    let mut copied = 0;
    let mut entries: Vec<_> = std::fs::read_dir(from)?.flatten().collect();
    // The same files each time.
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if copied >= most {
            break;
        }
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copied += copy_some(&entry.path(), &target, most - copied)?;
        } else if kind.is_file() {
            copied += std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(copied)
}

fn random(path: &Path, bytes: u64) -> anyhow::Result<()> {
    let mut source = File::open("/dev/urandom")?.take(bytes);
    std::io::copy(&mut source, &mut File::create(path)?)?;
    Ok(())
}

/// 192 MiB of it that hold files.
fn slice(mix: &Path, path: &Path) -> anyhow::Result<()> {
    // Where the files lie is the file system's choice. A slice of the random file would measure
    // nothing that anybody compresses.
    for skip in (160..1500).step_by(96) {
        Tool::new("dd")
            .args(["bs=1M", "count=192", "status=none"])
            .arg(format!("skip={skip}"))
            .arg(format!("if={}", mix.display()))
            .arg(format!("of={}", path.display()))
            .capture()?;
        let shorter = packed_bytes(path)?;
        if (SLICE_BYTES / 4..SLICE_BYTES * 6 / 10).contains(&shorter) {
            return Ok(());
        }
    }
    bail!(
        "no part of {} compresses as files of /usr do",
        mix.display()
    );
}

/// How long the file is once `gzip -1` is done with it.
fn packed_bytes(path: &Path) -> anyhow::Result<u64> {
    let packed = path.with_extension("raw.gz");
    Tool::new("gzip")
        .args(["-1", "-k", "-f"])
        .arg(path)
        .capture()?;
    let len = std::fs::metadata(&packed)?.len();
    std::fs::remove_file(packed)?;
    Ok(len)
}
