//! Many requests, and many at once.

use crate::guest::{SECTORS, content, controller};

#[test]
fn twenty_thousand_sectors_are_read_around_the_ring() {
    let (mut driver, _, _) = controller(&[0]);
    let content = content(0);
    for number in 0..20_000 {
        let sector = number * 17 % SECTORS;
        let (transaction, packet) = driver.one_sector(sector);
        driver.guest.write_packet(driver.channel, &packet);
        let answer = driver.guest.completion(driver.channel, transaction);
        assert_eq!((answer[14], &answer[24..28]), (1, &[0, 2, 0, 0][..]));
        if number % 16 == 0 {
            let range = (512, 0, vec![driver.first_page()]);
            let data = driver.guest.fetch(&range);
            assert_eq!(data, content[sector * 512..][..512]);
        }
    }
}

#[test]
fn a_guest_that_does_not_read_answers_is_waited_for() {
    let (mut driver, _, _) = controller(&[0]);
    let mut sent = Vec::new();
    // Both rings are full: the host has stopped taking requests because there is no room to answer.
    loop {
        let (transaction, packet) = driver.one_sector(sent.len());
        if !driver.guest.try_write(driver.channel, &packet) {
            break;
        }
        sent.push(transaction);
    }
    assert!(sent.len() > 150, "{} requests", sent.len());
    driver.guest.pump();
    for transaction in sent {
        let answer = driver.guest.completion(driver.channel, transaction);
        assert_eq!(answer[14], 1);
    }
}
