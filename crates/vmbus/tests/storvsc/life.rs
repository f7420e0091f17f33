//! Guests that close, leave and come back.

use detente_vmbus::BusEvent;

use crate::guest::{Driver, SCSI, content, controller, read, write};

fn check_disk(driver: &mut Driver, first: &[u8]) {
    let data = driver.ask([0; 3], &read(0, 2), 1024).data;
    assert_eq!(data[..512], *first);
    assert_eq!(data[512..], content(0)[512..1024]);
}

#[test]
fn a_guest_unloads_in_the_middle_and_another_finds_what_it_wrote() {
    let (mut driver, _, _) = controller(&[0]);
    driver.tell([0; 3], &write(0, 1), &[0x77; 512], 8);
    // Requests are under way, their answers are not read: as when a guest panics.
    for sector in 0..20 {
        let (_, packet) = driver.one_sector(sector);
        assert!(driver.guest.try_write(driver.channel, &packet));
    }
    driver.guest.unload();
    driver.guest.connect();
    driver.open_again(SCSI);
    check_disk(&mut driver, &[0x77; 512]);
}

#[test]
fn a_channel_is_closed_and_opened_again() {
    let (mut driver, _, _) = controller(&[0]);
    for round in 1..5 {
        driver.tell([0; 3], &write(0, 1), &[round; 512], 0);
        driver.guest.close(driver.channel);
        driver.open_again(SCSI);
        check_disk(&mut driver, &[round; 512]);
    }
    let rested = |event: &BusEvent| matches!(event, BusEvent::Rested { .. });
    assert!(!driver.guest.events().iter().any(rested));
}

#[test]
fn a_controller_that_is_taken_away_comes_back_with_its_disks() {
    let (mut driver, _, id) = controller(&[0]);
    driver.tell([0; 3], &write(0, 1), &[5; 512], 0);
    let device = driver.guest.rescind(id);
    driver.guest.offer(device);
    driver.open_again(SCSI);
    check_disk(&mut driver, &[5; 512]);
}
