//! `IMAGE:PATH`: a file in a guest's disks, as `ls`, `cat` and `cp` name it.

use std::path::{Path, PathBuf};

use clap::Args;
use detente_disk::Image;
use detente_guest::{DiskFiles, VolumeName};
use detente_volume::{FileSystem, FsError};

use crate::disks;
use crate::failure::Failure;

/// The disks, and which of their volumes.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// A further disk of the same machine, in the machine's order; may be given several times.
    #[arg(long = "disk", value_name = "IMAGE")]
    more_disks: Vec<PathBuf>,
    /// One volume alone instead of the guest's tree: `disk0p2`, `GROUP/VOLUME`, `LABEL=…`, `UUID=…`.
    #[arg(long, value_name = "VOLUME")]
    volume: Option<String>,
    /// A further folder that the image may name files in (backing files, parents, data files, extents).
    #[arg(long = "allow-path", value_name = "DIR")]
    allow_path: Vec<PathBuf>,
}

/// An image and a path in the guest, as written on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuestPath {
    pub(crate) image: PathBuf,
    /// Absolute.
    pub(crate) path: String,
}

impl GuestPath {
    /// Parts `IMAGE:PATH`. Without a path the guest's root is meant; a path begins there.
    pub(crate) fn parse(text: &str) -> Self {
        let ends = text.match_indices(":/").map(|(at, _)| at);
        let part = |at: usize| {
            let (image, path) = text.split_at(at);
            (image, path.strip_prefix(':').unwrap_or(path))
        };
        // A file's own name may hold ":/" too: what is there counts, else the first.
        let is_there = |at: &usize| Path::new(part(*at).0).is_file();
        if let Some(at) = ends.clone().find(is_there) {
            let (image, path) = part(at);
            return Self::new(image, path);
        }
        // A path without its `/`, behind a file that is there.
        if let Some((image, path)) = text.rsplit_once(':')
            && !Path::new(text).is_file()
            && Path::new(image).is_file()
        {
            return Self::new(image, &format!("/{path}"));
        }
        match ends.clone().next() {
            Some(at) if !Path::new(text).is_file() => {
                let (image, path) = part(at);
                Self::new(image, path)
            }
            Some(_) | None => Self::new(text.strip_suffix(':').unwrap_or(text), "/"),
        }
    }

    fn new(image: &str, path: &str) -> Self {
        Self {
            image: PathBuf::from(image),
            path: path.to_owned(),
        }
    }
}

impl std::str::FromStr for GuestPath {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::parse(text))
    }
}

/// The disks, opened.
pub(crate) struct Opened {
    // The readers live as long as what reads through them.
    _images: Vec<Image>,
    files: DiskFiles,
    name: String,
    volume: Option<String>,
}

impl Where {
    /// Opens the image, and the machine's further disks.
    pub(crate) fn open(&self, image: &Path) -> Result<Opened, Failure> {
        let mut paths = vec![image.to_path_buf()];
        paths.extend(self.more_disks.iter().cloned());
        let images = disks::open_all(&paths, &self.allow_path)?;
        let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
        let name = image.display().to_string();
        let files = DiskFiles::open(&readers).map_err(|error| {
            let hint = error.hint();
            Failure::cannot_tell(anyhow::Error::new(error).context(name.clone()), hint)
        })?;
        Ok(Opened {
            _images: images,
            files,
            name,
            volume: self.volume.clone(),
        })
    }
}

impl Opened {
    /// The tree that was asked for: the guest's own, or one volume's.
    pub(crate) fn tree(&self) -> Result<Box<dyn FileSystem + '_>, Failure> {
        match &self.volume {
            Some(volume) => {
                let found = self.files.volume(volume);
                let found = found.ok_or_else(|| self.no_such_volume(volume))?;
                Ok(Box::new(Borrowed(found)))
            }
            None => self.files.tree().map_err(|error| {
                let said = anyhow::Error::msg(error.to_string()).context(self.name.clone());
                let hint = format!(
                    "name one volume with --volume: {}",
                    in_words(&self.files.volumes())
                );
                Failure::cannot_tell(said, Some(hint))
            }),
        }
    }

    /// An error about a path in this image.
    pub(crate) fn error(&self, error: FsError) -> Failure {
        let hint = match &error {
            FsError::NotFound { .. } => {
                Some("look at the folder above it with `detente ls`".to_owned())
            }
            FsError::WrongKind { .. } => Some("`detente ls -l` says what stands there".to_owned()),
            FsError::Corrupt { .. } => Some(
                "the file system is damaged: what is still readable can be copied file by file"
                    .to_owned(),
            ),
            _ => None,
        };
        Failure::cannot_tell(anyhow::Error::new(error).context(self.name.clone()), hint)
    }

    fn no_such_volume(&self, volume: &str) -> Failure {
        Failure::usage(
            format!("{}: no volume {volume} that can be read", self.name),
            &format!("there are: {}", in_words(&self.files.volumes())),
        )
    }
}

/// The volumes for a hint: names, and what is in those that are not read.
fn in_words(volumes: &[VolumeName]) -> String {
    let word = |volume: &VolumeName| match volume.is_read {
        true => format!("{} ({})", volume.name, volume.content),
        false => format!("{} ({}, not read)", volume.name, volume.content),
    };
    let words: Vec<String> = volumes.iter().take(32).map(word).collect();
    match words.is_empty() {
        true => "none".to_owned(),
        false => words.join(", "),
    }
}

/// A file system that somebody else owns.
struct Borrowed<'a>(&'a dyn FileSystem);

impl FileSystem for Borrowed<'_> {
    fn metadata(&self, path: &str) -> Result<detente_volume::Metadata, FsError> {
        self.0.metadata(path)
    }

    fn read_dir(&self, path: &str) -> Result<Vec<detente_volume::DirEntry>, FsError> {
        self.0.read_dir(path)
    }

    fn read_link(&self, path: &str) -> Result<String, FsError> {
        self.0.read_link(path)
    }

    fn open(&self, path: &str) -> Result<std::sync::Arc<dyn detente_block::BlockRead>, FsError> {
        self.0.open(path)
    }
}

/// A path below a folder.
pub(crate) fn below(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// Whether a name from a guest's folder is one that can be asked for.
pub(crate) fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0', char::REPLACEMENT_CHARACTER])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_and_a_path() {
        let check = |text: &str, image: &str, path: &str| {
            let expected = GuestPath {
                image: PathBuf::from(image),
                path: path.to_owned(),
            };
            assert_eq!(GuestPath::parse(text), expected, "{text}");
        };
        check("a.qcow2:/etc/fstab", "a.qcow2", "/etc/fstab");
        check("a.qcow2", "a.qcow2", "/");
        check("a.qcow2:", "a.qcow2", "/");
        check("a.qcow2:/x:/y", "a.qcow2", "/x:/y");
        check("a:b.qcow2:/etc", "a:b.qcow2", "/etc");
    }

    #[test]
    fn an_image_whose_name_looks_like_a_path() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a:");
        std::fs::create_dir(&folder).unwrap();
        let image = folder.join("b.raw");
        std::fs::write(&image, b"").unwrap();
        let text = format!("{}:/etc", image.display());
        assert_eq!(GuestPath::parse(&text).image, image);
        // Nobody has to write the `/` at the beginning.
        let text = format!("{}:etc/fstab", image.display());
        let found = GuestPath::parse(&text);
        assert_eq!((found.image, found.path.as_str()), (image, "/etc/fstab"));
    }

    #[test]
    fn names_that_would_lead_elsewhere_are_not_plain() {
        for name in ["", ".", "..", "a/b", "a\0", "a\u{fffd}"] {
            assert!(!is_plain(name), "{name:?}");
        }
        assert!(is_plain("...") && is_plain("a b") && is_plain("-rf"));
    }
}
