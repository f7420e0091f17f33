//! What there is to say of a VMDK file.

/// What there is to say of a VMDK file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmdkDetails {
    /// `createType`, as the descriptor spells it; none for a sparse extent without descriptor.
    pub create_type: Option<String>,
    /// `CID`, which every writer changes; what a child calls its parent by.
    pub content_id: Option<u32>,
    /// `parentCID`; none if the disk rests on no other.
    pub parent_content_id: Option<u32>,
    /// `parentFileNameHint`.
    pub parent_name: Option<String>,
    /// What the disk is made of, in the order of the guest's view.
    pub extents: Vec<VmdkExtent>,
}

/// An extent of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmdkExtent {
    /// Its type, as descriptors spell it: `FLAT`, `SPARSE`, `VMFSSPARSE`, `SESPARSE` or `ZERO`.
    pub kind: &'static str,
    /// The file, as the descriptor names it; none if it is this file, or there is none.
    pub name: Option<String>,
    /// How long it is in the guest's view.
    pub virtual_bytes: u64,
    /// The size of a grain, for sparse ones.
    pub grain_bytes: Option<u64>,
    /// Whether its grains are compressed.
    pub compressed: bool,
}
