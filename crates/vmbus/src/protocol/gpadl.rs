//! How a guest lends memory: a list of pages in a header and as many bodies as it needs.

use super::fields::Fields;

/// GPADL header (8): 20 bytes, and the first of the ranges' bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GpadlHeader<'a> {
    pub(crate) relid: u32,
    pub(crate) gpadl: u32,
    /// How many bytes all ranges take.
    pub(crate) ranges_bytes: u16,
    /// How many ranges there are.
    pub(crate) ranges: u16,
    /// The first of their bytes.
    pub(crate) bytes: &'a [u8],
}

impl<'a> GpadlHeader<'a> {
    pub(super) fn parse(message: Fields<'a>) -> Option<Self> {
        Some(Self {
            relid: message.u32(8)?,
            gpadl: message.u32(12)?,
            ranges_bytes: message.u16(16)?,
            ranges: message.u16(18)?,
            bytes: message.rest(20)?,
        })
    }
}

/// GPADL body (9): 16 bytes, and more of the ranges' bytes.
///
/// Its message number is not read: Linux leaves it out, and messages keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GpadlBody<'a> {
    pub(crate) gpadl: u32,
    pub(crate) bytes: &'a [u8],
}

impl<'a> GpadlBody<'a> {
    pub(super) fn parse(message: Fields<'a>) -> Option<Self> {
        Some(Self {
            gpadl: message.u32(12)?,
            bytes: message.rest(16)?,
        })
    }
}
