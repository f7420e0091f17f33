//! Images that are laid out hold what was asked for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;

use detente_block::{ClosedGate, MemoryBackend};
use detente_disk::Target;
use support::check_content;
use support::engine::{mixed_disk, write_image};

/// Our reader finds the content in an image that our layout made.
fn check(target: &Target, size: usize) {
    let content = mixed_disk(size, 7);
    let image = Arc::new(MemoryBackend::new(write_image(target, &content)));
    let opened = detente_disk::open(Path::new("image"), image, &ClosedGate).unwrap();
    check_content(&*opened.reader, &content.0, &format!("{target:?}"));
}

#[test]
fn a_raw_image_is_the_content() {
    check(&Target::Raw, 3_000_001);
    assert_eq!(
        write_image(&Target::Raw, &mixed_disk(5000, 3)),
        mixed_disk(5000, 3).0
    );
}
