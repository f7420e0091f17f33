//! Fetches the distribution's kernel package and unpacks it into the cache, without installing it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::kernel::{self, LabKernel, cache_folder};
use super::modules;
use crate::HostError;
use crate::local::{child, program};

/// Packages that stand for the distribution's kernels for virtual machines, best first.
const DEBIAN: [&str; 3] = [
    "linux-image-cloud-amd64",
    "linux-image-virtual",
    "linux-image-amd64",
];

/// The packages of Fedora's and RHEL's kernel, as far as a release has them.
const RED_HAT: [&str; 3] = ["kernel-core", "kernel-modules-core", "kernel-modules"];

/// Fetches a kernel with the distribution's own tools, as the user who asks. Only what the lab
/// needs of it is kept.
///
/// # Errors
/// [`HostError::Missing`] without apt or dnf, [`HostError::Failed`] with what they said.
pub fn fetch(folders: &[PathBuf], cache: &Path) -> Result<LabKernel, HostError> {
    let folder = cache_folder(cache);
    let work = folder.join(format!(".{}", std::process::id()));
    let result = fetch_into(folders, &folder, &work);
    let _ = fs::remove_dir_all(&work);
    result
}

fn fetch_into(folders: &[PathBuf], folder: &Path, work: &Path) -> Result<LabKernel, HostError> {
    let tree = work.join("tree");
    fs::create_dir_all(&tree).map_err(|source| HostError::Io {
        action: "making a folder in the cache",
        source,
    })?;
    let name = if let Some(apt) = program::in_folders(folders, "apt-get") {
        from_debian(folders, &apt, work, &tree)?
    } else if let Some(dnf) = program::in_folders(folders, "dnf") {
        from_red_hat(folders, &dnf, work, &tree)?
    } else {
        return Err(HostError::Missing {
            what: "apt-get or dnf".to_owned(),
            remedy: "install a kernel of the distribution's, so that it is in /boot".to_owned(),
        });
    };
    let origin = format!("from package {name}");
    let found = kernel::find_below(&tree, &origin, "")
        .map_err(|reasons| failed(format!("{name} does not serve: {}", reasons.join("; "))))?;
    keep(&found, &tree, &folder.join(&name))
}

fn from_debian(
    folders: &[PathBuf],
    apt: &Path,
    work: &Path,
    tree: &Path,
) -> Result<String, HostError> {
    let query = needed(folders, "apt-cache")?;
    let unpack = needed(folders, "dpkg-deb")?;
    let mut image = None;
    for name in DEBIAN {
        let said = run(Command::new(&query).args(["depends", name]), work);
        if let Ok(said) = said
            && let Some(found) = depends_on(&said, "linux-image-")
        {
            image = Some(found);
            break;
        }
    }
    let image = image.ok_or_else(|| {
        failed("apt knows none of the kernel packages; `sudo apt-get update` may help".to_owned())
    })?;
    let said = run(Command::new(&query).args(["depends", &image]), work)?;
    let mut packages = vec![image];
    packages.extend(depends_on(&said, "linux-modules-"));
    run(Command::new(apt).arg("download").args(&packages), work)?;
    let files = files_with(work, "deb");
    for file in &files {
        run(Command::new(&unpack).arg("-x").arg(file).arg(tree), work)?;
    }
    named(&files, "linux-image-")
}

fn from_red_hat(
    folders: &[PathBuf],
    dnf: &Path,
    work: &Path,
    tree: &Path,
) -> Result<String, HostError> {
    let archive = needed(folders, "rpm2cpio")?;
    let unpack = needed(folders, "cpio")?;
    let download = |packages: &[&str]| {
        let mut command = Command::new(dnf);
        command.args(["download", "--arch", "x86_64", "--destdir"]);
        run(command.arg(work).args(packages), work)
    };
    // Not every release has the packages of modules.
    download(&RED_HAT).or_else(|_| download(&RED_HAT[..1]))?;
    let files = files_with(work, "rpm");
    for file in &files {
        let path = work.join("payload");
        let payload = File::create(&path).map_err(reading)?;
        let mut command = Command::new(&archive);
        command.arg(file).stdout(payload);
        run(&mut command, work)?;
        let mut command = Command::new(&unpack);
        command.args(["-idm", "--quiet", "--no-absolute-filenames"]);
        command.stdin(File::open(&path).map_err(reading)?);
        run(&mut command, tree)?;
    }
    named(&files, "kernel-core")
}

fn needed(folders: &[PathBuf], name: &str) -> Result<PathBuf, HostError> {
    program::in_folders(folders, name).ok_or_else(|| HostError::Missing {
        what: name.to_owned(),
        remedy: format!("install {name}, which belongs to the distribution's package tools"),
    })
}

/// Runs a tool to its end. What it may spend on a network is its user's to say: Ctrl-C ends it
/// with us.
fn run(command: &mut Command, folder: &Path) -> Result<String, HostError> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.current_dir(folder).env("LC_ALL", "C");
    child::guard(command);
    let ended = command
        .stderr(Stdio::piped())
        .output()
        .map_err(|source| HostError::Io {
            action: "starting a package tool",
            source,
        })?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(failed(format!("{name}: {}: {}", ended.status, said.trim())))
}

/// The first package that something depends on and whose name starts so, by `apt-cache depends`.
fn depends_on(said: &str, start: &str) -> Option<String> {
    said.lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with(start))
        .map(str::to_owned)
}

fn files_with(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new(extension)))
        .collect();
    files.sort();
    files
}

/// The package's full name, by its file's.
fn named(files: &[PathBuf], start: &str) -> Result<String, HostError> {
    files
        .iter()
        .filter_map(|file| file.file_stem()?.to_str())
        .find(|name| name.starts_with(start))
        .map(str::to_owned)
        .ok_or_else(|| failed("nothing was fetched".to_owned()))
}

/// Keeps what the lab needs of a kernel, under the package's name.
fn keep(found: &LabKernel, tree: &Path, folder: &Path) -> Result<LabKernel, HostError> {
    let part = tree.with_extension("kept");
    let mut files = vec![found.image.clone(), found.modules.join("modules.builtin")];
    files.push(tree.join(format!("boot/config-{}", found.release)));
    files.extend(modules::paths(&found.modules).map_err(failed)?);
    for file in files.iter().filter(|file| file.exists()) {
        let below = file.strip_prefix(tree).expect("it was found in the tree");
        let kept = part.join(below);
        let copied =
            fs::create_dir_all(kept.parent().unwrap_or(&part)).and_then(|()| fs::copy(file, &kept));
        copied.map_err(reading)?;
    }
    let _ = fs::remove_dir_all(folder);
    fs::rename(&part, folder).map_err(reading)?;
    kernel::find_below(folder, &found.origin, "").map_err(|reasons| failed(reasons.join("; ")))
}

fn reading(source: std::io::Error) -> HostError {
    HostError::Io {
        action: "unpacking the lab's kernel",
        source,
    }
}

fn failed(detail: String) -> HostError {
    HostError::Failed {
        action: "fetching a kernel for the lab",
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::depends_on;

    /// What `apt-cache depends` of Debian 12 and of Ubuntu 24.04 prints.
    #[test]
    fn the_package_behind_a_name_that_stays_is_found() {
        let debian = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n";
        let ubuntu = "linux-image-6.8.0-31-generic\n |PreDepends: x\n  Depends: kmod\n  \
                      Depends: linux-base\n  Depends: linux-modules-6.8.0-31-generic\n";
        assert_eq!(
            depends_on(debian, "linux-image-").as_deref(),
            Some("linux-image-6.1.0-56-cloud-amd64")
        );
        assert_eq!(
            depends_on(ubuntu, "linux-modules-").as_deref(),
            Some("linux-modules-6.8.0-31-generic")
        );
        assert_eq!(depends_on(ubuntu, "linux-image-"), None);
    }
}
