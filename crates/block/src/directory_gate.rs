//! The gate that keeps an image inside its own folder.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::{FileBackend, Gate, GateError, Opened};

/// How many files deep a chain may go. QEMU has no such limit; a sane chain has a handful.
const MAX_DEPTH: u32 = 16;

/// Lets files of the image's own folder through, and of folders that the user allowed.
///
/// A name is relative to the folder of the file that names it, and what it leads to (symbolic
/// links followed) must lie in the first image's folder, below it, or in an allowed folder.
/// Absolute names and names with `..` have to lead into an allowed folder. Names of protocols
/// (`nbd:…`, `json:…`, `http://…`) are never followed.
#[derive(Debug, Clone)]
pub struct DirectoryGate {
    /// What relative names start from.
    directory: PathBuf,
    /// The first image's folder.
    home: PathBuf,
    allowed: Vec<PathBuf>,
    depth: u32,
}

impl DirectoryGate {
    /// A gate for the image at `image`: its folder is the only one allowed.
    #[must_use]
    pub fn beside(image: &Path) -> Self {
        let directory = folder_of(image);
        Self {
            home: directory.clone(),
            directory,
            allowed: Vec::new(),
            depth: MAX_DEPTH,
        }
    }

    /// Allows a further folder, and what lies below it.
    #[must_use]
    pub fn allow(mut self, dir: PathBuf) -> Self {
        self.allowed.push(dir);
        self
    }

    /// Where `name` leads, as spelt; only the name is looked at.
    fn resolve(&self, name: &str) -> Result<PathBuf, &'static str> {
        if self.depth == 0 {
            return Err("the chain of files that name each other is too long");
        }
        if name.is_empty() || name.contains('\0') {
            return Err("it is not a file name");
        }
        if has_protocol(name) {
            return Err("it names a protocol, not a file");
        }
        if self.allowed.is_empty() && Path::new(name).is_absolute() {
            return Err("it is an absolute path, and no further folder was allowed");
        }
        if self.allowed.is_empty() && leaves_upwards(name) {
            return Err("it leads out of the image's folder, and no further folder was allowed");
        }
        Ok(self.directory.join(name))
    }

    /// Whether the resolved path `file` lies where `name` may lead to.
    fn permits(&self, name: &str, file: &Path) -> bool {
        let own = !Path::new(name).is_absolute() && !leaves_upwards(name);
        let home = own.then_some(&self.home);
        home.into_iter()
            .chain(&self.allowed)
            .filter_map(|folder| folder.canonicalize().ok())
            .any(|folder| file.starts_with(folder))
    }
}

/// The folder that names in `file` are relative to; never the empty path.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// QEMU's rule (`path_has_protocol`): a colon before the first slash.
fn has_protocol(name: &str) -> bool {
    name.split('/')
        .next()
        .is_some_and(|first| first.contains(':'))
}

fn leaves_upwards(name: &str) -> bool {
    Path::new(name)
        .components()
        .any(|part| part == Component::ParentDir)
}

impl Gate for DirectoryGate {
    fn open(&self, name: &str) -> Result<Opened, GateError> {
        let refused = |rule| GateError::Refused {
            name: name.to_owned(),
            rule,
        };
        let named = self.resolve(name).map_err(refused)?;
        let cannot = |path: &Path, source| GateError::Open {
            path: path.to_path_buf(),
            source,
        };
        let path = named
            .canonicalize()
            .map_err(|error| cannot(&named, error))?;
        if !self.permits(name, &path) {
            return Err(refused("it lies outside the folders that are allowed"));
        }
        let reader = Arc::new(FileBackend::open(&path).map_err(|error| cannot(&path, error))?);
        // Like QEMU, names in it are relative to the folder where it was named, not to where a
        // symbolic link led.
        let depth = self.depth.saturating_sub(1);
        let gate = Box::new(Self {
            directory: folder_of(&named),
            depth,
            ..self.clone()
        });
        Ok(Opened { reader, path, gate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A folder `images` with an image, a base, a base in a subfolder, links out of it, and a
    /// neighbouring folder.
    fn folders() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let path = root.path();
        fs::create_dir_all(path.join("images/deep")).unwrap();
        fs::create_dir(path.join("images-secret")).unwrap();
        fs::write(path.join("images/top"), b"top").unwrap();
        fs::write(path.join("images/base"), b"base").unwrap();
        fs::write(path.join("images/deep/base"), b"deep base").unwrap();
        fs::write(path.join("images-secret/key"), b"secret").unwrap();
        symlink("../images-secret/key", path.join("images/link")).unwrap();
        symlink("../images-secret", path.join("images/folder")).unwrap();
        symlink("deep/base", path.join("images/inner")).unwrap();
        root
    }

    fn check(gate: &DirectoryGate, name: &str, expect: Result<u64, &str>) {
        let got = match gate.open(name) {
            Ok(opened) => Ok(opened.reader.len_bytes()),
            Err(GateError::Refused { rule, .. }) => Err(rule.to_owned()),
            Err(GateError::Open { source, .. }) => Err(source.to_string()),
        };
        match (got, expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect, "{name}"),
            (Err(got), Err(expect)) => assert!(got.contains(expect), "{name}: {got}"),
            (got, expect) => panic!("{name}: {got:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn files_of_the_folder_pass_and_nothing_else() {
        let root = folders();
        let gate = DirectoryGate::beside(&root.path().join("images/top"));
        check(&gate, "base", Ok(4));
        check(&gate, "./base", Ok(4));
        check(&gate, "deep/base", Ok(9));
        check(&gate, "inner", Ok(9));
        check(&gate, "nothing", Err("No such file"));
        check(&gate, "deep", Err("directory"));
        check(&gate, "", Err("not a file name"));
        check(&gate, "ba\0se", Err("not a file name"));
        check(&gate, "../images/base", Err("leads out"));
        check(&gate, "deep/../base", Err("leads out"));
        check(&gate, "link", Err("outside"));
        check(&gate, "folder/key", Err("outside"));
        check(&gate, "/etc/hostname", Err("absolute"));
        for name in [
            "nbd:localhost",
            "json:{}",
            "http://host/x",
            "file:base",
            "fat:rw:.",
        ] {
            check(&gate, name, Err("protocol"));
        }
    }

    #[test]
    fn a_folder_whose_name_only_begins_alike_is_outside() {
        let root = folders();
        let gate = DirectoryGate::beside(&root.path().join("images/top"));
        let gate = gate.allow(root.path().join("images/deep"));
        check(&gate, "../images-secret/key", Err("outside"));
    }

    #[test]
    fn an_allowed_folder_may_be_named() {
        let root = folders();
        let gate = DirectoryGate::beside(&root.path().join("images/top"));
        let gate = gate.allow(root.path().join("images-secret"));
        let key = root.path().join("images-secret/key");
        check(&gate, key.to_str().unwrap(), Ok(6));
        check(&gate, "../images-secret/key", Ok(6));
        check(&gate, "link", Ok(6));
        check(&gate, "base", Ok(4));
        check(&gate, "/etc/hostname", Err("outside"));
    }

    #[test]
    fn a_chain_may_be_sixteen_deep() {
        let root = folders();
        let mut gate: Box<dyn Gate> =
            Box::new(DirectoryGate::beside(&root.path().join("images/top")));
        for _ in 0..16 {
            gate = gate.open("base").unwrap().gate;
        }
        assert!(matches!(
            gate.open("base"),
            Err(GateError::Refused { rule, .. }) if rule.contains("too long")
        ));
    }

    #[test]
    fn names_in_a_base_are_relative_to_where_it_was_named() {
        let root = folders();
        let gate = DirectoryGate::beside(&root.path().join("images/top"));
        let deep = gate.open("deep/base").unwrap();
        assert_eq!(deep.gate.open("base").unwrap().reader.len_bytes(), 9);
        let linked = gate.open("inner").unwrap();
        assert_eq!(linked.gate.open("base").unwrap().reader.len_bytes(), 4);
        assert!(linked.path.ends_with("images/deep/base"));
    }

    #[test]
    fn a_bare_name_lies_in_the_current_folder() {
        assert_eq!(
            DirectoryGate::beside(Path::new("disk.qcow2")).directory,
            Path::new(".")
        );
        assert_eq!(
            DirectoryGate::beside(Path::new("a/disk.qcow2")).directory,
            Path::new("a")
        );
    }
}
