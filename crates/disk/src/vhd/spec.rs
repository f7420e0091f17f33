//! The options of a new VHD image.

/// The options of a new VHD image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VhdSpec {
    /// How its blocks are allocated.
    pub kind: VhdKind,
}

/// How the blocks of a VHD image are allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VhdKind {
    /// The guest's bytes as they are, and a footer.
    Fixed,
    /// Those that hold something, in blocks of 2 MiB.
    Dynamic,
}
