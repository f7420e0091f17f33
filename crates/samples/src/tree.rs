//! The files of a guest's root.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::heads::{initramfs, kernel, program};
use crate::tool::{run, tool};

/// The UUID of every root that is made here.
pub const ROOT: &str = "11111111-2222-3333-4444-555555555555";

/// What lies at a path.
#[derive(Debug, Clone)]
enum Entry {
    File(Vec<u8>),
    Link(String),
}

/// The files of a root, by their paths without a slash in front.
#[derive(Debug, Clone, Default)]
pub struct Tree(BTreeMap<String, Entry>);

impl Tree {
    /// What a Debian that GRUB would start consists of, as far as anybody looks.
    #[must_use]
    pub fn debian() -> Self {
        let release = b"ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n";
        let fstab = format!("UUID={ROOT} / ext4 defaults 0 1\n");
        Self::default()
            .file("boot/grub/grub.cfg", Self::grub(ROOT, true).as_bytes())
            .file("boot/vmlinuz-6.1", &kernel("6.1"))
            .file("boot/initrd.img-6.1", &initramfs())
            .file("usr/lib/os-release", release)
            .link("etc/os-release", "../usr/lib/os-release")
            .file("etc/fstab", fstab.as_bytes())
            .file("lib/systemd/systemd", &program(62))
            .link("sbin/init", "/lib/systemd/systemd")
            .file("lib/modules/6.1/modules.dep", b"")
    }

    /// A GRUB configuration whose only entry has this root, with its initramfs or without.
    #[must_use]
    pub fn grub(root: &str, initramfs: bool) -> String {
        let initrd = if initramfs {
            "\tinitrd\t/boot/initrd.img-6.1\n"
        } else {
            ""
        };
        format!(
            "set default=\"0\"\nmenuentry 'Debian' $menuentry_id_option 'd' {{\n\
             \tsearch --no-floppy --fs-uuid --set=root {ROOT}\n\
             \tlinux\t/boot/vmlinuz-6.1 root=UUID={root} ro quiet\n{initrd}}}\n"
        )
    }

    /// With a file, in the place of what was there.
    #[must_use]
    pub fn file(self, path: &str, bytes: &[u8]) -> Self {
        self.entry(path, Entry::File(bytes.to_vec()))
    }

    /// With a symbolic link, in the place of what was there.
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, Entry::Link(target.to_owned()))
    }

    /// Without a file, which must be there.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        assert!(self.0.remove(path).is_some(), "{path} was not there");
        self
    }

    fn entry(mut self, path: &str, entry: Entry) -> Self {
        self.0.insert(path.to_owned(), entry);
        self
    }

    /// Whether there is a file or a link of this path.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// What is in a file, which must be there.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        match self.0.get(path) {
            Some(Entry::File(bytes)) => String::from_utf8(bytes.clone()).unwrap(),
            Some(Entry::Link(_)) | None => panic!("{path} is no file"),
        }
    }

    /// Makes these files and links in a folder.
    pub fn lay_out(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (path, entry) in &self.0 {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match entry {
                Entry::File(bytes) => fs::write(path, bytes).unwrap(),
                Entry::Link(target) => symlink(target, path).unwrap(),
            }
        }
    }

    /// An ext4 file system of that size with these files, its UUID [`ROOT`], by mke2fs.
    #[must_use]
    pub fn ext4(&self, mib: u64) -> Vec<u8> {
        let place = tempfile::tempdir().unwrap();
        let (tree, image) = (place.path().join("tree"), place.path().join("image"));
        self.lay_out(&tree);
        run(tool("mke2fs")
            .args(["-q", "-t", "ext4", "-U", ROOT, "-d"])
            .args([&tree, &image])
            .arg(format!("{mib}M")));
        fs::read(image).unwrap()
    }
}
