//! The two calls that reach us: post a message, and signal an event that nobody watches.

use detente_vmbus::{Bus, GuestMemory, HvStatus, Now};

use crate::kvm::Hypercall;

const POST_MESSAGE: u16 = 0x5C;
const SIGNAL_EVENT: u16 = 0x5D;

/// A message's input: connection, nothing, type, length (32 bits each), and room for the payload.
const INPUT_BYTES: usize = 256;
const PAYLOAD_AT: usize = 16;

/// Carries a call out, and gives what the guest finds in its register.
pub(super) fn call(
    bus: &mut Bus,
    memory: &dyn GuestMemory,
    processor: u32,
    call: Hypercall,
    now: Now,
) -> u64 {
    let status = match call.code() {
        POST_MESSAGE => post(bus, memory, processor, call, now),
        SIGNAL_EVENT => signal(bus, memory, call, now),
        _ => HvStatus::InvalidHypercallCode,
    };
    u64::from(status.code())
}

fn post(
    bus: &mut Bus,
    memory: &dyn GuestMemory,
    processor: u32,
    call: Hypercall,
    now: Now,
) -> HvStatus {
    let [at, _] = call.parameters;
    if call.is_fast() || !lies_well(at, INPUT_BYTES) {
        return HvStatus::InvalidHypercallInput;
    }
    // Copied once, before anything of it is looked at.
    let mut input = [0; INPUT_BYTES];
    if memory.read(at, &mut input).is_err() {
        return HvStatus::InvalidParameter;
    }
    let word = |at: usize| input.get(at..).and_then(|rest| rest.first_chunk().copied());
    let [Some(connection), Some(kind), Some(len)] =
        [0, 8, 12].map(|at| word(at).map(u32::from_le_bytes))
    else {
        return HvStatus::InvalidParameter;
    };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let payload = input.get(PAYLOAD_AT..).and_then(|rest| rest.get(..len));
    match payload {
        Some(payload) => bus.post_message(processor, connection, kind, payload, now),
        None => HvStatus::InvalidParameter,
    }
}

fn signal(bus: &mut Bus, memory: &dyn GuestMemory, call: Hypercall, now: Now) -> HvStatus {
    let [parameter, _] = call.parameters;
    let words = if call.is_fast() {
        parameter.to_le_bytes()
    } else {
        let mut words = [0; 8];
        if !lies_well(parameter, words.len()) || memory.read(parameter, &mut words).is_err() {
            return HvStatus::InvalidParameter;
        }
        words
    };
    let [a, b, c, d, low, high, ..] = words;
    let connection = u32::from_le_bytes([a, b, c, d]);
    bus.signal_event(connection, u16::from_le_bytes([low, high]), now)
}

/// Inputs start at a multiple of 8 and lie in one page.
fn lies_well(at: u64, len: usize) -> bool {
    let end = (at & 0xFFF).saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    at.is_multiple_of(8) && end <= 0x1000
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use detente_vmbus::{BusOptions, Interrupts};

    use super::*;
    use crate::kvm::Memory;
    use crate::memory_map::Span;

    struct Nobody;
    impl Interrupts for Nobody {
        fn raise(&self, _: u32) {}
    }

    const NOW: Now = Now {
        elapsed: Duration::ZERO,
        wall: Duration::ZERO,
        reference: 0,
    };

    /// What a call with this input answers; a contact for 5.3 on connection 4 is sound.
    fn answer(spoil: impl FnOnce(&mut Vec<u8>, &mut Hypercall)) -> u64 {
        let memory = Memory::new(&[Span {
            start: 0,
            len: 0x4000,
        }])
        .unwrap();
        let mut bus = Bus::new(
            Arc::new(memory.clone()),
            Arc::new(Nobody),
            BusOptions::default(),
        );
        let words: [u32; 9] = [4, 0, 1, 40, 14, 0, 0x5_0003, 0, 2];
        let mut input: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        input.resize(INPUT_BYTES, 0);
        let mut made = Hypercall {
            input: 0x5C,
            parameters: [0x1000, 0],
        };
        spoil(&mut input, &mut made);
        memory.write(0x1000, &input).unwrap();
        call(&mut bus, &memory, 0, made, NOW)
    }

    #[test]
    fn a_message_is_posted() {
        assert_eq!(answer(|_, _| ()), 0);
    }

    #[test]
    fn the_connection_is_the_messages_first_word() {
        assert_eq!(answer(|input, _| input[0] = 9), 0x12);
    }

    #[test]
    fn a_payload_longer_than_its_room_is_a_wrong_parameter() {
        assert_eq!(answer(|input, _| input[12] = 241), 5);
        assert_eq!(answer(|input, _| input[15] = 0xFF), 5);
    }

    #[test]
    fn input_lies_in_memory_at_a_multiple_of_8_within_a_page() {
        assert_eq!(answer(|_, call| call.parameters[0] = 0x1004), 3);
        assert_eq!(answer(|_, call| call.parameters[0] = 0x1F08), 3);
        assert_eq!(answer(|_, call| call.parameters[0] = 0x10_0000), 5);
        assert_eq!(answer(|_, call| call.parameters[0] = u64::MAX - 7), 3);
    }

    #[test]
    fn a_fast_post_and_other_codes_are_refused() {
        assert_eq!(answer(|_, call| call.input = 0x1_005C), 3);
        assert_eq!(answer(|_, call| call.input = 0x5B), 2);
    }

    #[test]
    fn a_signal_names_its_connection_in_a_register_or_in_memory() {
        let fast = |_: &mut Vec<u8>, call: &mut Hypercall| {
            *call = Hypercall {
                input: 0x1_005D,
                parameters: [0x2001, 0],
            };
        };
        // Nothing is offered there.
        assert_eq!(answer(fast), 0x12);
        assert_eq!(answer(|_, call| call.input = 0x5D), 0x12);
    }
}
