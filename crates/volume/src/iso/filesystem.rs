//! ISO 9660 behind the common interface.

use std::sync::Arc;

use detente_block::BlockRead;

use super::directory::Visit;
use super::file::IsoFile;
use super::node::Node;
use super::{Iso, corrupt, name, unsupported};
use crate::walk::Walk;
use crate::{DirEntry, FileKind, FsError, Metadata};

/// Nodes with longer links, and files in more parts, are not remembered.
const MAX_LINK_BYTES: usize = 256;
const MAX_PARTS: usize = 4;

impl Walk for Iso {
    type Node = Node;
    const FORMAT: &'static str = "ISO 9660";

    fn root(&self) -> Result<Node, FsError> {
        Ok(self.root.clone())
    }

    fn kind(node: &Node) -> FileKind {
        node.kind()
    }

    fn metadata(node: &Node) -> Metadata {
        node.metadata()
    }

    fn search_bytes(directory: &Node) -> u64 {
        directory.len
    }

    fn child(&self, directory: &Node, wanted: &[u8]) -> Result<Option<Node>, FsError> {
        if let Some(node) = self.known.get(directory.block(), wanted) {
            return Ok(Some(node));
        }
        let mut found = None;
        self.each_name(directory, |own, node| {
            if !name::equal(&own, wanted, self.names) {
                return Visit::More;
            }
            found = Some(node);
            Visit::Enough
        })?;
        if let Some(node) = found.as_ref().filter(|node| is_small(node)) {
            self.known.put(directory.block(), wanted, node);
        }
        Ok(found)
    }

    fn entries(&self, directory: &Node) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = Vec::new();
        self.each_name(directory, |name, node| {
            entries.push(DirEntry {
                name: String::from_utf8_lossy(&name).into_owned(),
                kind: node.kind(),
            });
            Visit::More
        })?;
        Ok(entries)
    }

    fn link_target(&self, link: &Node) -> Result<Vec<u8>, FsError> {
        let target = link.link.clone();
        target.ok_or_else(|| corrupt("a link leads nowhere"))
    }

    fn open(self: Arc<Self>, path: &str, file: Node) -> Result<Arc<dyn BlockRead>, FsError> {
        if let Some(why) = file.refused {
            return Err(unsupported(format!("{path}: {why}")));
        }
        Ok(Arc::new(IsoFile::new(self, &file)?))
    }
}

fn is_small(node: &Node) -> bool {
    let link = node.link.as_ref().map_or(0, Vec::len);
    link <= MAX_LINK_BYTES && node.parts.len() <= MAX_PARTS
}
