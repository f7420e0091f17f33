//! What the unit says of itself.

use std::sync::Arc;

use detente_block::{BlockRead, Overlay, ReadError, WritableFile};

use super::support::{Guest, disk, medium, one};
use crate::storvsc::{Access, Medium, SectorSize};

fn inquire(guest: &mut Guest, page: u8) -> Vec<u8> {
    let answer = guest.ask(&[0x12, 1, page, 0, 255, 0], 255);
    let moved = answer.moved as usize;
    let data = answer.good()[..moved].to_vec();
    assert_eq!(data[1], page);
    assert_eq!(data.len(), 4 + usize::from(data[3]));
    data
}

fn large(sector: SectorSize) -> Medium {
    Medium {
        sector,
        ..medium(0, disk())
    }
}

#[test]
fn the_standard_inquiry_names_a_virtual_disk() {
    let (mut guest, _) = one(medium(0, disk()));
    let answer = guest.ask(&[0x12, 0, 0, 0, 96, 0], 96);
    assert_eq!(answer.moved, 36, "the rest is residual");
    let data = answer.good();
    // What the guest of the trial printed: "Direct-Access Msft Virtual Disk 1.0".
    assert_eq!(data[0], 0);
    assert_eq!(&data[8..36], b"Msft    Virtual Disk    1.0 ");
}

#[test]
fn an_answer_is_cut_to_what_was_allocated() {
    let (mut guest, _) = one(medium(0, disk()));
    let answer = guest.ask(&[0x12, 0, 0, 0, 8, 0], 36);
    assert_eq!(answer.moved, 8);
    assert_eq!(answer.good()[8..], [0xa5; 28]);
    // And to what the buffer holds.
    let answer = guest.ask(&[0x12, 0, 0, 0, 255, 0], 16);
    assert_eq!((answer.moved, answer.srb_status), (16, 1));
}

#[test]
fn each_listed_page_is_there_and_no_other() {
    let (mut guest, _) = one(medium(0, disk()));
    let listed = inquire(&mut guest, 0)[4..].to_vec();
    assert_eq!(listed, [0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2]);
    for page in 0..=255 {
        if listed.contains(&page) {
            inquire(&mut guest, page);
        } else {
            let refused = guest.ask(&[0x12, 1, page, 0, 255, 0], 255);
            assert_eq!(refused.codes(), (5, 0x24, 0));
        }
    }
}

#[test]
fn the_serial_number_is_in_both_its_pages() {
    let (mut guest, _) = one(medium(0, disk()));
    assert_eq!(&inquire(&mut guest, 0x80)[4..], b"QM-00001");
    let names = inquire(&mut guest, 0x83);
    assert_eq!(&names[8..24], b"Msft    QM-00001");
    // The first twelve bytes of its 128-bit FNV-1a, worked out in Python.
    let naa = names[28..].iter().map(|byte| format!("{byte:02x}"));
    assert_eq!(naa.collect::<String>(), "60022480612652e64e659afc2e09fe87");
}

#[test]
fn limits_are_in_blocks() {
    for (sector, bytes) in [(SectorSize::B512, 512), (SectorSize::B4096, 4096)] {
        let (mut guest, _) = one(large(sector));
        let page = inquire(&mut guest, 0xb0);
        let number = |at: usize| u32::from_be_bytes(page[at..at + 4].try_into().unwrap());
        assert_eq!(number(8), 0x4_0000 / bytes, "maximum transfer");
        assert_eq!(number(20), (1 << 30) / bytes, "maximum unmap");
        assert_eq!(number(28), 4096 / bytes, "unmap granularity");
        assert_eq!(number(40), (8 << 20) / bytes, "maximum write same");
    }
}

#[test]
fn capacity_is_the_last_block_and_its_size() {
    let (mut guest, _) = one(medium(0, disk()));
    let data = guest.ask(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8).good();
    assert_eq!(data, [0, 0, 7, 0xff, 0, 0, 2, 0]);
    let cdb = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0];
    let data = guest.ask(&cdb, 32).good();
    assert_eq!(data[..12], [0, 0, 0, 0, 0, 0, 7, 0xff, 0, 0, 2, 0]);
    // Eight logical blocks in a physical one; unmapping, zeros after it.
    assert_eq!(data[13..15], [3, 0xc0]);
    let (mut guest, _) = one(large(SectorSize::B4096));
    let data = guest.ask(&cdb, 32).good();
    assert_eq!(data[..14], [0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 16, 0, 0, 0]);
}

/// A disk that says it is longer than 2 TiB.
struct Long;

impl BlockRead for Long {
    fn len_bytes(&self) -> u64 {
        3 << 40
    }

    fn read_exact_at(&self, _: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        buf.fill(0x11);
        Ok(())
    }
}

#[test]
fn a_disk_beyond_two_tebibytes_says_so_in_both_capacities() {
    let store = Arc::new(WritableFile::from_file(tempfile::tempfile().unwrap()).unwrap());
    let disk = Overlay::new(Arc::new(Long), store).unwrap();
    let (mut guest, _) = one(medium(0, Arc::new(disk)));
    let data = guest.ask(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8).good();
    assert_eq!(data[..4], [0xff; 4]);
    let cdb = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0];
    let data = guest.ask(&cdb, 32).good();
    assert_eq!(data[..8], ((3_u64 << 40) / 512 - 1).to_be_bytes());
    // And is read there.
    let mut cdb = [0; 16];
    cdb[0] = 0x88;
    cdb[2..10].copy_from_slice(&((3_u64 << 40) / 512 - 1).to_be_bytes());
    cdb[13] = 1;
    assert_eq!(guest.ask(&cdb, 512).good(), [0x11; 512]);
}

#[test]
fn mode_sense_says_that_there_is_a_write_cache() {
    let (mut guest, _) = one(medium(0, disk()));
    // As sd does: the header first, then all of it.
    let data = guest.ask(&[0x1a, 8, 8, 0, 64, 0], 64).good();
    assert_eq!(data[..7], [23, 0, 0x10, 0, 8, 18, 4]);
    let data = guest.ask(&[0x1a, 0, 8, 0, 64, 0], 64).good();
    assert_eq!(data[..12], [31, 0, 0x10, 8, 0, 0, 8, 0, 0, 0, 2, 0]);
    let data = guest.ask(&[0x5a, 8, 8, 0, 0, 0, 0, 0, 64, 0], 64).good();
    assert_eq!(data[..11], [0, 26, 0, 0x10, 0, 0, 0, 0, 8, 18, 4]);
    let answer = guest.ask(&[0x1a, 8, 0x3f, 0, 192, 0], 192);
    assert_eq!(answer.moved, 4 + 20 + 12);
}

#[test]
fn mode_sense_of_changeable_saved_and_unknown_values() {
    let (mut guest, _) = one(medium(0, disk()));
    let data = guest.ask(&[0x1a, 8, 0x48, 0, 24, 0], 24).good();
    assert_eq!(data[4..], [[8, 18].as_slice(), &[0; 18]].concat());
    let saved = guest.ask(&[0x1a, 8, 0xc8, 0, 24, 0], 24);
    assert_eq!(saved.codes(), (5, 0x39, 0));
    for (page, subpage) in [(1, 0), (0x1c, 0), (0x0a, 5)] {
        let unknown = guest.ask(&[0x1a, 8, page, subpage, 24, 0], 24);
        assert_eq!(unknown.codes(), (5, 0x24, 0));
    }
}

#[test]
fn a_read_only_disk_is_write_protected() {
    let (mut guest, _) = one(Medium {
        access: Access::ReadOnly,
        ..medium(0, disk())
    });
    let data = guest.ask(&[0x1a, 8, 0x3f, 0, 4, 0], 4).good();
    assert_eq!(data[2], 0x90);
    let cdb = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0];
    assert_eq!(guest.ask(&cdb, 32).good()[14], 0, "nothing to unmap");
    assert_eq!(inquire(&mut guest, 0xb2)[5], 0);
    let sync = guest.tell(&[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    sync.good();
}

#[test]
fn a_healthy_unit_is_ready_and_has_no_sense() {
    let (mut guest, _) = one(medium(0, disk()));
    guest.tell(&[0; 6], &[]).good();
    let sense = guest.ask(&[3, 0, 0, 0, 18, 0], 18).good();
    assert_eq!(sense[..8], [0x70, 0, 0, 0, 0, 0, 0, 10]);
    let descriptors = guest.ask(&[3, 1, 0, 0, 18, 0], 18);
    assert_eq!(descriptors.codes(), (5, 0x24, 0));
    for start in [0, 1] {
        guest.tell(&[0x1b, 0, 0, 0, start, 0], &[]).good();
    }
}

#[test]
fn unknown_commands_are_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    let known = [
        0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x35, 0x41, 0x42, 0x5a, 0x88,
        0x8a, 0x91, 0x93, 0x9e, 0xa0, 0xa8, 0xaa,
    ];
    for opcode in (0..=255).filter(|opcode| !known.contains(opcode)) {
        let mut cdb = [0; 16];
        cdb[0] = opcode;
        assert_eq!(guest.tell(&cdb, &[]).codes(), (5, 0x20, 0), "{opcode:#x}");
    }
}

#[test]
fn a_command_that_is_shorter_than_its_kind_is_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    for (opcode, needed) in [(0x12, 6), (0x28, 10), (0xa0, 12), (0x88, 16)] {
        let mut cdb = [0; 16];
        cdb[0] = opcode;
        let short = guest.tell(&cdb[..needed - 1], &[]);
        assert_eq!(short.codes(), (5, 0x24, 0), "{opcode:#x}");
    }
}
