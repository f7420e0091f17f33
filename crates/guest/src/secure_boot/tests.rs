//! Real programs of Debian 12, thinned out by `tests/images/make.sh`; expected values are those of
//! `sbverify --list` and `openssl pkcs7 -print_certs` on the originals.

use super::find;
use crate::facts::{Authority, EfiProgram, Place, ProgramRole, SignedProgram, VolumeId};
use crate::tests::machine::{ESP, Machine};

fn sample(packed: &[u8]) -> Vec<u8> {
    zstd::decode_all(packed).unwrap()
}

fn programs(files: &[(&str, &[u8])]) -> Vec<SignedProgram> {
    let volumes = Machine::new().fat(ESP, files).volumes();
    let volume = VolumeId::new(0, 1);
    let program = |(path, _): &(&str, &[u8])| EfiProgram {
        place: Place {
            volume,
            path: (*path).to_owned(),
        },
        len_bytes: 0,
        fallback: false,
    };
    let all: Vec<EfiProgram> = files.iter().map(program).collect();
    find(&volumes, &all, &[]).unwrap().programs
}

fn shim() -> Vec<u8> {
    sample(include_bytes!("../../tests/images/shimx64.efi.zst"))
}

const UEFI_2011: &str =
    "CN=Microsoft Corporation UEFI CA 2011,O=Microsoft Corporation,L=Redmond,ST=Washington,C=US";

#[test]
fn a_shim_with_two_signatures() {
    let all = programs(&[("/EFI/BOOT/BOOTX64.EFI", &shim())]);
    let shim = &all[0];
    assert_eq!(
        (shim.role, shim.machine.as_str()),
        (ProgramRole::Shim, "x86-64")
    );
    assert_eq!(shim.damage, None);
    let [old, new] = shim.signatures.as_slice() else {
        panic!("{:?}", shim.signatures);
    };
    assert_eq!(
        (old.digest.as_str(), new.digest.as_str()),
        ("sha256", "sha256")
    );
    let signer = &old.signers[0];
    assert_eq!(signer.authority, Authority::MicrosoftUefiCa2011);
    assert_eq!(signer.issuer, UEFI_2011);
    assert_eq!(
        signer.subject.as_deref(),
        Some(
            "CN=Microsoft Windows UEFI Driver Publisher,O=Microsoft Corporation,L=Redmond,\
             ST=Washington,C=US"
        )
    );
    assert_eq!(signer.serial, "33000000708CC364D7555A275E000100000070");
    let ends: Vec<(&str, &str)> = old
        .certificates
        .iter()
        .map(|own| (own.serial.as_str(), own.not_after.as_str()))
        .collect();
    assert_eq!(
        ends,
        [
            (
                "33000000708CC364D7555A275E000100000070",
                "2026-06-26T19:35:19Z"
            ),
            ("6108D3C4000000000004", "2026-06-27T21:32:45Z"),
        ]
    );
    let signer = &new.signers[0];
    assert_eq!(signer.authority, Authority::MicrosoftUefiCa2023);
    assert_eq!(
        signer.issuer,
        "CN=Microsoft UEFI CA 2023,O=Microsoft Corporation,C=US"
    );
    assert_eq!(signer.serial, "33000000040A37C7DD9436A7CF000000000004");
    assert_eq!(new.certificates[1].not_after, "2038-06-13T19:31:47Z");
    let trusted: Vec<&str> = shim
        .vendor_certificates
        .iter()
        .map(|own| own.subject.as_str())
        .collect();
    assert_eq!(trusted, ["CN=Debian Secure Boot CA"]);
    let sbat: Vec<_> = shim
        .sbat
        .iter()
        .map(|own| (own.component.as_str(), own.generation))
        .collect();
    assert_eq!(sbat, [("sbat", 1), ("shim", 4), ("shim.debian", 1)]);
}

#[test]
fn what_the_distribution_signed_and_what_nobody_did() {
    let grub = sample(include_bytes!("../../tests/images/grubx64.efi.zst"));
    let manager = sample(include_bytes!("../../tests/images/mmx64.efi.zst"));
    let systemd = sample(include_bytes!("../../tests/images/systemd-bootx64.efi.zst"));
    let kernel = sample(include_bytes!("../../tests/images/vmlinuz.zst"));
    let all = programs(&[
        ("/EFI/debian/vmlinuz", &kernel),
        ("/EFI/debian/grubx64.efi", &grub),
        ("/EFI/debian/mmx64.efi", &manager),
        ("/EFI/systemd/systemd-bootx64.efi", &systemd),
        ("/EFI/debian/notes.txt", b"no program"),
    ]);
    let seen: Vec<_> = all
        .iter()
        .map(|own| {
            let signer = own.signatures.iter().flat_map(|one| &one.signers).next();
            let signer = signer.map(|one| (one.subject.clone().unwrap(), one.authority));
            (own.role, signer)
        })
        .collect();
    let debian = |part: &str| {
        let subject = format!("CN=Debian Secure Boot Signer 2022 - {part}");
        Some((subject, Authority::Distribution))
    };
    assert_eq!(
        seen,
        [
            (ProgramRole::MokManager, debian("shim")),
            (ProgramRole::Grub, debian("grub2")),
            (ProgramRole::SystemdBoot, None),
            (ProgramRole::Kernel, debian("linux")),
        ]
    );
    let signer = &all[1].signatures[0].signers[0];
    assert_eq!(signer.serial, "32A0287F841A036FA393C1E065C43AE6B2422642");
    assert_eq!(signer.issuer, "CN=Debian Secure Boot CA");
    assert_eq!(all[1].sbat[0].component, "sbat");
}

/// A shim, one part of which is changed.
fn spoiled(change: impl Fn(&mut Vec<u8>)) -> SignedProgram {
    let mut bytes = shim();
    change(&mut bytes);
    programs(&[("/EFI/BOOT/BOOTX64.EFI", &bytes)]).remove(0)
}

/// Where `objdump -p` finds the certificate table.
const TABLE: usize = 1_029_136;
/// Its entry among the data directories: PE header at 0x80, 24 to the optional header, 112, 4 × 8.
const ENTRY: usize = 0x80 + 24 + 112 + 32;

#[test]
fn spoiled_tables_are_told() {
    let outside = spoiled(|bytes| bytes[ENTRY + 4..ENTRY + 8].fill(0x7f));
    assert!(outside.signatures.is_empty());
    assert!(outside.damage.unwrap().contains("not in its"));
    let none = spoiled(|bytes| bytes[ENTRY..ENTRY + 8].fill(0));
    assert_eq!((none.signatures.len(), none.damage), (0, None));
    let long = spoiled(|bytes| bytes[TABLE..TABLE + 4].fill(0xff));
    assert_eq!(
        long.damage.unwrap(),
        "signature 1 does not end inside the table"
    );
    let other = spoiled(|bytes| bytes[TABLE + 6] = 1);
    assert_eq!(other.signatures.len(), 1);
    assert_eq!(
        other.damage.unwrap(),
        "signature 1 is of kind 1, not PKCS #7"
    );
    let no_message = spoiled(|bytes| bytes[TABLE + 8] = 0);
    assert_eq!(no_message.signatures.len(), 1);
    assert_eq!(
        no_message.damage.unwrap(),
        "signature 1 is no PKCS #7 message"
    );
}
