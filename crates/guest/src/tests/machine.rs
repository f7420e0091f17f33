//! A machine whose file systems are lists of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend, Window};
use detente_volume::{Content, DirEntry, FileKind, FileSystem, FsError, Metadata, Volume};

use crate::facts::{BootCodeKind, Table, VolumeId};
use crate::volumes::{DiskSeen, Held, Volumes};

pub(crate) const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
pub(crate) const LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
pub(crate) const XBOOTLDR: &str = "bc13c2ff-59e6-4262-a352-b275fd6f7172";

/// Files by absolute path; folders follow from them. What starts with `->` is a link; links are not
/// followed.
pub(crate) struct MemoryFs(BTreeMap<String, Vec<u8>>);

impl MemoryFs {
    fn missing(path: &str) -> FsError {
        FsError::NotFound {
            path: path.to_owned(),
        }
    }
}

impl FileSystem for MemoryFs {
    fn metadata(&self, path: &str) -> Result<Metadata, FsError> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let (kind, len) = match self.0.get(path) {
            Some(bytes) if bytes.starts_with(b"->") => (FileKind::Symlink, 0),
            Some(bytes) => (FileKind::File, u64::try_from(bytes.len()).unwrap()),
            None if self.0.keys().any(|own| own.starts_with(&folder)) => (FileKind::Directory, 0),
            None => return Err(Self::missing(path)),
        };
        Ok(Metadata {
            kind,
            len,
            mode: 0o644,
            modified_s: 0,
        })
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let below = self.0.keys().filter_map(|own| own.strip_prefix(&folder));
        let mut names: Vec<&str> = below.map(|rest| rest.split('/').next().unwrap()).collect();
        names.dedup();
        if names.is_empty() {
            return Err(Self::missing(path));
        }
        let entry = |name: &str| DirEntry {
            name: name.to_owned(),
            kind: FileKind::File,
        };
        Ok(names.into_iter().map(entry).collect())
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        self.metadata(path)?;
        let target = self.0.get(path).and_then(|bytes| bytes.strip_prefix(b"->"));
        let wrong = || FsError::WrongKind {
            path: path.to_owned(),
            wanted: "symbolic link",
        };
        let target = target.ok_or_else(wrong)?;
        Ok(String::from_utf8(target.to_vec()).unwrap())
    }

    fn open(&self, path: &str) -> Result<Arc<dyn BlockRead>, FsError> {
        let bytes = self.0.get(path).ok_or_else(|| Self::missing(path))?;
        Ok(Arc::new(MemoryBackend::new(bytes.clone())))
    }
}

/// Volumes on one disk, numbered as they are added.
#[derive(Default)]
pub(crate) struct Machine {
    volumes: Volumes,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let mut machine = Self::default();
        machine.volumes.disks.push(DiskSeen {
            size_bytes: 1 << 30,
            table: Table::Gpt,
            boot_code: BootCodeKind::None,
            active_partition: None,
            priorities: Vec::new(),
        });
        machine
    }

    /// Adds an ext4 volume.
    pub(crate) fn ext4(self, uuid: &str, files: &[(&str, &[u8])]) -> Self {
        let (uuid, label) = (uuid.to_owned(), "root".to_owned());
        self.volume(LINUX, Content::Ext4 { uuid, label }, Some(files))
    }

    /// Adds a FAT volume.
    pub(crate) fn fat(self, type_id: &str, files: &[(&str, &[u8])]) -> Self {
        let (uuid, label) = ("ABCD-1234".to_owned(), String::new());
        self.volume(type_id, Content::Fat { uuid, label }, Some(files))
    }

    /// Adds any volume; without files it is not read.
    pub(crate) fn volume(
        mut self,
        type_id: &str,
        content: Content,
        files: Option<&[(&str, &[u8])]>,
    ) -> Self {
        let number = u32::try_from(self.volumes.held.len()).unwrap() + 1;
        let bytes: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(vec![0; 512]));
        let volume = Volume {
            number,
            offset: u64::from(number) << 20,
            type_id: type_id.to_owned(),
            partuuid: Some(format!("part-{number}")),
            name: None,
            window: Window::new(bytes, 0, 512).unwrap(),
            content,
        };
        let owned = |files: &[(&str, &[u8])]| {
            files
                .iter()
                .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
                .collect()
        };
        let fs = files.map(|files| -> Box<dyn FileSystem> { Box::new(MemoryFs(owned(files))) });
        let id = VolumeId::new(0, number);
        self.volumes.held.push(Held {
            id,
            volume,
            fs,
            subvolumes: None,
            dirty: None,
        });
        self
    }

    /// Gives the last volume a partition name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        if let Some(last) = self.volumes.held.last_mut() {
            last.volume.name = Some(name.to_owned());
        }
        self
    }

    pub(crate) fn volumes(self) -> Volumes {
        self.volumes
    }
}
