//! Editors of configuration that keep every byte which an edit is not about: comments, order, white
//! space, line ends, and bytes that are no UTF-8.

pub(crate) mod arguments;
pub(crate) mod fields;
pub(crate) mod ini;
pub(crate) mod lines;
pub(crate) mod shell;
