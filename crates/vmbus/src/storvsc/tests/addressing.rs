//! Which path, target and unit answers, and what is said of one that is not there.

use super::support::{Guest, disk, medium, one, pattern, read};
use crate::guid::Guid;
use crate::storvsc::{AttachError, IdePlace, ide, scsi};

const INQUIRY: [u8; 6] = [0x12, 0, 0, 0, 36, 0];
const REPORT_LUNS: [u8; 12] = [0xa0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0];

/// Any place but that of the one disk.
const ELSEWHERE: [[u8; 3]; 5] = [[1, 0, 0], [7, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 63]];

#[test]
fn an_inquiry_of_an_absent_unit_succeeds_and_says_that_none_is_there() {
    let (mut guest, _) = one(medium(0, disk()));
    for address in ELSEWHERE {
        let data = guest.request(address, &INQUIRY, 1, &[0; 36]).good();
        assert_eq!(data[0], 0x7f, "{address:?}");
    }
}

#[test]
fn report_luns_of_an_absent_target_succeeds_and_lists_nothing() {
    let (mut guest, _) = one(medium(0, disk()));
    for address in [[1, 0, 0], [7, 0, 0], [0, 1, 0]] {
        let answer = guest.request(address, &REPORT_LUNS, 1, &[0xff; 512]);
        assert_eq!(answer.moved, 8);
        assert_eq!(answer.good()[..8], [0; 8]);
    }
}

#[test]
fn anything_else_to_an_absent_unit_has_the_guest_remove_it() {
    let (mut guest, _) = one(medium(0, disk()));
    for address in ELSEWHERE {
        for cdb in [
            &[0; 6][..],
            &read(0, 1),
            &[0x1a, 0, 8, 0, 64, 0],
            &[0xc0; 10],
        ] {
            let answer = guest.request(address, cdb, 1, &[0; 512]);
            assert_eq!((answer.srb_status, answer.moved), (0x20, 0), "{address:?}");
            assert_eq!(answer.nt_status, 0xc000_00c0);
        }
    }
}

#[test]
fn vital_data_of_an_absent_unit_is_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    let answer = guest.request([0, 0, 9], &[0x12, 1, 0x83, 0, 255, 0], 1, &[0; 255]);
    assert_eq!(answer.codes(), (5, 0x24, 0));
}

#[test]
fn report_luns_lists_all_units_of_the_controller() {
    let media = (0..64).rev().map(|lun| medium(lun, disk())).collect();
    let (device, _) = scsi(Guid::new(7), media).unwrap();
    let mut guest = Guest::ready(device);
    // Also when asked of a unit that is not there, as Linux may.
    let answer = guest.request([0, 0, 0], &REPORT_LUNS, 1, &[0; 1024]);
    assert_eq!(answer.moved, 512, "no more than was allocated");
    let mut long = REPORT_LUNS;
    long[8] = 4;
    let answer = guest.request([0, 0, 0], &long, 1, &[0; 1024]);
    assert_eq!(answer.moved, 8 + 64 * 8);
    let data = answer.good();
    assert_eq!(data[..8], [0, 0, 2, 0, 0, 0, 0, 0]);
    let luns: Vec<u8> = data[8..520].chunks(8).map(|entry| entry[1]).collect();
    assert_eq!(luns, (0..64).collect::<Vec<u8>>());
}

#[test]
fn report_luns_knows_no_well_known_units() {
    let (mut guest, _) = one(medium(0, disk()));
    let mut cdb = REPORT_LUNS;
    cdb[2] = 1;
    assert_eq!(guest.ask(&cdb, 64).good()[..8], [0; 8]);
    cdb[2] = 3;
    assert_eq!(guest.ask(&cdb, 64).codes(), (5, 0x24, 0));
}

#[test]
fn units_have_different_numbers_below_64() {
    let twice = scsi(Guid::new(7), vec![medium(5, disk()), medium(5, disk())]);
    assert_eq!(twice.err(), Some(AttachError::InUse { lun: 5 }));
    let high = scsi(Guid::new(7), vec![medium(64, disk())]);
    assert_eq!(
        high.err(),
        Some(AttachError::NoSuchNumber { lun: 64, limit: 64 })
    );
}

#[test]
fn a_disk_without_a_sector_is_refused() {
    let empty = detente_block::MemoryDisk::new(vec![0; 511]);
    let refused = scsi(Guid::new(7), vec![medium(0, std::sync::Arc::new(empty))]);
    assert_eq!(refused.err(), Some(AttachError::Empty { lun: 0 }));
}

#[test]
fn an_ide_disk_answers_on_its_target_whatever_the_path() {
    let (device, _) = ide(IdePlace::SecondarySecond, medium(0, disk())).unwrap();
    let mut guest = Guest::ready(device);
    // Linux says path 0 for the second controller, too.
    for path in [0, 1] {
        let data = guest
            .request([path, 1, 0], &read(3, 1), 1, &[0; 512])
            .good();
        assert_eq!(data, pattern()[3 * 512..4 * 512]);
    }
    for address in [[1, 0, 0], [0, 1, 1], [0, 2, 0]] {
        let answer = guest.request(address, &read(3, 1), 1, &[0; 512]);
        assert_eq!(answer.srb_status, 0x20, "{address:?}");
    }
    let listed = guest.request([1, 1, 0], &REPORT_LUNS, 1, &[0; 64]);
    assert_eq!(listed.moved, 16);
    let unlisted = guest.request([0, 1, 0], &REPORT_LUNS, 1, &[0; 64]);
    assert_eq!(unlisted.moved, 8);
}

#[test]
fn an_ide_channel_has_one_disk() {
    let refused = ide(IdePlace::PrimaryFirst, medium(1, disk()));
    assert_eq!(
        refused.err(),
        Some(AttachError::NoSuchNumber { lun: 1, limit: 1 })
    );
}
