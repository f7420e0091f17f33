//! OVF packages: one that another tool made, and envelopes in the manner of others.
#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::sync::Arc;

use detente_block::{BlockRead, MemoryBackend, Window};
use detente_machine::ovf::{self, Archive, Manifest, OvfError};
use detente_machine::spec::{Bus, DiskDevice, DiskFormat, DiskSource, Firmware, NicModel, Slot};

const SAMPLE: &[u8] = include_bytes!("samples/shop.ova");

/// An entry of the sample, in place.
fn entry(archive: &Archive, name: &str) -> (Vec<u8>, Window) {
    let file: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(SAMPLE.to_vec()));
    let entry = archive.entry(name).unwrap();
    let window = Window::new(file, entry.offset, entry.len).unwrap();
    let mut bytes = vec![0; usize::try_from(entry.len).unwrap()];
    window.read_exact_at(0, &mut bytes).unwrap();
    (bytes, window)
}

#[test]
fn what_cot_packed_is_read() {
    let archive = Archive::read(&MemoryBackend::new(SAMPLE.to_vec())).unwrap();
    let names: Vec<_> = archive
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(names, ["shop.ovf", "shop.mf", "shop.vmdk"]);
    let (envelope, whole) = entry(&archive, "shop.ovf");
    let manifest = Manifest::parse(&entry(&archive, "shop.mf").0).unwrap();
    manifest
        .of("shop.ovf")
        .unwrap()
        .verify(&whole, &mut |_| true)
        .unwrap();
    let (disk, window) = entry(&archive, "shop.vmdk");
    manifest
        .of("shop.vmdk")
        .unwrap()
        .verify(&window, &mut |_| true)
        .unwrap();
    assert!(disk.starts_with(b"KDMV"), "a sparse extent of VMDK");
    let envelope = ovf::parse(&envelope).unwrap();
    let system = envelope.system(None).unwrap();
    let (spec, losses) = envelope.to_spec(system, None).unwrap();
    spec.validate().unwrap();
    assert_eq!((spec.name.as_str(), spec.processors.count), ("shop", 2));
    assert_eq!(spec.memory.startup_bytes, 2 << 30);
    let [disk] = spec.disks.as_slice() else {
        panic!("{:?}", spec.disks);
    };
    let (path, format) = ("shop.vmdk".to_owned(), DiskFormat::Vmdk);
    assert_eq!(disk.source, Some(DiskSource::File { path, format }));
    let slot = Slot {
        controller: 0,
        location: 0,
    };
    assert_eq!(
        (disk.bus, disk.slot, disk.size_bytes),
        (Bus::Scsi, Some(slot), Some(4 << 20))
    );
    let macs: Vec<_> = spec
        .nics
        .iter()
        .map(|nic| nic.mac.unwrap().to_string())
        .collect();
    assert_eq!(macs, ["00:11:22:33:44:55", "00:11:22:33:44:66"]);
    assert_eq!(spec.nics[1].network.as_ref().unwrap().name, "Backup");
    assert_eq!(spec.nics[0].model, NicModel::E1000);
    assert_eq!(spec.serial_ports.len(), 1);
    assert!(losses.is_faithful(), "{losses:?}");
}

/// derived-from: an export of VirtualBox 4.3 among cot's tests (MIT), and of VMware beside it.
const MIXED: &str = r#"<?xml version="1.0"?>
<Envelope ovf:version="2.0" xmlns="http://schemas.dmtf.org/ovf/envelope/2"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/2" xmlns:rasd="urn:r" xmlns:sasd="urn:s"
  xmlns:epasd="urn:e" xmlns:vbox="urn:v" xmlns:vmw="urn:w">
 <References><File ovf:href="my%20disk.vmdk" ovf:id="file1" ovf:size="100"/></References>
 <DiskSection><Disk ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^30"
   ovf:diskId="d1" ovf:fileRef="file1"/><Disk ovf:capacity="1" ovf:diskId="d2"/></DiskSection>
 <DeploymentOptionSection><Configuration ovf:id="small"><Label>small</Label></Configuration>
  <Configuration ovf:id="large" ovf:default="true"><Label>large</Label></Configuration>
 </DeploymentOptionSection>
 <ovf:FancySection><Info>x</Info></ovf:FancySection>
 <VirtualSystem ovf:id="ubuntu"><Name>Ubuntu</Name>
  <OperatingSystemSection ovf:id="94" vmw:osType="ubuntu64Guest"><Description>Ubuntu_64</Description>
  </OperatingSystemSection>
  <VirtualHardwareSection>
   <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
    <rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
   <Item ovf:configuration="large"><rasd:InstanceID>1</rasd:InstanceID>
    <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity>
    <vmw:CoresPerSocket>2</vmw:CoresPerSocket></Item>
   <Item><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID>
    <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
   <Item ovf:bound="max"><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits>
    <rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>
    <rasd:VirtualQuantity>4096</rasd:VirtualQuantity></Item>
   <Item><rasd:Address>0</rasd:Address><rasd:InstanceID>5</rasd:InstanceID>
    <rasd:ResourceSubType>AHCI</rasd:ResourceSubType><rasd:ResourceType>20</rasd:ResourceType></Item>
   <Item><rasd:InstanceID>7</rasd:InstanceID><rasd:ResourceType>35</rasd:ResourceType>
    <rasd:ElementName>sound</rasd:ElementName></Item>
   <StorageItem><sasd:AddressOnParent>0</sasd:AddressOnParent>
    <sasd:HostResource>/disk/d1</sasd:HostResource><sasd:InstanceID>8</sasd:InstanceID>
    <sasd:Parent>5</sasd:Parent><sasd:ResourceType>17</sasd:ResourceType></StorageItem>
   <StorageItem><sasd:AddressOnParent>1</sasd:AddressOnParent><sasd:InstanceID>9</sasd:InstanceID>
    <sasd:Parent>5</sasd:Parent><sasd:ResourceType>15</sasd:ResourceType></StorageItem>
   <EthernetPortItem><epasd:Connection>NAT</epasd:Connection><epasd:InstanceID>10</epasd:InstanceID>
    <epasd:ResourceSubType>PCNet32</epasd:ResourceSubType><epasd:ResourceType>10</epasd:ResourceType>
   </EthernetPortItem>
   <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
  </VirtualHardwareSection></VirtualSystem></Envelope>"#;

#[test]
fn what_others_add_is_understood() {
    let envelope = ovf::parse(MIXED.as_bytes()).unwrap();
    let system = envelope.system(Some("Ubuntu")).unwrap();
    let (spec, losses) = envelope.to_spec(system, None).unwrap();
    spec.validate().unwrap();
    assert_eq!(
        (spec.processors.count, spec.memory.startup_bytes),
        (4, 512 << 20)
    );
    assert_eq!(spec.processors.topology.map(|own| own.sockets), Some(2));
    assert!(matches!(spec.firmware, Firmware::Uefi { .. }));
    let kinds: Vec<_> = spec
        .disks
        .iter()
        .map(|disk| (disk.device, disk.bus))
        .collect();
    assert_eq!(
        kinds,
        [
            (DiskDevice::Disk, Bus::Sata),
            (DiskDevice::Cdrom, Bus::Sata)
        ]
    );
    let (path, format) = ("my disk.vmdk".to_owned(), DiskFormat::Vmdk);
    assert_eq!(
        spec.disks[0].source,
        Some(DiskSource::File { path, format })
    );
    assert_eq!(spec.nics[0].model, NicModel::Other("PCNet32".to_owned()));
    for field in ["nics[0].mac", "ovf.item[7]", "ovf.FancySection"] {
        assert!(losses.covers(field), "{field}: {losses:?}");
    }
    let (small, _) = envelope.to_spec(system, Some("small")).unwrap();
    assert_eq!(small.processors.count, 1);
}

#[test]
fn spoiled_packages_are_refused() {
    for (from, to, expect) in [
        ("envelope/2", "envelope/3", "not an OVF envelope"),
        ("<Envelope ", "<Envelop ", "not sound XML"),
        ("/disk/d1", "/disk/d2", "has no content"),
        ("/disk/d1", "/disk/d3", "there is no disk"),
        ("/disk/d1", "/dev/sda", "which is nowhere"),
        (
            "ovf:fileRef=\"file1\"",
            "ovf:fileRef=\"file2\"",
            "there is no file",
        ),
        ("my%20disk.vmdk", "../disk.vmdk", "does not lie beside"),
        (
            "my%20disk.vmdk",
            "http://host/disk.vmdk",
            "not in the package",
        ),
        (
            "ovf:size=\"100\"",
            "ovf:compression=\"gzip\"",
            "compressed as a whole",
        ),
        (
            "ovf:size=\"100\"",
            "ovf:chunkSize=\"100\"",
            "comes in pieces",
        ),
        (
            "ovf:capacity=\"8\"",
            "ovf:capacity=\"-8\"",
            "capacity of d1",
        ),
        ("ResourceType>3<", "ResourceType>many<", "not a number"),
        (
            "<rasd:InstanceID>1</rasd:InstanceID>",
            "",
            "has no InstanceID",
        ),
    ] {
        let spoiled = MIXED.replacen(from, to, 1);
        assert_ne!(spoiled, MIXED, "{from}");
        let error = ovf::parse(spoiled.as_bytes()).and_then(|envelope| {
            let system = envelope.system(None)?;
            envelope.to_spec(system, None).map(drop)
        });
        let error: OvfError = error.unwrap_err();
        assert!(error.to_string().contains(expect), "{to}: {error}");
    }
    let two = MIXED.replace("</Envelope>", "<VirtualSystem ovf:id=\"b\"/></Envelope>");
    let envelope = ovf::parse(two.as_bytes()).unwrap();
    assert!(envelope.system(None).is_err() && envelope.system(Some("b")).is_ok());
}
