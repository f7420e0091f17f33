//! The metadata items that the specification knows. \[MS-VHDX\] 2.6.2.

use crate::guid::Guid;

/// \[MS-VHDX\] 2.6.1.2.
pub(super) const IS_USER: u32 = 1;
const IS_VIRTUAL_DISK: u32 = 2;
pub(super) const IS_REQUIRED: u32 = 4;

/// A known item: its id, its name, and the flags that \[MS-VHDX\] 2.6.2 gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) guid: Guid,
    pub(super) name: &'static str,
    pub(super) flags: u32,
}

/// CAA16737-FA36-4D43-B3B6-33F0AA44E76B.
pub(super) const FILE_PARAMETERS: Known = Known {
    guid: Guid([
        0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7,
        0x6b,
    ]),
    name: "file parameters",
    flags: IS_REQUIRED,
};
/// 2FA54224-CD1B-4876-B211-5DBED83BF4B8.
pub(super) const VIRTUAL_DISK_SIZE: Known = Known {
    guid: Guid([
        0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4,
        0xb8,
    ]),
    name: "virtual disk size",
    flags: IS_VIRTUAL_DISK | IS_REQUIRED,
};
/// BECA12AB-B2E6-4523-93EF-C309E000C746.
pub(super) const VIRTUAL_DISK_ID: Known = Known {
    guid: Guid([
        0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7,
        0x46,
    ]),
    name: "virtual disk id",
    flags: IS_VIRTUAL_DISK | IS_REQUIRED,
};
/// 8141BF1D-A96F-4709-BA47-F233A8FAAB5F.
pub(super) const LOGICAL_SECTOR_SIZE: Known = Known {
    guid: Guid([
        0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab,
        0x5f,
    ]),
    name: "logical sector size",
    flags: IS_VIRTUAL_DISK | IS_REQUIRED,
};
/// CDA348C7-445D-4471-9CC9-E9885251C556.
pub(super) const PHYSICAL_SECTOR_SIZE: Known = Known {
    guid: Guid([
        0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5,
        0x56,
    ]),
    name: "physical sector size",
    flags: IS_VIRTUAL_DISK | IS_REQUIRED,
};
/// A8D35F2D-B30B-454D-ABF7-D3D84834AB0C.
pub(super) const PARENT_LOCATOR: Known = Known {
    guid: Guid([
        0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab,
        0x0c,
    ]),
    name: "parent locator",
    flags: IS_REQUIRED,
};

/// All of them.
pub(super) const ALL_KNOWN: [Known; 6] = [
    FILE_PARAMETERS,
    VIRTUAL_DISK_SIZE,
    VIRTUAL_DISK_ID,
    LOGICAL_SECTOR_SIZE,
    PHYSICAL_SECTOR_SIZE,
    PARENT_LOCATOR,
];
