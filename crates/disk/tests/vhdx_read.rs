//! VHDX images that others made, read as they read them.

mod support;

use std::fs;

use detente_block::ExtentKind;
use detente_disk::{Details, Format, VhdxAllocation};
use support::{check_content, has_qemu, qemu_content, run};

const MIB: u64 = 1 << 20;

/// Hyper-V's, with the pattern that QEMU's test 064 expects: 0xa5 up to 33 MiB, 0x96 up to 66 MiB,
/// then zeroes. Opening and mapping it costs by what it holds.
#[test]
fn the_sample_of_hyper_v_has_the_known_content() {
    let Some(samples) = support::samples("the_sample_of_hyper_v_has_the_known_content") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = support::unpack(&samples, "iotest-dynamic-1G.vhdx", folder.path());
    let image = support::open(&path).unwrap();
    assert_eq!(image.reader.len_bytes(), 1 << 30);
    let Details::Vhdx(details) = &image.layers[0].details else {
        panic!("not VHDX details");
    };
    assert_eq!(details.creator, "Microsoft Windows 6.2.9200.16384");
    assert_eq!(details.allocation, VhdxAllocation::Dynamic);
    assert_eq!(details.block_bytes, 32 << 20);
    assert_eq!(details.sequence_number, 15);
    let id = "fc7209f1-f6eb-4616-9b77-e994e3017ddd";
    assert_eq!(details.virtual_disk_id.to_string(), id);

    let mut piece = vec![0; 1 << 20];
    for at in 0..80 {
        image.reader.read_exact_at(at * MIB, &mut piece).unwrap();
        let expect = match at {
            0..33 => 0xa5,
            33..66 => 0x96,
            _ => 0,
        };
        assert!(piece.iter().all(|byte| *byte == expect), "{at} MiB");
    }
    let extent = image.reader.next_extent(96 * MIB).unwrap();
    assert_eq!(
        (extent.kind, extent.len),
        (ExtentKind::Zero, (1024 - 96) * MIB)
    );
    let report = detente_disk::check(&detente_block::FileBackend::open(&path).unwrap());
    let report = report.unwrap();
    assert!(report.complete && report.corruptions == 0, "{report:?}");
    assert_eq!((report.units, report.allocated_units), (32, 3));
}

#[test]
fn spoiled_samples_of_vhdx_are_told_by_their_rule() {
    let Some(samples) = support::samples("spoiled_samples_of_vhdx_are_told_by_their_rule") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = support::unpack(&samples, "h19-vhdx-both-headers-bad.vhdx", folder.path());
    let error = support::open(&path).err().unwrap().to_string();
    assert!(error.contains("neither header is valid"), "{error}");
    let path = support::unpack(&samples, "h17-vhdx-bat-in-header.vhdx", folder.path());
    let image = support::open(&path).unwrap();
    let mut bytes = vec![0; 4096];
    let error = image.reader.read_exact_at(0, &mut bytes).unwrap_err();
    let words = "block 0 at 0x0 lies in the header section ([MS-VHDX] 2.5.1)";
    assert!(error.to_string().contains(words), "{error}");
    let file = detente_block::FileBackend::open(&path).unwrap();
    let report = detente_disk::check(&file).unwrap();
    assert_eq!(report.findings[0].rule, "vhdx.bat.place");
}

/// Images by `qemu-img create` with all their options, filled by `qemu-io`, against
/// `qemu-img convert -O raw`.
#[test]
fn images_by_qemu_are_read_as_qemu_reads_them() {
    if !has_qemu("images_by_qemu_are_read_as_qemu_reads_them") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (options, size) in [
        ("block_size=1M", "13M"),
        ("block_size=2M,log_size=3M", "13316K"),
        ("block_size=8M,block_state_zero=off", "13M"),
        ("block_size=32M", "70M"),
        ("block_size=256M", "13M"),
        ("subformat=fixed,block_size=1M", "13M"),
        ("subformat=fixed,block_size=8M", "13316K"),
    ] {
        run(
            folder,
            "qemu-img",
            &["create", "-f", "vhdx", "-o", options, "a.vhdx", size],
        );
        let writes = [
            "write -P 1 0 512",
            "write -P 2 1000K 2M",
            "write -P 3 5M 1536",
            "write -P 4 9M 3M",
            "write -z 10M 1M",
            "write -P 5 12288K 1M",
        ];
        for write in writes {
            run(folder, "qemu-io", &["-f", "vhdx", "-c", write, "a.vhdx"]);
        }
        let image = support::open(&folder.join("a.vhdx")).unwrap();
        assert_eq!(image.layers[0].format, Format::Vhdx);
        check_content(&*image.reader, &qemu_content(folder, "a.vhdx"), options);
        let file = detente_block::FileBackend::open(&folder.join("a.vhdx")).unwrap();
        let report = detente_disk::check(&file).unwrap();
        assert!(
            report.complete && report.corruptions == 0,
            "{options}: {report:?}"
        );
        fs::remove_file(folder.join("a.vhdx")).unwrap();
    }
}

/// A BAT of a million entries: runs of the same entry are taken together.
#[test]
fn a_large_empty_disk_is_mapped_in_few_steps() {
    if !has_qemu("a_large_empty_disk_is_mapped_in_few_steps") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let options = "block_size=1M";
    run(
        folder,
        "qemu-img",
        &["create", "-f", "vhdx", "-o", options, "a.vhdx", "1T"],
    );
    run(
        folder,
        "qemu-io",
        &["-f", "vhdx", "-c", "write -P 7 600G 4096", "a.vhdx"],
    );
    let image = support::open(&folder.join("a.vhdx")).unwrap();
    let mut found = Vec::new();
    let mut offset = 0;
    while offset < 1 << 40 {
        let extent = image.reader.next_extent(offset).unwrap();
        if extent.kind == ExtentKind::Data {
            found.push((extent.offset, extent.len));
        }
        offset += extent.len;
    }
    assert_eq!(found, [(600 << 30, MIB)]);
}
