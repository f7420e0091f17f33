//! Which interrupt goes where: the pins of the I/O APIC, and the bus's line to each processor.

use kvm_bindings::{
    KVM_IRQ_ROUTING_HV_SINT, KVM_IRQ_ROUTING_IRQCHIP, KVM_IRQCHIP_IOAPIC, KvmIrqRouting,
    kvm_irq_routing_entry, kvm_irq_routing_entry__bindgen_ty_1, kvm_irq_routing_hv_sint,
    kvm_irq_routing_irqchip,
};

use super::error::KvmError;

/// The synthetic interrupt that the bus uses.
const SINT_OF_THE_BUS: u32 = 2;

/// How many pins the I/O APIC has.
const PINS: u32 = 24;

/// The first interrupt number behind the pins that we give to synthetic ones.
const FIRST_SYNTHETIC: u32 = 64;

/// The interrupt number of the bus's line to a processor.
pub(super) fn line_to(processor: u32) -> u32 {
    FIRST_SYNTHETIC.saturating_add(processor)
}

/// The whole table. Setting it replaces KVM's own, so the pins are in it.
pub(super) fn table(processors: u32) -> Result<KvmIrqRouting, KvmError> {
    let pins = (0..PINS).map(|pin| kvm_irq_routing_entry {
        gsi: pin,
        type_: KVM_IRQ_ROUTING_IRQCHIP,
        u: kvm_irq_routing_entry__bindgen_ty_1 {
            irqchip: kvm_irq_routing_irqchip {
                irqchip: KVM_IRQCHIP_IOAPIC,
                pin,
            },
        },
        ..Default::default()
    });
    let lines = (0..processors).map(|vcpu| kvm_irq_routing_entry {
        gsi: line_to(vcpu),
        type_: KVM_IRQ_ROUTING_HV_SINT,
        u: kvm_irq_routing_entry__bindgen_ty_1 {
            hv_sint: kvm_irq_routing_hv_sint {
                vcpu,
                sint: SINT_OF_THE_BUS,
            },
        },
        ..Default::default()
    });
    let entries: Vec<kvm_irq_routing_entry> = pins.chain(lines).collect();
    KvmIrqRouting::from_entries(&entries).map_err(|_| KvmError::TooMany {
        what: "the table of interrupts",
        entries: entries.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_pins_and_one_line_for_each_processor() {
        let table = table(4).unwrap();
        let numbers: Vec<u32> = table.as_slice().iter().map(|entry| entry.gsi).collect();
        let expected: Vec<u32> = (0..24).chain(64..68).collect();
        assert_eq!(numbers, expected);
        let synthetic = table.as_slice().iter().filter(|entry| entry.type_ == 4);
        assert_eq!(synthetic.count(), 4);
    }
}
