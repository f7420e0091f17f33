//! Writing cpio archives, and appending them to an initramfs.

/// Writes an archive in the format newc. Everything belongs to uid 0 and gid 0 and is of the year
/// 1970, so that equal input gives equal bytes. Names are relative (`etc/hostname`); directories
/// come before what is in them, and the kernel makes none by itself.
///
/// # Panics
/// Each method panics when a name contains NUL or is absolute, or when data is above 4 GiB: both
/// are the caller's own.
#[derive(Debug, Clone)]
pub struct CpioWriter {
    bytes: Vec<u8>,
    next_inode: u32,
}

/// What a header says besides the defaults.
struct Fields<'a> {
    name: &'a str,
    inode: u32,
    mode: u32,
    links: u32,
    device: (u32, u32),
    data: &'a [u8],
}

const PERMISSIONS: u32 = 0o7777;

impl CpioWriter {
    /// An empty archive.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            next_inode: 1,
        }
    }

    /// Adds a directory with the permissions of `mode`.
    pub fn directory(&mut self, name: &str, mode: u32) -> &mut Self {
        self.add(name, 0o040_000 | (mode & PERMISSIONS), 2, (0, 0), &[])
    }

    /// Adds a regular file with the permissions of `mode`.
    pub fn file(&mut self, name: &str, mode: u32, data: &[u8]) -> &mut Self {
        self.add(name, 0o100_000 | (mode & PERMISSIONS), 1, (0, 0), data)
    }

    /// Adds a symbolic link to `target`.
    pub fn symlink(&mut self, name: &str, target: &str) -> &mut Self {
        self.add(name, 0o120_777, 1, (0, 0), target.as_bytes())
    }

    /// Adds a device node; `mode` has its type bits, such as `0o020_600` for a character device.
    pub fn node(&mut self, name: &str, mode: u32, major: u32, minor: u32) -> &mut Self {
        self.add(name, mode, 1, (major, minor), &[])
    }

    /// The archive with its trailer.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let trailer = Fields {
            name: "TRAILER!!!",
            inode: 0,
            mode: 0,
            links: 1,
            device: (0, 0),
            data: &[],
        };
        self.write(&trailer);
        self.bytes
    }

    fn add(
        &mut self,
        name: &str,
        mode: u32,
        links: u32,
        device: (u32, u32),
        data: &[u8],
    ) -> &mut Self {
        assert!(
            !name.is_empty() && !name.starts_with('/'),
            "{name:?} is not a relative name"
        );
        assert!(!name.contains('\0'), "{name:?} contains NUL");
        let inode = self.next_inode;
        self.next_inode = self.next_inode.wrapping_add(1);
        self.write(&Fields {
            name,
            inode,
            mode,
            links,
            device,
            data,
        });
        self
    }

    fn write(&mut self, fields: &Fields<'_>) {
        let size = u32::try_from(fields.data.len()).expect("newc holds files below 4 GiB");
        let name_size = u32::try_from(fields.name.len())
            .ok()
            .and_then(|length| length.checked_add(1))
            .expect("a name is shorter than 4 GiB");
        let (major, minor) = fields.device;
        self.bytes.extend_from_slice(b"070701");
        // ino mode uid gid nlink mtime filesize maj min rmaj rmin namesize chksum
        for value in [
            fields.inode,
            fields.mode,
            0,
            0,
            fields.links,
            0,
            size,
            0,
            0,
            major,
            minor,
            name_size,
            0,
        ] {
            self.bytes
                .extend_from_slice(format!("{value:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(fields.name.as_bytes());
        self.bytes.push(0);
        pad(&mut self.bytes);
        self.bytes.extend_from_slice(fields.data);
        pad(&mut self.bytes);
    }
}

impl Default for CpioWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Puts `archive` behind `initramfs`, so that the kernel unpacks it last.
///
/// At least four zero bytes go between them, up to a multiple of four: plain archives start at
/// such a multiple, and the kernel sees the end of an lz4 segment only by a zero word (since Linux
/// 5.11, and in stable kernels of that time; older ones take nothing behind lz4).
#[must_use]
pub fn append(mut initramfs: Vec<u8>, archive: &[u8]) -> Vec<u8> {
    pad(&mut initramfs);
    if !initramfs.is_empty() {
        initramfs.extend_from_slice(&[0; 4]);
    }
    initramfs.extend_from_slice(archive);
    initramfs
}

/// Zero bytes up to the next multiple of four.
fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
