//! Initramfs files: whose they are, who made them, what is in them.

use serde::{Deserialize, Serialize};

use super::{Evidence, ModuleRule, Place};

/// An initramfs file on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitramfsImage {
    /// The file; for a unified kernel image, that image.
    pub place: Place,
    /// How long it is as stored.
    pub stored_bytes: u64,
    /// What it is for.
    pub role: InitramfsRole,
    /// The release of the kernel that it belongs to, as in `kernels`.
    pub kernel: Option<String>,
    /// How that is known.
    pub known_by: KnownBy,
    /// The entries of the boot menu that load it, as indices into `boot.entries`.
    #[serde(default)]
    pub entries: Vec<usize>,
    /// What it holds, where asked for and readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<InitramfsContents>,
    /// Why it could not be read, or not to its end: then `contents` is what came before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// What an initramfs file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitramfsRole {
    /// Starts the machine.
    Boot,
    /// Starts it in an emergency: `initramfs-0-rescue-…`, `…-fallback.img`.
    Rescue,
    /// Writes a dump after a crash: `initramfs-…kdump.img`, `/var/lib/kdump/initrd.img-…`.
    Kdump,
    /// Carries microcode only, before another one.
    Microcode,
    /// An older copy that something put aside: `….bak`, `….old`, `….dpkg-bak`.
    Backup,
}

/// How it is known to which kernel an initramfs belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KnownBy {
    /// An entry of the boot menu loads both.
    Entry,
    /// Its name has the kernel's release in it.
    Name,
    /// It stands in the kernel's own folder.
    Folder,
    /// The only folder of modules in it is that kernel's.
    Contents,
    /// It is part of the kernel's file: a unified kernel image.
    Image,
    /// It is not known.
    Unknown,
}

/// What an initramfs holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitramfsContents {
    /// The archives in it, one after another.
    pub segments: Vec<InitramfsSegment>,
    /// What made it.
    pub generator: Generator,
    /// Its version, where the initramfs says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_version: Option<String>,
    /// Whether it is made for one machine.
    pub scope: Scope,
    /// What says so, inside the initramfs: a file, and its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_evidence: Option<String>,
    /// The arguments that dracut was called with, as `build-parameter.txt` has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_parameters: Option<String>,
    /// The parts that dracut or mkinitcpio put together: `lvm`, `nfs`, `qemu`.
    #[serde(default)]
    pub parts: Vec<String>,
    /// The kernel releases whose modules are in it.
    pub releases: Vec<String>,
    /// The modules in it, with `_` for `-`, sorted, each once.
    pub modules: Vec<String>,
    /// Modules that it loads by name, whatever hardware there is.
    #[serde(default)]
    pub loads: Vec<String>,
    /// What its own `modprobe.d` says; places are paths in the initramfs.
    #[serde(default)]
    pub module_rules: Vec<ModuleRule>,
    /// Command lines that it adds to the loader's (`etc/cmdline.d`), with their places in it.
    #[serde(default)]
    pub command_lines: Vec<AddedCommandLine>,
    /// File systems inside it that are not looked into, such as the `squashfs-root.img` of a dump's
    /// initramfs: modules may be in there.
    #[serde(default)]
    pub unread: Vec<String>,
    /// How many files and folders it has.
    pub entries: u64,
}

impl InitramfsContents {
    /// Whether a module's file is in it. What is built into the kernel is not. Where
    /// [`unread`](Self::unread) or the image's `damage` says something, `false` proves nothing.
    #[must_use]
    pub fn holds(&self, module: &str) -> bool {
        self.modules
            .binary_search(&module.replace('-', "_"))
            .is_ok()
    }
}

/// One archive of an initramfs, or one compressed stream of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitramfsSegment {
    /// Where it starts.
    pub offset: u64,
    /// How it is compressed: `uncompressed`, `gzip`, `xz`, `zstd`, `lz4`, `lzma`, `bzip2`, `lzo`.
    pub compression: String,
    /// How many files and folders it has.
    pub entries: u64,
    /// How long it is unpacked.
    pub unpacked_bytes: u64,
}

/// A program that makes initramfs files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generator {
    /// Red Hat, Fedora, SUSE from 12 on.
    Dracut,
    /// Debian and Ubuntu.
    InitramfsTools,
    /// Arch.
    Mkinitcpio,
    /// Alpine.
    Mkinitfs,
    /// SUSE up to 11.
    SuseMkinitrd,
    /// Red Hat up to 5.
    Mkinitrd,
    /// Arch and others.
    Booster,
    /// None that is known.
    Unknown,
}

/// Whether an initramfs is made for one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// With the drivers of the machine that it was made on.
    HostOnly,
    /// With the drivers of any machine.
    Generic,
    /// It does not say.
    Unknown,
}

/// A command line in an initramfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedCommandLine {
    /// The arguments.
    pub text: String,
    /// Where it is in the initramfs.
    pub at: Evidence,
}
