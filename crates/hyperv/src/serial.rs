//! A serial port: a 16550A as Linux's driver finds and uses it.
//!
//! It reports a FIFO, so the driver writes 16 bytes for each look at the status; what is written
//! is on the line at once. `vm-superio`'s port was not taken: it raises an interrupt for each byte,
//! and it has no way to tell the guest to wait.
//!
//! ```
//! use detente_hyperv::serial::Serial;
//!
//! let mut port = Serial::new();
//! assert_eq!(port.write(0, b'!'), Some(b'!'));
//! assert_eq!(port.receive(b"hello"), 5);
//! assert_eq!(port.read(0), b'h');
//! ```

mod receiver;
#[cfg(test)]
mod tests;

use receiver::Receiver;

/// The first of COM1's ports.
pub const COM1_PORT: u16 = 0x3f8;
/// The first of COM2's ports.
pub const COM2_PORT: u16 = 0x2f8;
/// How many ports each has.
pub const PORTS: u8 = 8;
/// COM1's interrupt: a pin of the I/O APIC, edge triggered.
pub const COM1_INTERRUPT: u32 = 4;
/// COM2's interrupt.
pub const COM2_INTERRUPT: u32 = 3;

/// What a port keeps for the guest at most, besides its FIFO.
pub const WAITING_LIMIT: usize = 64 * 1024;

// Registers, by their distance from the first port.
const DATA: u8 = 0;
const INTERRUPT_ENABLE: u8 = 1;
const INTERRUPT_ID_AND_FIFO: u8 = 2;
const LINE_CONTROL: u8 = 3;
const MODEM_CONTROL: u8 = 4;
const LINE_STATUS: u8 = 5;
const MODEM_STATUS: u8 = 6;
const SCRATCH: u8 = 7;

/// In the line control register: the first two registers are the divisor.
const DIVISOR_ACCESS: u8 = 0x80;
/// In the modem control register: outputs come back as inputs.
const LOOPBACK: u8 = 0x10;
/// In the interrupt enable register: data has come.
const DATA_INTERRUPT: u8 = 0x01;
/// In the interrupt enable register: the transmitter is empty.
const EMPTY_INTERRUPT: u8 = 0x02;
/// The interrupts that a 16550A has; other bits read as 0, or Linux takes it for another chip.
const INTERRUPTS: u8 = 0x0f;
/// In the line status register: data has come.
const DATA_READY: u8 = 0x01;
/// In the line status register: the transmitter takes bytes, and has sent them all.
const TRANSMITTER_EMPTY: u8 = 0x60;
/// In the modem status register: clear to send, data set ready, carrier.
const CONNECTED: u8 = 0xb0;

/// A serial port.
#[derive(Debug)]
pub struct Serial {
    receiver: Receiver,
    divisor: [u8; 2],
    interrupt_enable: u8,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
    fifo_enabled: bool,
    transmitter: Transmitter,
    line: Line,
}

/// What the guest has to know of the sending half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transmitter {
    /// It takes bytes, and the guest knows.
    Empty,
    /// It takes bytes again, and the guest has not been told.
    NewlyEmpty,
    /// The other end takes nothing.
    Held,
}

/// The interrupt line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Low,
    /// Up, and nobody was told.
    Risen,
    /// Down again, but its rise has not been told either.
    Fallen,
    High,
}

impl Default for Serial {
    fn default() -> Self {
        Self::new()
    }
}

impl Serial {
    /// A port as it is after power-on, with somebody at the other end.
    #[must_use]
    pub fn new() -> Self {
        Self {
            receiver: Receiver::default(),
            // 9600 baud.
            divisor: [0x0c, 0x00],
            interrupt_enable: 0,
            line_control: 0x03,
            modem_control: 0,
            scratch: 0,
            fifo_enabled: false,
            transmitter: Transmitter::Empty,
            line: Line::Low,
        }
    }

    /// The guest writes a register. What it gives back goes out on the line.
    pub fn write(&mut self, register: u8, value: u8) -> Option<u8> {
        let mut out = None;
        match register {
            DATA if self.has_divisor_access() => self.divisor[0] = value,
            INTERRUPT_ENABLE if self.has_divisor_access() => self.divisor[1] = value,
            DATA => out = self.transmit(value),
            INTERRUPT_ENABLE => self.enable_interrupts(value),
            INTERRUPT_ID_AND_FIFO => self.control_fifo(value),
            LINE_CONTROL => self.line_control = value,
            MODEM_CONTROL => self.modem_control = value & 0x1f,
            SCRATCH => self.scratch = value,
            _ => {}
        }
        self.update_line();
        out
    }

    /// The guest reads a register.
    pub fn read(&mut self, register: u8) -> u8 {
        let value = match register {
            DATA if self.has_divisor_access() => self.divisor[0],
            INTERRUPT_ENABLE if self.has_divisor_access() => self.divisor[1],
            DATA => self.receiver.pop(),
            INTERRUPT_ENABLE => self.interrupt_enable,
            INTERRUPT_ID_AND_FIFO => self.identify_interrupt(),
            LINE_CONTROL => self.line_control,
            MODEM_CONTROL => self.modem_control,
            LINE_STATUS => self.line_status(),
            MODEM_STATUS => self.modem_status(),
            SCRATCH => self.scratch,
            _ => 0xff,
        };
        self.update_line();
        value
    }

    /// Bytes come from the other end. Gives back how many were taken: the rest has to be offered
    /// again, once the guest has read some ([`Serial::room`]).
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        if self.is_in_loopback() {
            return 0;
        }
        let taken = self.receiver.push(bytes);
        self.update_line();
        taken
    }

    /// How many bytes [`Serial::receive`] would take.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.is_in_loopback() {
            return 0;
        }
        self.receiver.room()
    }

    /// The other end takes nothing for now: the guest is told that the transmitter is busy.
    ///
    /// A driver that waits for interrupts sends at most the rest of 16 bytes; the kernel's console
    /// waits for 10 ms and then writes all the same. So [`Serial::write`] may still give bytes.
    pub fn hold_output(&mut self) {
        self.transmitter = Transmitter::Held;
        self.update_line();
    }

    /// The other end takes bytes again.
    pub fn release_output(&mut self) {
        if self.transmitter == Transmitter::Held {
            self.transmitter = Transmitter::NewlyEmpty;
        }
        self.update_line();
    }

    /// Whether the interrupt has to be raised: the line has gone up since this was asked last.
    pub fn take_edge(&mut self) -> bool {
        let (told, line) = match self.line {
            Line::Low => (false, Line::Low),
            Line::High => (false, Line::High),
            Line::Risen => (true, Line::High),
            Line::Fallen => (true, Line::Low),
        };
        self.line = line;
        told
    }

    fn has_divisor_access(&self) -> bool {
        self.line_control & DIVISOR_ACCESS != 0
    }

    fn is_in_loopback(&self) -> bool {
        self.modem_control & LOOPBACK != 0
    }

    fn transmit(&mut self, value: u8) -> Option<u8> {
        self.empty_again();
        if self.is_in_loopback() {
            self.receiver.loop_back(value);
            return None;
        }
        Some(value)
    }

    fn empty_again(&mut self) {
        if self.transmitter != Transmitter::Held {
            self.transmitter = Transmitter::NewlyEmpty;
        }
    }

    fn enable_interrupts(&mut self, value: u8) {
        let newly = value & !self.interrupt_enable;
        self.interrupt_enable = value & INTERRUPTS;
        // Linux tests for this: enabling the interrupt while the transmitter is empty raises it.
        if newly & EMPTY_INTERRUPT != 0 {
            self.empty_again();
        }
    }

    fn control_fifo(&mut self, value: u8) {
        let enabled = value & 0x01 != 0;
        if value & 0x02 != 0 || enabled != self.fifo_enabled {
            self.receiver.clear_fifo();
        }
        self.fifo_enabled = enabled;
    }

    /// The most important interrupt that is pending; telling the guest of an empty transmitter
    /// settles that one.
    fn identify_interrupt(&mut self) -> u8 {
        let id = if self.data_is_pending() {
            0x04
        } else if self.empty_is_pending() {
            self.transmitter = Transmitter::Empty;
            0x02
        } else {
            0x01
        };
        let fifo = if self.fifo_enabled { 0xc0 } else { 0 };
        id | fifo
    }

    fn data_is_pending(&self) -> bool {
        self.interrupt_enable & DATA_INTERRUPT != 0 && self.receiver.has_data()
    }

    fn empty_is_pending(&self) -> bool {
        self.interrupt_enable & EMPTY_INTERRUPT != 0 && self.transmitter == Transmitter::NewlyEmpty
    }

    fn line_status(&self) -> u8 {
        let data = if self.receiver.has_data() {
            DATA_READY
        } else {
            0
        };
        let empty = match self.transmitter {
            Transmitter::Held => 0,
            Transmitter::Empty | Transmitter::NewlyEmpty => TRANSMITTER_EMPTY,
        };
        data | empty
    }

    /// In loopback RTS comes back as CTS, DTR as DSR, and the two spare outputs as ring and
    /// carrier: Linux finds the port by that.
    fn modem_status(&self) -> u8 {
        if !self.is_in_loopback() {
            return CONNECTED;
        }
        let outputs = self.modem_control;
        (outputs & 0x02) << 3 | (outputs & 0x01) << 5 | (outputs & 0x0c) << 4
    }

    fn update_line(&mut self) {
        let up = self.data_is_pending() || self.empty_is_pending();
        self.line = match (self.line, up) {
            (Line::Low | Line::Fallen | Line::Risen, true) => Line::Risen,
            (Line::High, true) => Line::High,
            (Line::Risen | Line::Fallen, false) => Line::Fallen,
            (Line::High | Line::Low, false) => Line::Low,
        };
    }
}
