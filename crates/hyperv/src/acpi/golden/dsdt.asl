// What the DSDT of a machine with two processors and 4 GiB of RAM has to be.
// `iasl -f -p dsdt dsdt.asl` (-f, because "VMBus" is a shorter name than ACPI allows) makes
// dsdt.aml; dsdt.hex is that file from byte 36 on, as hex.
DefinitionBlock ("", "DSDT", 2, "DETENT", "DETENTE ", 0x00000001)
{
    Scope (\_SB)
    {
        Device (VMOD)
        {
            Name (_HID, "ACPI0004")
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0x00000000, 0xF8000000, 0xFEBFFFFF, 0x00000000, 0x06C00000)
                QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0x0000000000000000, 0x0000000FE0000000, 0x0000000FFFFFFFFF,
                    0x0000000000000000, 0x0000000020000000)
            })
            Device (VMBS)
            {
                Name (STA, 0x0F)
                Name (_HID, "VMBus")
                Name (_DDN, "VMBUS")
                Name (_UID, 0)
                Method (_DIS, 0, NotSerialized) { STA &= 0x0D }
                Method (_PS0, 0, NotSerialized) { STA |= 0x0F }
                Method (_STA, 0, NotSerialized) { Return (STA) }
                Method (_PS3, 0, NotSerialized) {}
                Name (_CRS, ResourceTemplate () {})
            }
        }
        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_DDN, "COM1")
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, ) { 0x00000004 }
            })
        }
        Device (COM2)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_DDN, "COM2")
            Name (_UID, 2)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x02F8, 0x02F8, 0x01, 0x08)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, ) { 0x00000003 }
            })
        }
        Device (C000)
        {
            Name (_HID, "ACPI0007")
            Name (_UID, 0)
        }
        Device (C001)
        {
            Name (_HID, "ACPI0007")
            Name (_UID, 1)
        }
    }
    Name (\_S5, Package (4) { 5, 5, 0, 0 })
}
