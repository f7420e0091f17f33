//! What a processor's shared page says when it left the guest for a matter of Hyper-V's.

#![expect(unsafe_code, reason = "the page is a union that the kernel fills")]

use kvm_bindings::{KVM_EXIT_HYPERV_HCALL, KVM_EXIT_HYPERV_SYNIC, kvm_run};

/// The guest changed its synthetic interrupt controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SynicState {
    /// SCONTROL.
    pub control: u64,
    /// SIMP: where messages are put.
    pub messages: u64,
    /// SIEFP: where events are put.
    pub events: u64,
}

/// Bit 0 of the three registers: it is on.
const ENABLED: u64 = 1;

impl SynicState {
    /// The page for messages, if it and the controller are on.
    #[must_use]
    pub fn message_page(self) -> Option<u64> {
        self.page(self.messages)
    }

    /// The page for events, if it and the controller are on.
    #[must_use]
    pub fn event_page(self) -> Option<u64> {
        self.page(self.events)
    }

    fn page(self, register: u64) -> Option<u64> {
        let on = self.control & ENABLED != 0 && register & ENABLED != 0;
        on.then_some(register & !0xFFF)
    }
}

/// The guest called the hypervisor for something that the kernel does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hypercall {
    /// The call and how it is made.
    pub input: u64,
    /// Addresses of input and output, or two words of input if the call is fast.
    pub parameters: [u64; 2],
}

impl Hypercall {
    /// Which call it is.
    #[must_use]
    pub fn code(self) -> u16 {
        let [low, high, ..] = self.input.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Whether the parameters are the input, and not where it lies.
    #[must_use]
    pub fn is_fast(self) -> bool {
        self.input & (1 << 16) != 0
    }
}

/// The two matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HypervExit {
    /// See [`SynicState`].
    Synic(SynicState),
    /// See [`Hypercall`].
    Call(Hypercall),
    /// One that we did not ask for.
    Other(u32),
}

/// Reads the matter. The exit's reason must have been `KVM_EXIT_HYPERV`.
pub(super) fn read(run: &kvm_run) -> HypervExit {
    // SAFETY: every field of the union is plain integers, for which any bytes are valid; the page
    // is as long as the struct; and the reason says that this is the field that was filled.
    let exit = unsafe { run.__bindgen_anon_1.hyperv };
    match exit.type_ {
        KVM_EXIT_HYPERV_SYNIC => {
            // SAFETY: plain integers again; the type says which field was filled.
            let synic = unsafe { exit.u.synic };
            HypervExit::Synic(SynicState {
                control: synic.control,
                messages: synic.msg_page,
                events: synic.evt_page,
            })
        }
        KVM_EXIT_HYPERV_HCALL => {
            // SAFETY: plain integers again; the type says which field was filled.
            let call = unsafe { exit.u.hcall };
            HypervExit::Call(Hypercall {
                input: call.input,
                parameters: call.params,
            })
        }
        other => HypervExit::Other(other),
    }
}

/// Leaves a call's result for the kernel, which hands it to the guest at the next run.
pub(super) fn set_result(run: &mut kvm_run, result: u64) {
    // SAFETY: writing plain integers; the kernel reads this field of the union next, since the exit
    // that it made last was a call.
    let exit = unsafe { &mut run.__bindgen_anon_1.hyperv };
    exit.u.hcall.result = result;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_only_while_they_and_the_controller_are_on() {
        let on = SynicState {
            control: 1,
            messages: 0x5001,
            events: 0x6001,
        };
        assert_eq!(on.message_page(), Some(0x5000));
        assert_eq!(on.event_page(), Some(0x6000));
        assert_eq!(SynicState { control: 0, ..on }.message_page(), None);
        assert_eq!(
            SynicState {
                events: 0x6000,
                ..on
            }
            .event_page(),
            None
        );
    }

    #[test]
    fn a_call_is_read_and_its_result_left_where_the_kernel_looks() {
        let mut run = kvm_run::default();
        let mut exit = kvm_bindings::kvm_hyperv_exit {
            type_: KVM_EXIT_HYPERV_HCALL,
            ..Default::default()
        };
        exit.u.hcall.input = 0x1_005D;
        exit.u.hcall.params = [7, 8];
        run.__bindgen_anon_1.hyperv = exit;
        let HypervExit::Call(call) = read(&run) else {
            panic!("{:?}", read(&run))
        };
        assert_eq!(
            (call.code(), call.is_fast(), call.parameters),
            (0x5D, true, [7, 8])
        );
        set_result(&mut run, 5);
        // SAFETY: the field was filled above, with plain integers.
        let exit = unsafe { run.__bindgen_anon_1.hyperv };
        // SAFETY: as above.
        assert_eq!(unsafe { exit.u.hcall }.result, 5);
    }
}
