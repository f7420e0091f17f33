//! Images that others made, and spoiled ones, from beside the repository.

mod support;

/// The digest stands in the samples' README, computed with `qemu-img convert -O raw`.
#[test]
fn the_qcow2_of_dfvfs_has_the_known_content() {
    let Some(samples) = support::samples("the_qcow2_of_dfvfs_has_the_known_content") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let image = support::open(&support::unpack(
        &samples,
        "dfvfs-ext2.qcow2",
        folder.path(),
    ))
    .unwrap();
    let content = support::read_all(&*image.reader);
    let digest = support::sha256(&content);
    assert_eq!(
        digest,
        "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"
    );
    support::check_content(&*image.reader, &content, "dfvfs-ext2");
}

#[test]
fn spoiled_and_foreign_samples_are_refused_with_the_reason() {
    let test = "spoiled_and_foreign_samples_are_refused_with_the_reason";
    let Some(samples) = support::samples(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in [
        (
            "h01-l1size-huge.qcow2",
            "corrupt data at offset 0x24: l1_size is 2147483647",
        ),
        (
            "h03-size-max.qcow2",
            "corrupt data at offset 0x18: the virtual size is",
        ),
        (
            "h05-refcount-order-7.qcow2",
            "corrupt data at offset 0x60: refcount_order is 7",
        ),
        (
            "h07-unknown-incompat-bit.qcow2",
            "unsupported at offset 0x48: incompatible feature, bit 17",
        ),
        ("h09-backing-self.qcow2", "the backing chain comes back to"),
        (
            "h11-datafile-json.qcow2",
            "which may not be opened: it names a protocol",
        ),
        ("h19-vhdx-both-headers-bad.vhdx", "neither header is valid"),
    ] {
        let path = support::unpack(&samples, name, folder.path());
        let error = support::open(&path).err().unwrap().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
}
