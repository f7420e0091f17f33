//! Unified kernel images and kernel headers, each with one spoiled field.

mod samples;

use detente_initramfs::kernel::{self, KernelError};
use detente_initramfs::uki::{self, Machine, UkiError};
use samples::{MACHINE, PE_OFFSET, SECTION_COUNT, SECTION_TABLE};

fn sound() -> Vec<u8> {
    samples::uki(&[
        (".text", b"stub"),
        (".osrel", b"ID=debian\n"),
        (".cmdline", b"root=/dev/vda1 quiet\n\0"),
        (".uname", b"6.1.0-25-amd64"),
        (".initrd", b"070701"),
        (".ucode", b"early"),
        (".linux", b"MZ kernel"),
    ])
}

fn spoilt(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = sound();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    image
}

#[test]
fn parts_of_an_image_have_their_own_length() {
    let bytes = sound();
    let image = uki::parse(&bytes).unwrap();
    assert_eq!(image.machine(), Machine::X86_64);
    assert_eq!(image.linux(), Some(b"MZ kernel".as_slice()));
    assert_eq!(image.initrd(), Some(b"070701".as_slice()));
    assert_eq!(image.ucode(), Some(b"early".as_slice()));
    assert_eq!(image.cmdline().as_deref(), Some("root=/dev/vda1 quiet"));
    assert_eq!(image.osrel().as_deref(), Some("ID=debian\n"));
    assert_eq!(image.uname().as_deref(), Some("6.1.0-25-amd64"));
}

#[test]
fn absent_parts_are_none() {
    let bytes = samples::uki(&[(".linux", b"k")]);
    let image = uki::parse(&bytes).unwrap();
    assert_eq!(
        (image.initrd(), image.cmdline(), image.osrel()),
        (None, None, None)
    );
}

#[test]
fn machines_are_told_apart() {
    for (number, expect) in [
        (0xaa64_u16, Machine::Aarch64),
        (0x014c, Machine::I386),
        (0x5064, Machine::Riscv64),
        (0x6264, Machine::LoongArch64),
        (0x1234, Machine::Unknown(0x1234)),
    ] {
        let bytes = spoilt(MACHINE, &number.to_le_bytes());
        assert_eq!(uki::parse(&bytes).unwrap().machine(), expect);
    }
}

fn error(bytes: &[u8]) -> UkiError {
    uki::parse(bytes).expect_err("the image is spoilt")
}

#[test]
fn other_files_are_not_pe() {
    assert!(matches!(error(b"070701"), UkiError::NotPe { .. }));
    assert!(matches!(error(b"MZ"), UkiError::NotPe { .. }));
    assert!(matches!(
        error(&spoilt(PE_OFFSET, b"NE")),
        UkiError::NotPe { .. }
    ));
    assert!(matches!(
        error(&spoilt(0x3c, &[0xff; 4])),
        UkiError::NotPe { .. }
    ));
}

#[test]
fn a_section_table_behind_the_end_is_truncated() {
    let bytes = spoilt(SECTION_COUNT, &[0xff; 2]);
    let part = "the section table";
    assert_eq!(
        error(&bytes),
        UkiError::Truncated {
            part,
            offset: SECTION_TABLE
        }
    );
}

#[test]
fn a_section_outside_the_file_is_corrupt() {
    let bytes = spoilt(SECTION_TABLE + 20, &0x10_0000_u32.to_le_bytes());
    let expect = UkiError::SectionOutside {
        name: ".text".to_owned(),
        raw_offset: 0x10_0000,
        raw_size: 512,
    };
    assert_eq!(error(&bytes), expect);
}

#[test]
fn a_section_twice_is_corrupt() {
    let bytes = samples::uki(&[(".linux", b"a"), (".linux", b"b")]);
    assert_eq!(
        error(&bytes),
        UkiError::DuplicateSection {
            name: ".linux".to_owned()
        }
    );
}

#[test]
fn an_addon_is_no_kernel_image() {
    assert_eq!(
        error(&samples::uki(&[(".cmdline", b"debug")])),
        UkiError::NoKernel
    );
}

#[test]
fn profile_zero_overrides_the_base() {
    let bytes = samples::uki(&[
        (".linux", b"k"),
        (".cmdline", b"base"),
        (".profile", b"ID=regular"),
        (".cmdline", b"regular"),
        (".profile", b"ID=reset"),
        (".cmdline", b"reset"),
    ]);
    assert_eq!(
        uki::parse(&bytes).unwrap().cmdline().as_deref(),
        Some("regular")
    );
}

const VERSION: &str = "6.1.0-25-amd64 (debian-kernel@lists.debian.org) #1 SMP";

#[test]
fn a_kernel_says_its_version_and_protocol() {
    let info = kernel::parse(&samples::kernel(VERSION, 0x020f, 0x7f)).unwrap();
    assert_eq!(info.version, VERSION);
    assert_eq!(info.release(), "6.1.0-25-amd64");
    assert_eq!(info.protocol, (2, 15));
    assert_eq!(info.is_x86_64(), Some(true));
    assert_eq!(info.cmdline_bytes, 2047);
}

#[test]
fn a_32_bit_kernel_and_an_old_one_are_told() {
    let info = kernel::parse(&samples::kernel(VERSION, 0x020f, 0)).unwrap();
    assert_eq!(info.is_x86_64(), Some(false));
    let info = kernel::parse(&samples::kernel(VERSION, 0x020a, 0x7f)).unwrap();
    assert_eq!(info.is_x86_64(), None);
}

#[test]
fn other_files_are_no_kernel() {
    assert_eq!(kernel::parse(b"\x7fELF"), Err(KernelError::NotBzImage));
    let mut bytes = samples::kernel(VERSION, 0x020f, 1);
    bytes[0x1fe] = 0;
    assert_eq!(kernel::parse(&bytes), Err(KernelError::NotBzImage));
    let mut arm = vec![0; 64];
    arm[0x38..].copy_from_slice(b"ARM\x64\0\0\0\0");
    assert!(matches!(
        kernel::parse(&arm),
        Err(KernelError::Unsupported { .. })
    ));
}

#[test]
fn a_version_behind_the_setup_code_is_corrupt() {
    let mut bytes = samples::kernel(VERSION, 0x020f, 1);
    bytes[0x1f1] = 1;
    let expect = KernelError::VersionOutside {
        offset: 0x400,
        setup_end: 0x400,
    };
    assert_eq!(kernel::parse(&bytes), Err(expect));
}

#[test]
fn a_cut_kernel_is_truncated() {
    let bytes = samples::kernel(VERSION, 0x020f, 1);
    let part = "the boot header";
    assert_eq!(
        kernel::parse(&bytes[..0x230]),
        Err(KernelError::Truncated { part })
    );
    let part = "the version string";
    assert_eq!(
        kernel::parse(&bytes[..0x405]),
        Err(KernelError::Truncated { part })
    );
}

#[test]
fn a_kernel_without_a_version_has_an_empty_one() {
    let mut bytes = samples::kernel(VERSION, 0x020f, 1);
    bytes[0x20e..0x210].copy_from_slice(&[0; 2]);
    assert_eq!(kernel::parse(&bytes).unwrap().version, "");
}
