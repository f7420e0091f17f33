//! A server that was made for one side is prepared, runs on the other, and is taken back. The other
//! guests and sides are the long tests' business.

mod support;

use support::circle::there_and_back;
use support::image;

#[test]
fn a_server_for_kvm_alone_is_prepared_and_taken_back() {
    let test = "a_server_for_kvm_alone_is_prepared_and_taken_back";
    let Some(image) = image(test, "debian12-kvm-only.qcow2") else {
        return;
    };
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lacks = ("hyperv-vmbus", "linux.initramfs.storvsc-missing");
    there_and_back(&image, place.path(), lacks, &["hyperv-vmbus"]);
}
