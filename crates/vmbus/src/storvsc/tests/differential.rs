//! sg3-utils reads what the unit says of itself.

use std::io;
use std::process::Command;
use std::sync::Arc;

use super::support::{Guest, disk, medium, one, read, write};
use crate::storvsc::exercise::Broken;
use crate::storvsc::{Access, Medium};

/// What `sg_inq` or `sg_vpd` says of these bytes, or nothing when it is not there.
fn decoded(tool: &str, arguments: &[&str], bytes: &[u8]) -> Option<String> {
    let arguments = [arguments, &["--raw", "--inhex"]].concat();
    said(tool, &arguments, bytes)
}

/// What a tool says of these bytes; its last argument is the option that takes a file.
fn said(tool: &str, arguments: &[&str], bytes: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bytes");
    std::fs::write(&file, bytes).unwrap();
    let (option, arguments) = arguments.split_last().unwrap();
    let option = format!("{option}={}", file.display());
    let output = Command::new(tool).args(arguments).arg(option).output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            None
        }
    }
}

fn page(guest: &mut Guest, vital: u8, code: u8) -> Vec<u8> {
    let answer = guest.ask(&[0x12, vital, code, 0, 255, 0], 255);
    let moved = answer.moved as usize;
    answer.good()[..moved].to_vec()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    for line in expected {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "says what was skipped")]
fn sg3_utils_understand_every_page() {
    let (mut guest, _) = one(medium(0, disk()));
    let Some(text) = decoded("sg_inq", &[], &page(&mut guest, 0, 0)) else {
        eprintln!("skipped: sg3_utils_understand_every_page: sg_inq is not here");
        return;
    };
    check(
        &text,
        &[
            "PQual=0",
            "PDT=0",
            "[SPC-3]",
            "Vendor identification: Msft",
            "Product identification: Virtual Disk",
            "Product revision level: 1.0",
        ],
    );
    let mut vital = |code: u8| {
        let argument = format!("--page={code:#x}");
        decoded("sg_vpd", &[&argument], &page(&mut guest, 1, code)).unwrap()
    };
    check(&vital(0x80), &["Unit serial number: QM-00001"]);
    check(
        &vital(0x83),
        &[
            "vendor id: Msft",
            "vendor specific: QM-00001",
            "0x60022480612652e64e659afc2e09fe87",
        ],
    );
    check(
        &vital(0xb0),
        &[
            "Write same non-zero (WSNZ): 1",
            "Maximum transfer length: 512 blocks",
            "Maximum unmap LBA count: 2097152",
            "Maximum unmap block descriptor count: 256",
            "Optimal unmap granularity: 8",
            "Maximum write same length: 0x4000 blocks",
        ],
    );
    check(
        &vital(0xb2),
        &[
            "Unmap command supported (LBPU): 1",
            "Write same (16) with unmap bit supported (LBPWS): 1",
            "Write same (10) with unmap bit supported (LBPWS10): 1",
            "Logical block provisioning read zeros (LBPRZ): 1",
            "Provisioning type: 2 (thin provisioned)",
        ],
    );
}

#[test]
#[expect(clippy::print_stderr, reason = "says what was skipped")]
fn sg3_utils_understand_why_commands_fail() {
    let (mut protected, _) = one(Medium {
        access: Access::ReadOnly,
        ..medium(0, disk())
    });
    let (mut full, _) = one(medium(0, Arc::new(Broken(io::ErrorKind::StorageFull))));
    let (mut broken, _) = one(medium(0, Arc::new(Broken(io::ErrorKind::Other))));
    let answers = [
        (
            full.tell(&write(0, 1), &[0; 512]),
            "Space allocation failed write protect",
        ),
        (
            protected.tell(&write(0, 1), &[0; 512]),
            "Sense key: Data Protect",
        ),
        (broken.ask(&read(0, 1), 512), "Unrecovered read error"),
        (broken.tell(&write(0, 1), &[0; 512]), "Write error"),
        (
            protected.ask(&read(9999, 1), 512),
            "Logical block address out of range",
        ),
        (
            protected.tell(&[0xff; 16], &[]),
            "Invalid command operation code",
        ),
        (
            protected.ask(&[0x12, 1, 0x99, 0, 9, 0], 9),
            "Invalid field in cdb",
        ),
        (
            protected.ask(&[0x1a, 0, 0xff, 0, 9, 0], 9),
            "Saving parameters not supported",
        ),
    ];
    for (answer, expected) in answers {
        let Some(text) = said("sg_decode_sense", &["--binary"], &answer.sense) else {
            eprintln!(
                "skipped: sg3_utils_understand_why_commands_fail: sg_decode_sense is not here"
            );
            return;
        };
        check(&text, &["Fixed format, current", expected]);
    }
}
