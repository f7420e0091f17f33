//! Initramfs files. Linux, `Documentation/driver-api/early-userspace/buffer-format.rst`: "newc".

/// An archive of these files; folders are left out, for nobody reads them.
pub(crate) fn newc(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        member(&mut archive, name, 0o100_644, bytes);
    }
    member(&mut archive, "TRAILER!!!", 0, &[]);
    archive
}

fn member(archive: &mut Vec<u8>, name: &str, mode: u32, bytes: &[u8]) {
    // inode, mode, uid, gid, links, mtime, size, four numbers of devices, the name's size, check.
    let header = format!(
        "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:032x}{:08x}{:08x}",
        1,
        0,
        0,
        1,
        0,
        bytes.len(),
        0,
        name.len() + 1,
        0
    );
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(name.as_bytes());
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend_from_slice(bytes);
    archive.resize(archive.len().next_multiple_of(4), 0);
}
