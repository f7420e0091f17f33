//! Searching trees, and walking them in the order of their keys.
//!
//! A node's first key must be the one that its parent has for it, and keys must go up over the
//! whole walk, so no block is met twice and every walk ends.

use std::sync::Arc;

use super::corrupt;
use super::key::Key;
use super::node::Node;
use super::space::Space;
use super::superblock::TreeRoot;
use crate::FsError;

/// An item of a leaf, which it keeps alive.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) key: Key,
    leaf: Arc<Node>,
    index: usize,
}

impl Item {
    pub(super) fn data(&self) -> &[u8] {
        self.leaf.item(self.index).unwrap_or_default()
    }
}

/// A place in a tree: the way down from its root.
pub(super) struct Cursor<'s> {
    space: &'s Space,
    /// Nodes above the leaf, the root first, each with the entry that was taken.
    above: Vec<(Arc<Node>, usize)>,
    leaf: Arc<Node>,
    index: usize,
}

impl<'s> Cursor<'s> {
    /// The first item whose key is not below `key`.
    pub(super) fn seek(space: &'s Space, tree: &TreeRoot, key: &Key) -> Result<Self, FsError> {
        let mut cursor = Self::descend(space, tree, key)?;
        cursor.index = cursor.leaf.first_at_or_after(key);
        if cursor.index >= cursor.leaf.count() {
            cursor.next_leaf()?;
        }
        Ok(cursor)
    }

    /// The way down to the leaf that holds `key` if any does.
    fn descend(space: &'s Space, tree: &TreeRoot, key: &Key) -> Result<Self, FsError> {
        let mut above = Vec::new();
        let mut node = space.node(tree)?;
        while node.level > 0 {
            let index = node.last_at_or_before(key).unwrap_or(0);
            let below = child(space, &node, index)?;
            above.push((node, index));
            node = below;
        }
        Ok(Self {
            space,
            above,
            leaf: node,
            index: 0,
        })
    }

    /// What stands here; `None` behind the last item.
    pub(super) fn item(&self) -> Option<Item> {
        Some(Item {
            key: self.leaf.key(self.index)?,
            leaf: self.leaf.clone(),
            index: self.index,
        })
    }

    /// Goes to the following item.
    pub(super) fn advance(&mut self) -> Result<(), FsError> {
        self.index = self.index.saturating_add(1);
        if self.index >= self.leaf.count() {
            self.next_leaf()?;
        }
        Ok(())
    }

    /// Goes up until there is a right neighbour, and down its left edge. Behind the last leaf the
    /// cursor stays at its end.
    fn next_leaf(&mut self) -> Result<(), FsError> {
        let last = self.leaf.key(self.leaf.count().saturating_sub(1));
        while let Some((node, index)) = self.above.pop() {
            let next = index.saturating_add(1);
            if next >= node.count() {
                continue;
            }
            let mut below = child(self.space, &node, next)?;
            self.above.push((node, next));
            while below.level > 0 {
                let lower = child(self.space, &below, 0)?;
                self.above.push((below, 0));
                below = lower;
            }
            if below.key(0) <= last {
                return Err(out_of_order(&below));
            }
            self.leaf = below;
            self.index = 0;
            return Ok(());
        }
        self.index = self.leaf.count();
        Ok(())
    }
}

fn out_of_order(node: &Node) -> FsError {
    let at = node.logical;
    corrupt(format!("the tree block at {at:#x} is out of order"))
}

/// The node below entry `index`, whose keys must lie between that one and the next.
fn child(space: &Space, node: &Node, index: usize) -> Result<Arc<Node>, FsError> {
    let expect = node
        .child(index)
        .ok_or_else(|| corrupt("a node has no such entry"))?;
    let below = space.node(&expect)?;
    let last = below.key(below.count().saturating_sub(1));
    let next = node.key(index.saturating_add(1));
    if below.key(0) != node.key(index) || next.is_some_and(|next| last >= Some(next)) {
        return Err(out_of_order(&below));
    }
    Ok(below)
}

impl Space {
    /// The item with this key.
    pub(super) fn find(&self, tree: &TreeRoot, key: &Key) -> Result<Option<Item>, FsError> {
        let found = self.last_at_or_before(tree, key)?;
        Ok(found.filter(|item| item.key == *key))
    }

    /// The last item whose key is not above `key`.
    pub(super) fn last_at_or_before(
        &self,
        tree: &TreeRoot,
        key: &Key,
    ) -> Result<Option<Item>, FsError> {
        let mut cursor = Cursor::descend(self, tree, key)?;
        let Some(index) = cursor.leaf.last_at_or_before(key) else {
            return Ok(None);
        };
        cursor.index = index;
        Ok(cursor.item())
    }

    /// Calls `each` for every item that is beside `from` and not below it, until it returns false.
    pub(super) fn each_beside(
        &self,
        tree: &TreeRoot,
        from: &Key,
        mut each: impl FnMut(&Item) -> Result<bool, FsError>,
    ) -> Result<(), FsError> {
        let mut cursor = Cursor::seek(self, tree, from)?;
        while let Some(item) = cursor.item().filter(|item| item.key.is_beside(from)) {
            if !each(&item)? {
                break;
            }
            cursor.advance()?;
        }
        Ok(())
    }
}
