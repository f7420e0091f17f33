//! Disk images for tests: made by QEMU's tools, or samples made by others.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::{detente, expect_code, repository, stderr, stdout};

/// A folder with disk images in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder, if QEMU's tools are there; what is skipped is said aloud.
    pub(crate) fn with_qemu(test: &str) -> Option<Self> {
        for tool in ["qemu-img", "qemu-io"] {
            let there = Command::new(tool).arg("--version").output();
            if !there.is_ok_and(|output| output.status.success()) {
                eprintln!("skipped: {test}: {tool} is not there");
                return None;
            }
        }
        Some(Self::empty())
    }

    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    /// A folder with a sample that another program made, unpacked.
    pub(crate) fn with_sample(test: &str, name: &str) -> Option<Self> {
        let packed = repository()
            .join("../shared/disks")
            .join(format!("{name}.zst"));
        if !packed.exists() {
            eprintln!("skipped: {test}: the sample {name} is not there");
            return None;
        }
        let place = Self::empty();
        let unpacked = Command::new("zstd")
            .args(["-q", "-d", "--sparse", "-o"])
            .arg(place.path(name))
            .arg(&packed)
            .status();
        if !unpacked.is_ok_and(|status| status.success()) {
            eprintln!("skipped: {test}: zstd is not there");
            return None;
        }
        Some(place)
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `qemu-img` in the folder; it must succeed.
    #[track_caller]
    pub(crate) fn qemu_img(&self, arguments: &[&str]) -> String {
        let output = self.try_qemu_img(arguments);
        assert!(
            output.status.success(),
            "qemu-img {arguments:?}: {}",
            stderr(&output)
        );
        stdout(&output)
    }

    /// Runs `qemu-img` in the folder, whatever it says.
    #[track_caller]
    pub(crate) fn try_qemu_img(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("qemu-img");
        command.args(arguments).current_dir(self.folder());
        command.output().unwrap()
    }

    /// Runs commands of `qemu-io` on an image in the folder.
    #[track_caller]
    pub(crate) fn qemu_io(&self, format: &str, name: &str, commands: &[&str]) {
        let mut command = Command::new("qemu-io");
        command.args(["-f", format]).current_dir(self.folder());
        for each in commands {
            command.args(["-c", each]);
        }
        let output = command.arg(name).output().unwrap();
        let said = stdout(&output) + &stderr(&output);
        assert!(output.status.success(), "{commands:?}: {said}");
        assert!(!said.contains("error"), "{commands:?}: {said}");
    }

    /// An image of 64 MiB: runs of patterns, zeroes that were written, a hole, an odd end.
    #[track_caller]
    pub(crate) fn mixed(&self, format: &str, name: &str, options: &str) {
        let mut create = vec!["create", "-q", "-f", format];
        if !options.is_empty() {
            create.extend(["-o", options]);
        }
        self.qemu_img(&[&create[..], &[name, "64M"]].concat());
        let commands = [
            "write -P 0x5a 0 5k",
            "write -P 0xa5 1M 700k",
            "write -P 0x11 30M 3M",
            "write -z 31M 64k",
            "write -P 0x77 64511k 1k",
        ];
        self.qemu_io(format, name, &commands);
    }

    /// Runs `detente image` in the folder.
    #[track_caller]
    pub(crate) fn image(&self, arguments: &[&str]) -> Output {
        let mut command = detente();
        command.arg("image").args(arguments);
        command.current_dir(self.folder()).output().unwrap()
    }

    /// What `detente image` says as JSON, with this exit code.
    #[track_caller]
    pub(crate) fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let output = self.image(arguments);
        expect_code(&output, code);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", stdout(&output)))
    }

    /// Writes bytes into a file.
    pub(crate) fn poke(&self, name: &str, offset: u64, bytes: &[u8]) {
        let file = fs::OpenOptions::new().write(true).open(self.path(name));
        file.unwrap().write_all_at(bytes, offset).unwrap();
    }

    /// Cuts a file off.
    pub(crate) fn cut(&self, name: &str, len: u64) {
        let file = fs::OpenOptions::new().write(true).open(self.path(name));
        file.unwrap().set_len(len).unwrap();
    }
}
