//! The real tools against us: archives made by `cpio` and seven compressors, our archives listed by
//! `cpio`, a unified kernel image assembled by `objcopy` on systemd's own stub.

mod samples;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use detente_initramfs::{Compression, CpioWriter, EntryKind, Limits, uki, walk};
use samples::{list, noise};

/// Runs a tool in `folder`; nothing when it is not installed.
fn run(folder: &Path, tool: &str, args: &[&str], input: &[u8]) -> Option<Output> {
    let child = Command::new(tool)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{tool}: {error}"),
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("the tool was started")
    });
    assert!(
        output.status.success(),
        "{tool} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output)
}

#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
fn skipped(test: &str, tool: &str) {
    eprintln!("skipped: {test}: {tool} is not installed");
}

/// The tree of the recipe: a directory, a small file, one of 300,000 odd bytes, an empty one, a
/// second name for the large file, a link, a pipe.
#[expect(clippy::unwrap_used, reason = "a fresh folder can be written")]
fn tree(folder: &Path) {
    fs::create_dir(folder.join("etc")).unwrap();
    fs::write(folder.join("etc/hostname"), b"payroll\n").unwrap();
    fs::write(folder.join("large"), noise(300_000, 11)).unwrap();
    fs::write(folder.join("empty"), b"").unwrap();
    fs::hard_link(folder.join("large"), folder.join("zz-again")).unwrap();
    symlink("etc/hostname", folder.join("link")).unwrap();
}

const NAMES: &[u8] = b"./etc\n./etc/hostname\n./empty\n./large\n./link\n./zz-again\n";

fn cpio(folder: &Path, format: &str) -> Option<Vec<u8>> {
    let args = ["-o", "--quiet", "-H", format];
    run(folder, "cpio", &args, NAMES).map(|output| output.stdout)
}

/// What the recipe's archive must hold.
fn check(archive: &[u8], compression: Compression, label: &str) {
    let mut seen = Vec::new();
    let segments = walk(archive, &Limits::default(), &mut |entry, data| {
        let mut content = Vec::new();
        data.read_to_end(&mut content).expect("the data is whole");
        seen.push((entry.clone(), content));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap_or_else(|error| panic!("{label}: {error}"));
    let names: Vec<_> = seen.iter().map(|(entry, _)| entry.name.as_str()).collect();
    // cpio holds the first name of a file with two back until it comes to the last.
    assert_eq!(
        names,
        ["etc", "etc/hostname", "empty", "link", "large", "zz-again"],
        "{label}"
    );
    let kinds: Vec<_> = seen.iter().map(|(entry, _)| entry.kind()).collect();
    assert_eq!(kinds[0], EntryKind::Directory);
    assert_eq!(kinds[3], EntryKind::Symlink);
    assert_eq!(
        seen[3].0.link_target.as_deref(),
        Some("etc/hostname"),
        "{label}"
    );
    assert_eq!(seen[1].1, b"payroll\n", "{label}");
    // The data comes with the last of two names.
    assert_eq!((seen[4].0.size, seen[5].0.size), (0, 300_000), "{label}");
    assert_eq!(seen[5].0.hard_link_to.as_deref(), Some("large"), "{label}");
    assert_eq!(seen[5].1, noise(300_000, 11), "{label}");
    assert_eq!(segments.len(), 1, "{label}");
    assert_eq!(
        (segments[0].compression, segments[0].entries),
        (compression, 6),
        "{label}"
    );
}

#[test]
fn archives_of_gnu_cpio_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    for format in ["newc", "crc"] {
        let Some(archive) = cpio(folder.path(), format) else {
            return skipped("archives_of_gnu_cpio_in_both_formats", "cpio");
        };
        check(&archive, Compression::None, format);
    }
}

#[test]
fn streams_of_every_compressor() {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let Some(archive) = cpio(folder.path(), "newc") else {
        return skipped("streams_of_every_compressor", "cpio");
    };
    let tools: [(&str, &[&str], Compression); 16] = [
        ("gzip", &["-n", "-9", "-c"], Compression::Gzip),
        ("gzip", &["-1", "-c"], Compression::Gzip),
        ("xz", &["--check=crc32", "-c"], Compression::Xz),
        ("xz", &["--check=crc64", "-8", "-T2", "-c"], Compression::Xz),
        (
            "xz",
            &["--check=crc32", "--x86", "--lzma2=dict=512KiB", "-c"],
            Compression::Xz,
        ),
        ("xz", &["--format=lzma", "-c"], Compression::Lzma),
        ("xz", &["--format=lzma", "-8", "-c"], Compression::Lzma),
        ("zstd", &["-q", "-19", "-c"], Compression::Zstd),
        (
            "zstd",
            &["-q", "-1", "-T2", "--check", "-c"],
            Compression::Zstd,
        ),
        ("zstd", &["-q", "--ultra", "-20", "-c"], Compression::Zstd),
        ("lz4", &["-q", "-l", "-c"], Compression::Lz4),
        ("lz4", &["-q", "-l", "-9", "-c"], Compression::Lz4),
        ("bzip2", &["-9", "-c"], Compression::Bzip2),
        ("bzip2", &["-1", "-c"], Compression::Bzip2),
        ("lzop", &["-9", "-c"], Compression::Lzo),
        ("lzop", &["-1", "-c"], Compression::Lzo),
    ];
    for (tool, args, compression) in tools {
        match run(folder.path(), tool, args, &archive) {
            None => skipped("streams_of_every_compressor", tool),
            Some(output) => check(&output.stdout, compression, &format!("{tool} {args:?}")),
        }
    }
}

#[test]
fn a_debian_initramfs_with_an_early_archive() {
    // What initramfs-tools does: an early archive as it is, the main one compressed behind it.
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let name = "a_debian_initramfs_with_an_early_archive";
    let Some(early) = run(
        folder.path(),
        "cpio",
        &["-o", "--quiet", "-H", "newc"],
        b"./etc\n",
    ) else {
        return skipped(name, "cpio");
    };
    let main = cpio(folder.path(), "newc").expect("cpio was there");
    let Some(main) = run(folder.path(), "zstd", &["-q", "-19", "-c"], &main) else {
        return skipped(name, "zstd");
    };
    let bytes = [early.stdout.clone(), main.stdout].concat();
    let (seen, segments) = list(&bytes).unwrap();
    assert_eq!(seen.len(), 7);
    let offset = u64::try_from(early.stdout.len()).unwrap();
    assert_eq!((segments[1].offset, segments[1].entries), (offset, 6));
}

#[test]
fn our_archives_are_listed_and_unpacked_by_gnu_cpio() {
    let mut writer = CpioWriter::new();
    writer.directory("etc", 0o755);
    writer.file("etc/hostname", 0o640, b"payroll\n");
    writer.symlink("init", "etc/hostname");
    writer.node("console", 0o020_600, 5, 1);
    let archive = writer.finish();
    let folder = tempfile::tempdir().unwrap();
    let args = ["-itv", "--quiet", "--numeric-uid-gid"];
    let Some(output) = run(folder.path(), "cpio", &args, &archive) else {
        return skipped("our_archives_are_listed_and_unpacked_by_gnu_cpio", "cpio");
    };
    let listing = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> = listing
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "drwxr-xr-x 2 0 0 0 Jan 1 1970 etc",
            "-rw-r----- 1 0 0 8 Jan 1 1970 etc/hostname",
            "lrwxrwxrwx 1 0 0 12 Jan 1 1970 init -> etc/hostname",
            "crw------- 1 0 0 5, 1 Jan 1 1970 console",
        ]
    );
    let args = ["-i", "--quiet", "--no-preserve-owner", "etc*", "init"];
    run(folder.path(), "cpio", &args, &archive).expect("cpio was there");
    assert_eq!(fs::read(folder.path().join("init")).unwrap(), b"payroll\n");
}

#[test]
fn a_unified_kernel_image_on_the_stub_of_systemd() {
    let name = "a_unified_kernel_image_on_the_stub_of_systemd";
    let stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
    if !Path::new(stub).exists() {
        return skipped(name, "systemd-boot-efi");
    }
    // Addresses are relative to the stub's image base (offset 24 of the optional header).
    let stub_bytes = fs::read(stub).unwrap();
    let pe = usize::try_from(u32::from_le_bytes(
        *stub_bytes[0x3c..].first_chunk().unwrap(),
    ));
    let base = u64::from_le_bytes(*stub_bytes[pe.unwrap() + 24 + 24..].first_chunk().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let kernel = samples::kernel("6.1.0-25-amd64 (x)", 0x020f, 1);
    let initrd = samples::compress(Compression::Zstd, &samples::archive("init", b"#!"));
    let parts: [(&str, &[u8], u64); 5] = [
        ("osrel", b"ID=debian\nVERSION_ID=12\n", 0x2_0000),
        ("cmdline", b"root=/dev/vda1 quiet\n", 0x3_0000),
        ("uname", b"6.1.0-25-amd64", 0x4_0000),
        ("linux", &kernel, 0x200_0000),
        ("initrd", &initrd, 0x300_0000),
    ];
    let mut args = Vec::new();
    for (part, data, offset) in parts {
        fs::write(folder.path().join(part), data).unwrap();
        args.push(format!("--add-section=.{part}={part}"));
        args.push(format!("--change-section-vma=.{part}={:#x}", base + offset));
    }
    args.extend([stub.to_owned(), "image.efi".to_owned()]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if run(folder.path(), "objcopy", &args, b"").is_none() {
        return skipped(name, "objcopy");
    }
    let bytes = fs::read(folder.path().join("image.efi")).unwrap();
    let image = uki::parse(&bytes).unwrap();
    assert_eq!(image.machine(), uki::Machine::X86_64);
    assert_eq!(image.linux(), Some(kernel.as_slice()));
    assert_eq!(image.initrd(), Some(initrd.as_slice()));
    assert_eq!(image.cmdline().as_deref(), Some("root=/dev/vda1 quiet"));
    assert_eq!(image.uname().as_deref(), Some("6.1.0-25-amd64"));
    assert_eq!(image.osrel().as_deref(), Some("ID=debian\nVERSION_ID=12\n"));
    // The stub alone is a sound PE file without a kernel.
    assert_eq!(
        uki::parse(&stub_bytes).unwrap_err(),
        uki::UkiError::NoKernel
    );
}
