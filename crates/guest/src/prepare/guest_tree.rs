//! The guest's files as a plan needs them: without links, and with what stands there now.

use detente_volume::{FileKind, FsError};

use super::digest::{sha256, sha256_of};
use super::{FileFacts, FileState};
use crate::files::{Files, absent};

/// \[path_resolution(7)\] Linux follows 40 links, then gives up.
const MAX_LINKS: u32 = 40;
/// More parts than any path has.
const MAX_PARTS: usize = 4096;
/// Configuration that is edited is shorter.
pub(crate) const MAX_EDIT_BYTES: u64 = 4 << 20;

/// The path without symbolic links; what of it is not there is kept as it is. `None` where links
/// lead in a circle.
pub(crate) fn real_path(files: Files<'_>, path: &str) -> Result<Option<String>, FsError> {
    let mut ahead: Vec<String> = parts(path);
    let (mut at, mut links) = (String::new(), 0_u32);
    while let Some(part) = ahead.pop() {
        if part == ".." {
            at.truncate(at.rfind('/').unwrap_or(0));
            continue;
        }
        let next = format!("{at}/{part}");
        match files.link(&next)? {
            None => at = next,
            Some(target) => {
                links = links.saturating_add(1);
                if links > MAX_LINKS || ahead.len() > MAX_PARTS {
                    return Ok(None);
                }
                if target.starts_with('/') {
                    at.clear();
                }
                ahead.extend(parts(&target));
            }
        }
    }
    Ok(Some(if at.is_empty() { "/".to_owned() } else { at }))
}

/// The components of a path, the first one last.
fn parts(path: &str) -> Vec<String> {
    let parts = path.rsplit('/').filter(|part| !matches!(*part, "" | "."));
    parts.take(MAX_PARTS).map(str::to_owned).collect()
}

/// What stands at a path; a link in its last part is not followed.
pub(crate) fn state(files: Files<'_>, path: &str) -> Result<FileState, FsError> {
    if let Some(target) = files.link(path)? {
        return Ok(FileState::Link { target });
    }
    let Some(metadata) = absent(files.system().metadata(path))? else {
        return Ok(FileState::Absent);
    };
    match metadata.kind {
        FileKind::File => {}
        FileKind::Directory | FileKind::Symlink | FileKind::Special => return Ok(FileState::Other),
    }
    let file = files.system().open(path)?;
    Ok(FileState::File(FileFacts {
        sha256: sha256_of(&*file)?,
        len_bytes: file.len_bytes(),
        mode: u32::from(metadata.mode),
        modified_s: metadata.modified_s,
        owner: None,
        xattrs: None,
    }))
}

/// The state of a file that has these bytes.
pub(crate) fn is_of(state: &FileState, bytes: &[u8]) -> bool {
    matches!(state, FileState::File(file) if file.sha256 == sha256(bytes))
}

/// Whether the guest has a program of this name where it would be looked for.
pub(crate) fn has_program(files: Files<'_>, name: &str) -> Result<bool, FsError> {
    if name.starts_with('/') {
        return files.is_file(name);
    }
    for folder in super::tool::SEARCH_PATH.split(':') {
        if files.is_file(&format!("{folder}/{name}"))? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    #[test]
    fn links_are_taken_out_of_paths() {
        let fs = Memory::new()
            .file("/etc/default/grub", "x")
            .link("/etc/sysconfig/grub", "../default/grub")
            .link("/boot/grub2", "/efi/EFI/fedora")
            .link("/loop", "/loop");
        let check = |path: &str, expect: Option<&str>| {
            let found = real_path(fs.files(), path).unwrap();
            assert_eq!(found.as_deref(), expect, "{path}");
        };
        check("/etc/sysconfig/grub", Some("/etc/default/grub"));
        check("/boot/grub2/grub.cfg", Some("/efi/EFI/fedora/grub.cfg"));
        check("/etc//./new/file", Some("/etc/new/file"));
        check("/loop/x", None);
    }

    #[test]
    fn programs_are_found_in_the_search_path() {
        let fs = Memory::new()
            .file("/usr/bin/dracut", "x")
            .link("/sbin", "/usr/sbin");
        assert!(has_program(fs.files(), "dracut").unwrap());
        assert!(!has_program(fs.files(), "mkinitcpio").unwrap());
        let state = state(fs.files(), "/usr/bin/dracut").unwrap();
        assert!(is_of(&state, b"x") && !is_of(&state, b"y"));
    }
}
