//! Reads, writes, flushes and what makes zeros.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use detente_block::{BlockRead, BlockWrite, MemoryDisk, ReadError, WriteError};

use super::support::{Guest, SECTORS, disk, medium, one, pattern, read, srb, transfer, write};
use crate::packet::PacketKind;
use crate::pages::PageRange;
use crate::storvsc::exercise::Broken;
use crate::storvsc::{Access, Medium, SectorSize};

fn bytes_of(disk: &dyn BlockRead) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(disk.len_bytes()).unwrap()];
    disk.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// READ or WRITE of 12 and 16 bytes.
fn longer(opcode: u8, first: u32, count: u32) -> Vec<u8> {
    let (first, count) = (first.to_be_bytes(), count.to_be_bytes());
    if opcode >> 5 == 5 {
        [&[opcode, 0][..], &first, &count, &[0, 0]].concat()
    } else {
        [&[opcode, 0, 0, 0, 0, 0][..], &first, &count, &[0, 0]].concat()
    }
}

#[test]
fn every_read_command_reads() {
    let (mut guest, _) = one(medium(0, disk()));
    let expected = &pattern()[5 * 512..8 * 512];
    let commands = [
        vec![0x08, 0, 0, 5, 3, 0],
        read(5, 3).to_vec(),
        longer(0xa8, 5, 3),
        longer(0x88, 5, 3),
    ];
    for cdb in commands {
        // The buffer is longer than what is read: the rest is residual.
        let answer = guest.ask(&cdb, 4096);
        assert_eq!(answer.moved, 3 * 512);
        let data = answer.good();
        assert_eq!(data[..3 * 512], *expected);
        assert_eq!(data[3 * 512..], [0xa5; 4096 - 3 * 512]);
    }
}

#[test]
fn every_write_command_writes() {
    let disk = disk();
    let (mut guest, _) = one(medium(0, disk.clone()));
    let mut expected = pattern();
    let commands = [
        vec![0x0a, 0, 0, 10, 2, 0],
        write(20, 2).to_vec(),
        longer(0xaa, 30, 2),
        longer(0x8a, 40, 2),
    ];
    for (number, cdb) in (1_u8..).zip(commands) {
        let data: Vec<u8> = (0..1024_u32).map(|at| (at % 251) as u8 ^ number).collect();
        let answer = guest.tell(&cdb, &data);
        assert_eq!(answer.moved, 1024);
        answer.good();
        let at = usize::from(number) * 10 * 512;
        expected[at..at + 1024].copy_from_slice(&data);
    }
    assert_eq!(bytes_of(&*disk), expected);
}

#[test]
fn a_short_read_of_no_blocks_is_one_of_256() {
    let (mut guest, _) = one(medium(0, disk()));
    let answer = guest.ask(&[0x08, 0, 0, 1, 0, 0], 256 * 512);
    assert_eq!(answer.moved, 256 * 512);
    assert_eq!(answer.good(), pattern()[512..257 * 512]);
}

#[test]
fn the_longest_transfer_is_moved_and_a_longer_one_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    let answer = guest.ask(&read(0, 512), 512 * 512);
    assert_eq!(answer.good(), pattern()[..512 * 512]);
    let answer = guest.ask(&read(0, 513), 513 * 512);
    assert_eq!((answer.srb_status, answer.moved), (0x06, 0));
}

#[test]
fn no_blocks_are_moved_when_none_are_asked_for() {
    let (mut guest, _) = one(medium(0, disk()));
    for cdb in [read(7, 0), write(7, 0), read(2048, 0)] {
        let answer = guest.tell(&cdb, &[]);
        assert_eq!((answer.srb_status, answer.moved), (1, 0));
    }
}

#[test]
fn blocks_beyond_the_end_are_out_of_range() {
    let (mut guest, _) = one(medium(0, disk()));
    let sectors = u32::try_from(SECTORS).unwrap();
    guest.ask(&read(sectors - 1, 1), 512).good();
    for cdb in [
        read(sectors, 1).to_vec(),
        read(sectors - 1, 2).to_vec(),
        read(u32::MAX, 1).to_vec(),
        longer(0x88, 0, u32::MAX),
        [&[0x88, 0][..], &[0xff; 8], &[0, 0, 0, 1, 0, 0]].concat(),
    ] {
        assert_eq!(guest.ask(&cdb, 4096).codes(), (5, 0x21, 0));
        let mut cdb = cdb;
        cdb[0] += 2;
        assert_eq!(guest.tell(&cdb, &[0; 4096]).codes(), (5, 0x21, 0));
    }
}

#[test]
fn a_buffer_that_is_too_small_or_the_wrong_way_round_is_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    let refused = [
        guest.ask(&read(0, 2), 1023),
        guest.tell(&write(0, 2), &[0; 1023]),
        guest.tell(&read(0, 2), &[0; 1024]),
        guest.ask(&write(0, 2), 1024),
        guest.tell(&read(0, 1), &[]),
    ];
    for answer in refused {
        assert_eq!(answer.codes(), (5, 0x24, 0));
    }
}

#[test]
fn a_length_that_the_ranges_do_not_hold_is_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    let mut packet = srb([0, 0, 0], &read(0, 1), 1, 513);
    let answer = guest.request_packet(packet.clone(), &[0; 512]);
    assert_eq!(answer.srb_status, 0x06);
    packet[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(guest.request_packet(packet, &[0; 512]).srb_status, 0x06);
}

#[test]
fn a_request_without_data_may_say_a_length() {
    let (mut guest, _) = one(medium(0, disk()));
    let packet = srb([0, 0, 0], &[0; 6], 2, 4096);
    assert_eq!(guest.request_kind(packet, PacketKind::InBand).srb_status, 1);
}

#[test]
fn data_may_lie_in_several_ranges() {
    let (mut guest, _) = one(medium(0, disk()));
    let range = |len, offset, page| PageRange::new(len, offset, vec![page, page + 1]).unwrap();
    let ranges = vec![range(1000, 4000, 5), range(24, 0, 9), range(5000, 1, 20)];
    let packet = srb([0, 0, 0], &read(1, 2), 1, 1024);
    let kind = PacketKind::GpaDirect(ranges);
    assert_eq!(guest.request_kind(packet, kind).moved, 1024);
    let first = guest.script.memory.bytes(5 * 4096 + 4000, 1000);
    let second = guest.script.memory.bytes(9 * 4096, 24);
    assert_eq!([first, second].concat(), pattern()[512..1536]);
    assert_eq!(guest.script.memory.bytes(20 * 4096, 64), [0; 64]);
}

#[test]
fn memory_that_is_not_there_is_a_bad_request_and_writes_nothing() {
    let disk = disk();
    let (mut guest, _) = one(medium(0, disk.clone()));
    for pages in [vec![1 << 40], vec![5, 1 << 51]] {
        let offset = if pages.len() == 1 { 0 } else { 4000 };
        for (cdb, direction) in [(read(0, 1), 1), (write(0, 1), 0)] {
            let range = PageRange::new(512, offset, pages.clone()).unwrap();
            let packet = srb([0, 0, 0], &cdb, direction, 512);
            let answer = guest.request_kind(packet, PacketKind::GpaDirect(vec![range]));
            assert_eq!((answer.srb_status, answer.moved), (0x06, 0));
        }
    }
    assert_eq!(bytes_of(&*disk), pattern());
}

#[test]
fn protection_information_is_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    let mut cdb = read(0, 1);
    cdb[1] = 0x20;
    assert_eq!(guest.ask(&cdb, 512).codes(), (5, 0x24, 0));
}

#[test]
fn a_read_only_disk_is_not_written() {
    let disk = disk();
    let (mut guest, _) = one(Medium {
        access: Access::ReadOnly,
        ..medium(0, disk.clone())
    });
    for cdb in [write(0, 1), transfer(0x41, 0, 1), transfer(0x42, 0, 24)] {
        assert_eq!(guest.tell(&cdb, &[9; 512]).codes(), (7, 0x27, 0));
    }
    assert_eq!(bytes_of(&*disk), pattern());
}

#[test]
fn sectors_of_4096_bytes_are_counted_as_such() {
    let disk = disk();
    let (mut guest, _) = one(Medium {
        sector: SectorSize::B4096,
        ..medium(0, disk.clone())
    });
    assert_eq!(guest.ask(&read(2, 1), 4096).good(), pattern()[8192..12288]);
    guest.tell(&write(1, 1), &[3; 4096]).good();
    assert_eq!(bytes_of(&*disk)[4096..8192], [3; 4096]);
    assert_eq!(guest.ask(&read(256, 1), 4096).codes(), (5, 0x21, 0));
}

/// Counts flushes, and says in which order they and writes came.
struct Counting {
    disk: MemoryDisk,
    writes: AtomicUsize,
    flushed_after: AtomicUsize,
    flushes: AtomicUsize,
}

impl BlockRead for Counting {
    fn len_bytes(&self) -> u64 {
        self.disk.len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.disk.read_exact_at(offset, buf)
    }
}

impl BlockWrite for Counting {
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.disk.write_all_at(offset, bytes)
    }

    fn flush(&self) -> Result<(), WriteError> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        let writes = self.writes.load(Ordering::SeqCst);
        self.flushed_after.store(writes, Ordering::SeqCst);
        Ok(())
    }

    fn zero_at(&self, offset: u64, len: u64) -> Result<(), WriteError> {
        self.disk.zero_at(offset, len)
    }

    fn grow(&self, len: u64) -> Result<(), WriteError> {
        self.disk.grow(len)
    }
}

#[test]
fn a_flush_is_a_flush() {
    let disk = Arc::new(Counting {
        disk: MemoryDisk::new(pattern()),
        writes: AtomicUsize::new(0),
        flushed_after: AtomicUsize::new(0),
        flushes: AtomicUsize::new(0),
    });
    let (mut guest, _) = one(medium(0, disk.clone()));
    let flushes = || disk.flushes.load(Ordering::SeqCst);
    guest.tell(&write(0, 1), &[1; 512]).good();
    assert_eq!(flushes(), 0, "a write alone flushes nothing");
    guest.tell(&transfer(0x35, 0, 0), &[]).good();
    assert_eq!(flushes(), 1, "SYNCHRONIZE CACHE (10)");
    guest.tell(&longer(0x91, 0, 0), &[]).good();
    assert_eq!(flushes(), 2, "SYNCHRONIZE CACHE (16)");
    let mut forced = write(1, 1);
    forced[1] = 0x08;
    guest.tell(&forced, &[1; 512]).good();
    assert_eq!(flushes(), 3, "a write with FUA");
    assert_eq!(disk.flushed_after.load(Ordering::SeqCst), 2);
    guest.tell(&[0x1b, 0, 0, 0, 0, 0], &[]).good();
    assert_eq!(flushes(), 4, "a stop");
}

/// UNMAP's parameter list.
fn unmap_list(ranges: &[(u64, u32)]) -> Vec<u8> {
    let len = u16::try_from(ranges.len() * 16).unwrap();
    let mut list = (len + 6).to_be_bytes().to_vec();
    list.extend(len.to_be_bytes());
    list.extend([0; 4]);
    for (first, count) in ranges {
        list.extend(first.to_be_bytes());
        list.extend(count.to_be_bytes());
        list.extend([0; 4]);
    }
    list
}

fn unmap(guest: &mut Guest, list: &[u8]) -> super::support::Answer {
    let len = u16::try_from(list.len()).unwrap();
    guest.tell(&transfer(0x42, 0, len), list)
}

#[test]
fn unmapped_blocks_read_as_zero() {
    let disk = disk();
    let (mut guest, _) = one(medium(0, disk.clone()));
    unmap(&mut guest, &unmap_list(&[(3, 2), (100, 1), (2048, 0)])).good();
    let mut expected = pattern();
    expected[3 * 512..5 * 512].fill(0);
    expected[100 * 512..101 * 512].fill(0);
    assert_eq!(bytes_of(&*disk), expected);
    guest.tell(&transfer(0x42, 0, 0), &[]).good();
}

#[test]
fn a_list_with_one_bad_range_unmaps_nothing() {
    let disk = disk();
    let (mut guest, _) = one(medium(0, disk.clone()));
    for bad in [(2048, 1), (u64::MAX, 1), (0, u32::MAX)] {
        let answer = unmap(&mut guest, &unmap_list(&[(3, 2), bad]));
        assert_eq!(answer.codes(), (5, 0x21, 0));
    }
    assert_eq!(bytes_of(&*disk), pattern());
}

#[test]
fn lists_that_lie_about_their_length_are_refused() {
    let (mut guest, _) = one(medium(0, disk()));
    let mut list = unmap_list(&[(3, 2)]);
    assert_eq!(unmap(&mut guest, &list[..7]).codes(), (5, 0x1a, 0));
    list[3] = 17;
    assert_eq!(unmap(&mut guest, &list).codes(), (5, 0x1a, 0));
    let many = unmap_list(&[(0, 1); 257]);
    assert_eq!(unmap(&mut guest, &many).codes(), (5, 0x26, 0));
    let longer_than_the_buffer = guest.tell(&transfer(0x42, 0, 100), &[0; 24]);
    assert_eq!(longer_than_the_buffer.codes(), (5, 0x24, 0));
    let mut anchored = transfer(0x42, 0, 24);
    anchored[1] = 1;
    assert_eq!(guest.tell(&anchored, &[0; 24]).codes(), (5, 0x24, 0));
}

#[test]
fn write_same_writes_one_block_many_times() {
    let disk = disk();
    let (mut guest, _) = one(medium(0, disk.clone()));
    let block: Vec<u8> = (0..512_u32).map(|at| (at % 13) as u8).collect();
    // More than one piece of it.
    let answer = guest.tell(&transfer(0x41, 5, 1000), &block);
    assert_eq!(answer.moved, 512);
    answer.good();
    let mut expected = pattern();
    expected[5 * 512..1005 * 512].copy_from_slice(&block.repeat(1000));
    assert_eq!(bytes_of(&*disk), expected);
    // WRITE SAME (16) with UNMAP, of a zero block; then one that sends none.
    let mut cdb = longer(0x93, 5, 10);
    cdb[1] = 0x08;
    guest.tell(&cdb, &[0; 512]).good();
    cdb = longer(0x93, 15, 10);
    cdb[1] = 0x09;
    guest.tell(&cdb, &[]).good();
    expected[5 * 512..25 * 512].fill(0);
    assert_eq!(bytes_of(&*disk), expected);
}

#[test]
fn write_same_of_no_blocks_too_many_or_with_anchors_is_refused() {
    let (mut guest, _) = one(medium(0, Arc::new(MemoryDisk::new(vec![1; 9 << 20]))));
    guest.tell(&longer(0x93, 0, 16384), &[0; 512]).good();
    for (first, count, flags) in [(0, 0, 0), (0, 16385, 0), (0, 1, 0x10), (0, 1, 0x02)] {
        let mut cdb = longer(0x93, first, count);
        cdb[1] = flags;
        assert_eq!(guest.tell(&cdb, &[0; 512]).codes(), (5, 0x24, 0));
    }
    // The ten-byte form always sends its block.
    let mut cdb = transfer(0x41, 0, 1);
    cdb[1] = 1;
    assert_eq!(guest.tell(&cdb, &[0; 512]).codes(), (5, 0x24, 0));
}

#[test]
fn a_disk_that_fails_is_a_medium_error_and_the_owner_hears_of_it() {
    let (mut guest, handle) = one(medium(0, Arc::new(Broken(io::ErrorKind::Other))));
    assert_eq!(guest.ask(&read(0, 1), 512).codes(), (3, 0x11, 0));
    for (cdb, data) in [
        (write(0, 1), &[1; 512][..]),
        (transfer(0x35, 0, 0), &[]),
        (transfer(0x41, 0, 4), &[1; 512]),
        (transfer(0x42, 0, 24), &unmap_list(&[(0, 1)])),
    ] {
        assert_eq!(guest.tell(&cdb, data).codes(), (3, 0x0c, 0));
    }
    let faults = handle.take_faults();
    assert_eq!(faults.len(), 5);
    assert!(faults.iter().all(|fault| fault.lun == 0 && !fault.no_room));
    assert!(faults[0].error.starts_with("read failed at offset 0x0: "));
    assert_eq!(handle.take_faults(), []);
}

#[test]
fn a_host_without_room_is_said_to_be_that() {
    let (mut guest, handle) = one(medium(0, Arc::new(Broken(io::ErrorKind::StorageFull))));
    assert_eq!(guest.tell(&write(0, 1), &[1; 512]).codes(), (7, 0x27, 7));
    assert!(handle.take_faults()[0].no_room);
}

#[test]
fn faults_do_not_pile_up() {
    let (mut guest, handle) = one(medium(0, Arc::new(Broken(io::ErrorKind::Other))));
    for _ in 0..200 {
        guest.ask(&read(0, 1), 512);
    }
    assert_eq!(handle.take_faults().len(), 64);
}
