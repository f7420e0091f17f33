//! What clients send with their options.

use crate::wire::Fields;

/// The data of `NBD_OPT_INFO` and `NBD_OPT_GO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InfoRequest<'a> {
    pub(crate) name: &'a [u8],
    /// The information types that are asked for.
    pub(crate) wanted: Vec<u16>,
}

impl<'a> InfoRequest<'a> {
    /// `None` where a length does not fit ("Option types", `NBD_OPT_INFO`).
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(data);
        let len = fields.u32()?;
        let name = fields.bytes(len)?;
        let count = fields.u16()?;
        let wanted = (0..count).map(|_| fields.u16()).collect::<Option<_>>()?;
        fields.is_empty().then_some(Self { name, wanted })
    }
}

/// The data of `NBD_OPT_LIST_META_CONTEXT` and `NBD_OPT_SET_META_CONTEXT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextRequest<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) queries: Vec<&'a [u8]>,
}

impl<'a> ContextRequest<'a> {
    /// `None` where a length does not fit ("Option types", `NBD_OPT_LIST_META_CONTEXT`).
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(data);
        let len = fields.u32()?;
        let name = fields.bytes(len)?;
        let count = fields.u32()?;
        let mut queries = Vec::new();
        // A query takes four bytes at least, so the data bounds their number.
        for _ in 0..count {
            let len = fields.u32()?;
            queries.push(fields.bytes(len)?);
        }
        fields.is_empty().then_some(Self { name, queries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn information_is_asked_for_by_numbers() {
        let data = [0, 0, 0, 2, b'a', b'b', 0, 2, 0, 3, 0, 0];
        let parsed = InfoRequest::parse(&data).unwrap();
        assert_eq!(parsed.name, b"ab");
        assert_eq!(parsed.wanted, [3, 0]);
        for len in 0..data.len() {
            assert_eq!(InfoRequest::parse(&data[..len]), None, "{len}");
        }
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for data in [
            &[0xff, 0xff, 0xff, 0xff, 0, 0][..],
            &[0, 0, 0, 0, 0xff, 0xff],
            &[0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(InfoRequest::parse(data), None, "{data:?}");
        }
        for data in [
            &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff][..],
            &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, b'b'],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(ContextRequest::parse(data), None, "{data:?}");
        }
    }

    #[test]
    fn contexts_are_asked_for_by_queries() {
        let data = [
            &[0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5][..],
            b"base:",
            &[0, 0, 0, 2, b'x', b':'],
        ]
        .concat();
        let parsed = ContextRequest::parse(&data).unwrap();
        assert_eq!(parsed.name, b"");
        assert_eq!(parsed.queries, [&b"base:"[..], b"x:"]);
    }
}
