//! Linux's scan finds the disks that are there, and no other.

use detente_vmbus::fake_guest::FakeGuest;
use detente_vmbus::storvsc::{IdePlace, ide};

use crate::guest::{Driver, IDE, content, controller, medium, read};

const INQUIRY: [u8; 6] = [0x12, 0, 0, 0, 36, 0];
const REPORT_LUNS: [u8; 12] = [0xa0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0];
const NOT_FOUND: u8 = 0x20;

/// Whether Linux adds a device there. Whatever the status, hv_storvsc makes a success of it.
fn is_disk(driver: &mut Driver, address: [u8; 3]) -> bool {
    let answer = driver.ask(address, &INQUIRY, 36);
    // Peripheral qualifier 3, or type 1Fh: scsi_probe_and_add_lun adds none.
    answer.data[0] >> 5 != 3 && answer.data[0] & 0x1f != 0x1f
}

/// scsi_scan_host: eight channels, two targets, unit 0, then those that REPORT LUNS lists.
fn scan(driver: &mut Driver) -> Vec<[u8; 3]> {
    let mut found = Vec::new();
    for path in 0..8 {
        for target in 0..2 {
            let first = [path, target, 0];
            if is_disk(driver, first) {
                found.push(first);
            }
            let answer = driver.ask(first, &REPORT_LUNS, 4096);
            assert_eq!(answer.srb_status, 1);
            let listed = answer.data[8..answer.moved].chunks(8).map(|entry| entry[1]);
            for lun in listed.filter(|lun| *lun != 0) {
                if is_disk(driver, [path, target, lun]) {
                    found.push([path, target, lun]);
                }
            }
        }
    }
    found
}

#[test]
fn there_are_no_phantom_disks() {
    for luns in [vec![0], vec![0, 1, 5, 63], vec![3], (0..64).collect()] {
        let (mut driver, _, _) = controller(&luns);
        let expected: Vec<_> = luns.iter().map(|lun| [0, 0, *lun]).collect();
        assert_eq!(scan(&mut driver), expected);
    }
}

#[test]
fn a_disk_that_is_added_is_found_by_the_scan_that_it_asks_for() {
    let (mut driver, handle, id) = controller(&[0]);
    handle.attach(medium(7)).unwrap();
    driver.guest.poke(id);
    let packets = driver.guest.packets(driver.channel);
    // In-band, number 0, no completion wanted: otherwise Linux drops it.
    assert_eq!(packets.len(), 1);
    let packet = &packets[0];
    assert_eq!((packet.kind, packet.flags, packet.transaction), (6, 0, 0));
    assert_eq!(packet.payload[..4], [11, 0, 0, 0]);
    assert_eq!(scan(&mut driver), [[0, 0, 0], [0, 0, 7]]);
    let data = driver.ask([0, 0, 7], &read(9, 1), 512).data;
    assert_eq!(data, content(7)[9 * 512..10 * 512]);
}

#[test]
fn a_disk_that_is_removed_is_found_out_by_its_test() {
    let (mut driver, handle, id) = controller(&[0, 7]);
    handle.remove(7).unwrap();
    driver.guest.poke(id);
    assert_eq!(driver.guest.packets(driver.channel).len(), 1);
    // storvsc_host_scan: TEST UNIT READY to each known disk, then the scan.
    assert_eq!(driver.ask([0, 0, 7], &[0; 6], 0).srb_status, NOT_FOUND);
    assert_eq!(driver.ask([0, 0, 0], &[0; 6], 0).srb_status, 1);
    assert_eq!(scan(&mut driver), [[0, 0, 0]]);
}

#[test]
fn the_boot_disk_of_generation_1_is_on_a_channel_of_its_own() {
    let (device, _handle) = ide(IdePlace::PrimaryFirst, medium(0)).unwrap();
    let mut guest = FakeGuest::new();
    guest.offer(Box::new(device));
    guest.connect();
    let instance = guest.offered(IDE).unwrap().instance.to_string();
    assert_eq!(instance, "00000000-0000-8899-0000-000000000000");
    let mut driver = Driver::open(guest, IDE);
    // scsi_add_device: channel 0, the target that the instance says, unit 0.
    assert!(is_disk(&mut driver, [0, 0, 0]));
    assert!(!is_disk(&mut driver, [0, 1, 0]));
    let data = driver.ask([0; 3], &read(1, 1), 512).data;
    assert_eq!(data, content(0)[512..1024]);
}
