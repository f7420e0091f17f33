//! Builds small disks with the usual tools: mke2fs, mformat, sfdisk.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use detente_block::{BlockRead, FileBackend};

/// The root's UUID.
pub(crate) const ROOT: &str = "11111111-2222-3333-4444-555555555555";
const MIB: u64 = 1 << 20;

/// A folder that becomes a disk: an ESP and a root.
pub(crate) struct Builder {
    place: tempfile::TempDir,
}

impl Builder {
    /// A Debian-like guest. `None` if a tool is missing; `test` is named then.
    #[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
    pub(crate) fn new(test: &str) -> Option<Self> {
        for tool in ["mke2fs", "mformat", "mmd", "mcopy", "sfdisk"] {
            if Command::new(tool).arg("--version").output().is_err() {
                eprintln!("skipped: {test}: {tool} is not there");
                return None;
            }
        }
        let builder = Self {
            place: tempfile::tempdir().unwrap(),
        };
        builder
            .file("boot/grub/grub.cfg", config(ROOT).as_bytes())
            .file("boot/vmlinuz-6.1", &kernel("6.1"))
            .file("boot/initrd.img-6.1", b"initrd")
            .file(
                "usr/lib/os-release",
                b"ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n",
            )
            .link("etc/os-release", "../usr/lib/os-release")
            .file(
                "etc/fstab",
                format!("UUID={ROOT} / ext4 defaults 0 1\n").as_bytes(),
            )
            .file("lib/systemd/systemd", &program(62))
            .link("sbin/init", "/lib/systemd/systemd")
            .file("lib/modules/6.1/modules.dep", b"");
        Some(builder)
    }

    fn tree(&self) -> PathBuf {
        self.place.path().join("tree")
    }

    /// Puts a file into the root.
    pub(crate) fn file(&self, path: &str, bytes: &[u8]) -> &Self {
        let path = self.tree().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn link(&self, path: &str, target: &str) -> &Self {
        let path = self.tree().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// Takes a file out of the root.
    pub(crate) fn without(&self, path: &str) -> &Self {
        fs::remove_file(self.tree().join(path)).unwrap();
        self
    }

    /// Makes the disk.
    pub(crate) fn disk(&self) -> Arc<dyn BlockRead> {
        let root = self.place.path().join("root.ext4");
        run(Command::new("mke2fs")
            .args(["-q", "-t", "ext4", "-U", ROOT, "-d"])
            .arg(self.tree())
            .arg(&root)
            .arg("24M"));
        self.assemble(&fs::read(root).unwrap())
    }

    /// Makes a disk whose second partition starts with these bytes.
    pub(crate) fn assemble(&self, root: &[u8]) -> Arc<dyn BlockRead> {
        let disk = self.place.path().join("disk.raw");
        let esp = self.esp();
        let file = fs::File::create(&disk).unwrap();
        file.set_len(40 * MIB).unwrap();
        let script = self.place.path().join("layout");
        fs::write(
            &script,
            "label: gpt\nstart=2048, size=16384, type=uefi\nstart=18432, size=49152, type=linux\n",
        )
        .unwrap();
        run(Command::new("sfdisk")
            .arg("-q")
            .arg(&disk)
            .stdin(fs::File::open(script).unwrap()));
        file.write_all_at(&fs::read(esp).unwrap(), MIB).unwrap();
        file.write_all_at(root, 9 * MIB).unwrap();
        Arc::new(FileBackend::open(&disk).unwrap())
    }

    fn esp(&self) -> PathBuf {
        let esp = self.place.path().join("esp.fat");
        fs::File::create(&esp).unwrap().set_len(8 * MIB).unwrap();
        run(Command::new("mformat")
            .arg("-i")
            .arg(&esp)
            .args(["-N", "abcd1234", "::"]));
        run(Command::new("mmd")
            .arg("-i")
            .arg(&esp)
            .args(["::/EFI", "::/EFI/debian"]));
        let stub = self.place.path().join("grub.cfg");
        let text = format!(
            "search.fs_uuid {ROOT} root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
        );
        fs::write(&stub, text).unwrap();
        run(Command::new("mcopy")
            .arg("-i")
            .arg(&esp)
            .arg(&stub)
            .arg("::/EFI/debian/grub.cfg"));
        esp
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A configuration whose default entry has this root.
pub(crate) fn config(root: &str) -> String {
    format!(
        "set default=\"0\"\nmenuentry 'Debian' $menuentry_id_option 'd' {{\n\
         \tsearch --no-floppy --fs-uuid --set=root {ROOT}\n\
         \tlinux\t/boot/vmlinuz-6.1 root=UUID={root} ro quiet\n\tinitrd\t/boot/initrd.img-6.1\n}}\n"
    )
}

/// The head of a kernel image. [Linux] Documentation/arch/x86/boot.rst.
pub(crate) fn kernel(release: &str) -> Vec<u8> {
    let mut bytes = vec![0; 5 * 512];
    bytes[0x1f1] = 4;
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x206..0x208].copy_from_slice(&[0x0f, 0x02]);
    bytes[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    bytes[0x236] = 1;
    let version = format!("{release} (builder@host) #1 SMP");
    bytes[0x400..0x400 + version.len()].copy_from_slice(version.as_bytes());
    bytes
}

/// The head of a program. [ELF]: 62 is x86-64, 183 is AArch64.
pub(crate) fn program(machine: u8) -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(18, 0);
    head.extend([machine, 0]);
    head
}

/// A LUKS header of version 2: magic, version, and a UUID at offset 168.
pub(crate) fn luks() -> Vec<u8> {
    let mut header = b"LUKS\xba\xbe\x00\x02".to_vec();
    header.resize(168, 0);
    header.extend(ROOT.bytes());
    header.resize(4096, 0);
    header
}

/// For messages: which file of the repository this is about.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
