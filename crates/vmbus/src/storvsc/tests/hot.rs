//! Disks that come, go and grow while the guest runs.

use super::support::{Guest, disk, medium, one, pattern, read};
use crate::device::Device;
use crate::storvsc::exercise::{START, SentPacket};
use crate::storvsc::{AttachError, NoSuchUnit, ResizeError};

/// What the guest is sent when the owner pokes.
fn poked(guest: &mut Guest) -> Vec<SentPacket> {
    guest.device.service(&mut guest.script, START).unwrap();
    std::mem::take(&mut guest.script.sent)
}

fn is_look_again(sent: &[SentPacket]) -> bool {
    matches!(sent, [one] if !one.is_completion
        && one.transaction == 0
        && one.payload.len() == 64
        && one.payload[..12] == [11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

#[test]
fn a_disk_that_comes_is_announced_once() {
    let (mut guest, handle) = one(medium(0, disk()));
    assert_eq!(poked(&mut guest), [], "the disks of the beginning are not");
    handle.attach(medium(4, disk())).unwrap();
    assert!(is_look_again(&poked(&mut guest)));
    assert_eq!(poked(&mut guest), []);
    let data = guest.request([0, 0, 4], &read(2, 1), 1, &[0; 512]).good();
    assert_eq!(data, pattern()[1024..1536]);
    let again = handle.attach(medium(4, disk()));
    assert_eq!(again, Err(AttachError::InUse { lun: 4 }));
    assert_eq!(poked(&mut guest), []);
}

#[test]
fn a_disk_that_goes_is_announced_and_absent() {
    let (mut guest, handle) = one(medium(0, disk()));
    drop(handle.remove(0).unwrap());
    assert!(is_look_again(&poked(&mut guest)));
    // hv_storvsc tests each unit that it knows, and removes those that answer so.
    assert_eq!(guest.tell(&[0; 6], &[]).srb_status, 0x20);
    assert_eq!(handle.remove(0).err(), Some(NoSuchUnit { lun: 0 }));
}

#[test]
fn a_disk_that_grows_is_a_unit_attention_once() {
    let (mut guest, handle) = one(medium(0, disk()));
    handle.resize(0, 4096 * 512).unwrap();
    assert!(is_look_again(&poked(&mut guest)));
    // Neither of these reports it or takes it away.
    guest.ask(&[0x12, 0, 0, 0, 36, 0], 36).good();
    guest
        .ask(&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], 16)
        .good();
    let told = guest.tell(&[0; 6], &[]);
    // SRB_STATUS_ABORTED, with sense: older kernels look at the capacity only then.
    assert_eq!((told.srb_status, told.scsi_status), (0x82, 2));
    let sense = (told.sense[2], told.sense[12], told.sense[13]);
    assert_eq!(sense, (6, 0x2a, 9));
    guest.tell(&[0; 6], &[]).good();
    let data = guest.ask(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8).good();
    assert_eq!(data[..4], [0, 0, 0x0f, 0xff]);
    assert_eq!(guest.ask(&read(4095, 1), 512).good(), [0; 512]);
}

#[test]
fn request_sense_reports_a_unit_attention_too() {
    let (mut guest, handle) = one(medium(0, disk()));
    handle.resized(0).unwrap();
    poked(&mut guest);
    let sense = guest.ask(&[3, 0, 0, 0, 18, 0], 18).good();
    assert_eq!((sense[2], sense[12], sense[13]), (6, 0x2a, 9));
    guest.tell(&[0; 6], &[]).good();
}

#[test]
fn a_disk_does_not_shrink_and_one_that_is_not_there_does_not_grow() {
    let (mut guest, handle) = one(medium(0, disk()));
    assert!(matches!(handle.resize(0, 512), Err(ResizeError::Disk(_))));
    let absent = handle.resize(1, 1 << 30);
    assert!(matches!(absent, Err(ResizeError::NoSuchUnit(_))));
    assert_eq!(handle.resized(1), Err(NoSuchUnit { lun: 1 }));
    assert_eq!(poked(&mut guest), []);
}

#[test]
fn what_the_ring_has_no_room_for_is_announced_later() {
    let (mut guest, handle) = one(medium(0, disk()));
    handle.attach(medium(1, disk())).unwrap();
    guest.script.room = 0;
    assert_eq!(poked(&mut guest), []);
    guest.script.room = 9;
    assert!(is_look_again(&poked(&mut guest)));
}

#[test]
fn nothing_is_announced_before_the_guest_has_begun() {
    let (device, handle) =
        crate::storvsc::scsi(crate::guid::Guid::new(7), vec![medium(0, disk())]).unwrap();
    let mut guest = Guest::silent(device);
    handle.attach(medium(1, disk())).unwrap();
    assert_eq!(poked(&mut guest), []);
}
