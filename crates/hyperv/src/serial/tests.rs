//! The port as Linux's `8250_port.c` probes and drives it.

use super::{Serial, WAITING_LIMIT};

const IER: u8 = 1;
const IIR: u8 = 2;
const FCR: u8 = 2;
const LCR: u8 = 3;
const MCR: u8 = 4;
const LSR: u8 = 5;
const MSR: u8 = 6;

/// A port that the driver has set up: FIFO on, interrupts for data on.
fn started() -> Serial {
    let mut port = Serial::new();
    port.write(FCR, 0x07);
    port.write(LCR, 0x03);
    port.write(MCR, 0x0b);
    port.write(IER, 0x05);
    port
}

#[test]
fn autoconfig_finds_a_port() {
    let mut port = Serial::new();
    port.write(IER, 0);
    assert_eq!(port.read(IER) & 0x0f, 0);
    port.write(IER, 0x0f);
    assert_eq!(port.read(IER) & 0x0f, 0x0f);
    // MCR = LOOP | OUT2 | RTS has to come back as carrier and clear-to-send.
    port.write(MCR, 0x1a);
    assert_eq!(port.read(MSR) & 0xf0, 0x90);
}

#[test]
fn autoconfig_takes_it_for_a_16550a_and_nothing_else() {
    let mut port = Serial::new();
    port.write(FCR, 0x01);
    assert_eq!(port.read(IIR) >> 6, 3);
    // No extended features register, in either mode.
    for mode in [0x80, 0xbf] {
        port.write(LCR, mode);
        assert_ne!(port.read(IIR), 0);
    }
    // National's: a bit that follows MCR's loopback bit.
    port.write(LCR, 0);
    let before = port.read(MCR);
    port.write(LCR, 0xe0);
    assert_eq!(port.read(IIR) & 0x10, before & 0x10);
    port.write(LCR, 0);
    port.write(MCR, before ^ 0x10);
    port.write(LCR, 0xe0);
    let after = port.read(IIR);
    port.write(LCR, 0);
    port.write(MCR, before);
    assert_eq!(after & 0x10, before & 0x10);
    // TI's 64-byte FIFO would show in bit 5; XScale's enable bit would stay in IER.
    port.write(FCR, 0x21);
    assert_eq!(port.read(IIR) >> 5, 6);
    port.write(IER, 0x40);
    assert_eq!(port.read(IER), 0);
}

#[test]
fn the_fifo_counts_16_bytes_in_loopback() {
    let mut port = Serial::new();
    port.write(FCR, 0x07);
    port.write(MCR, 0x10);
    for byte in 0..=255 {
        assert_eq!(port.write(0, byte), None, "nothing goes out");
    }
    let mut count = 0_u32;
    while port.read(LSR) & 1 != 0 && count < 256 {
        assert_eq!(port.read(0), count.to_le_bytes()[0]);
        count += 1;
    }
    assert_eq!(count, 16);
}

#[test]
fn the_divisor_is_behind_its_bit() {
    let mut port = started();
    port.write(LCR, 0x83);
    port.write(0, 0x01);
    port.write(1, 0x02);
    assert_eq!((port.read(0), port.read(1)), (0x01, 0x02));
    port.write(LCR, 0x03);
    assert_eq!(port.read(IER), 0x05);
    port.write(7, 0xa5);
    assert_eq!(port.read(7), 0xa5);
}

#[test]
fn enabling_the_empty_interrupt_raises_it_each_time() {
    // serial8250_THRE_test() and the test for the TXEN bug.
    let mut port = Serial::new();
    for _ in 0..2 {
        port.write(IER, 0x02);
        assert!(port.take_edge());
        assert_eq!(port.read(IIR) & 0x0f, 0x02);
        assert_eq!(port.read(IIR) & 0x0f, 0x01, "told once");
        port.write(IER, 0);
    }
}

#[test]
fn sixteen_bytes_go_out_for_each_interrupt() {
    let mut port = started();
    port.write(IER, 0x07);
    assert!(port.take_edge());
    assert_eq!(port.read(IIR), 0xc2);
    let sent: Vec<u8> = (b'a'..b'q')
        .filter_map(|byte| port.write(0, byte))
        .collect();
    assert_eq!(sent, b"abcdefghijklmnop");
    // However many bytes, the line rises once.
    assert!(port.take_edge());
    assert!(!port.take_edge());
    assert_eq!(port.read(IIR), 0xc2);
}

#[test]
fn data_raises_the_interrupt_until_it_is_read() {
    let mut port = started();
    assert_eq!(port.receive(b"ab"), 2);
    assert!(port.take_edge());
    assert_eq!(port.read(IIR) & 0x0f, 0x04);
    assert_eq!(port.read(0), b'a');
    assert_eq!(port.read(IIR) & 0x0f, 0x04, "there is more");
    assert_eq!(port.read(0), b'b');
    assert_eq!(port.read(IIR) & 0x0f, 0x01);
    assert!(!port.take_edge());
    assert_eq!(port.receive(b"c"), 1);
    assert!(port.take_edge());
}

#[test]
fn data_that_came_while_interrupts_were_off_is_told_when_they_are_on() {
    let mut port = started();
    // The console turns interrupts off while it writes.
    port.write(IER, 0);
    port.receive(b"x");
    assert!(!port.take_edge());
    port.write(IER, 0x05);
    assert!(port.take_edge());
}

#[test]
fn what_waits_is_bounded_and_comes_in_order() {
    let mut port = started();
    let flood: Vec<u8> = (0..=255).cycle().take(WAITING_LIMIT + 1000).collect();
    let taken = port.receive(&flood);
    assert_eq!(taken, WAITING_LIMIT);
    // The FIFO has taken 16 of them already.
    assert_eq!(port.room(), 16);
    let read: Vec<u8> = (0..taken).map(|_| port.read(0)).collect();
    assert_eq!(read, flood[..taken]);
    assert_eq!(port.read(LSR), 0x60);
    assert_eq!(port.read(0), 0);
}

#[test]
fn clearing_the_fifo_loses_only_what_has_come() {
    let mut port = started();
    port.receive(b"0123456789abcdefrest");
    port.write(FCR, 0x03);
    assert_eq!(port.read(0), b'r');
}

#[test]
fn loopback_takes_nothing_from_the_line() {
    let mut port = started();
    port.write(MCR, 0x1b);
    assert_eq!((port.room(), port.receive(b"x")), (0, 0));
    port.write(MCR, 0x0b);
    assert_eq!(port.receive(b"x"), 1);
}

#[test]
fn a_held_port_is_busy_until_it_is_released() {
    let mut port = started();
    port.write(IER, 0x07);
    port.take_edge();
    port.hold_output();
    assert_eq!(port.read(LSR) & 0x60, 0);
    assert_eq!(port.read(IIR) & 0x0f, 0x01);
    // What is written all the same goes out, but no interrupt asks for more.
    assert_eq!(port.write(0, b'!'), Some(b'!'));
    assert!(!port.take_edge());
    port.release_output();
    assert!(port.take_edge());
    assert_eq!(port.read(LSR) & 0x60, 0x60);
    assert_eq!(port.read(IIR) & 0x0f, 0x02);
}

#[test]
fn registers_that_do_not_exist_do_nothing() {
    let mut port = started();
    assert_eq!(port.write(8, 1), None);
    assert_eq!(port.write(LSR, 0xff), None);
    assert_eq!(port.write(MSR, 0xff), None);
    assert_eq!(port.read(200), 0xff);
    assert_eq!((port.read(LSR), port.read(MSR)), (0x60, 0xb0));
}
