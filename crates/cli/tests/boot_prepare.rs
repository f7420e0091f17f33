//! A server that lacks the drivers of one side is prepared, runs there, and is taken back: the
//! quickest of them. The other guests and sides are the long tests' business.

mod support;

use support::circle::there_and_back;
use support::image;

#[test]
fn a_server_without_virtio_is_prepared_and_taken_back() {
    let test = "a_server_without_virtio_is_prepared_and_taken_back";
    let Some(image) = image(test, "debian12-spoiled.qcow2") else {
        return;
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lacks = ("kvm", "linux.initramfs.virtio-blk-missing");
    there_and_back(&image, place.path(), lacks, &["kvm"]);
}
