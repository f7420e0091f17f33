//! Disks, and the claims that their bytes are in.

use serde_json::{Map, Value, json};

use super::{Writing, label};
use crate::kvm::disk_bus;
use crate::spec::{Bus, Disk, DiskAccess, DiskDevice, DiskSource};

impl Writing<'_> {
    /// The disks and the volumes of the manifest.
    pub(super) fn disks(&mut self) -> (Vec<Value>, Vec<Value>) {
        let mut disks = Vec::new();
        let mut volumes = Vec::new();
        for (index, disk) in self.spec.disks.iter().enumerate() {
            let field = format!("disks[{index}]");
            let Some(claim) = self.claim(index, disk, &field) else {
                continue;
            };
            let name = format!("disk{index}");
            volumes.push(json!({
                "name": name,
                "persistentVolumeClaim": { "claimName": claim },
            }));
            disks.push(self.disk(&name, disk, &field));
        }
        (disks, volumes)
    }

    fn disk(&mut self, name: &str, disk: &Disk, field: &str) -> Value {
        let bus = match disk_bus(self.spec, disk, self.options.devices) {
            Bus::Virtio | Bus::Nvme => "virtio",
            Bus::Scsi => "scsi",
            Bus::Usb => "usb",
            Bus::Ide => {
                let why = "KubeVirt has no IDE: it is SATA";
                self.losses.approximated(format!("{field}.bus"), why);
                "sata"
            }
            Bus::Sata | Bus::Floppy => "sata",
        };
        let mut own = Map::new();
        own.insert("name".to_owned(), json!(name));
        let read_only = disk.access == DiskAccess::ReadOnly;
        match disk.device {
            DiskDevice::Cdrom => own.insert("cdrom".to_owned(), json!({ "bus": bus })),
            DiskDevice::Disk | DiskDevice::Floppy => {
                let mut target = json!({ "bus": bus });
                if let (true, Some(map)) = (read_only, target.as_object_mut()) {
                    map.insert("readonly".to_owned(), json!(true));
                }
                own.insert("disk".to_owned(), target)
            }
        };
        if let Some(order) = disk.boot_order {
            own.insert("bootOrder".to_owned(), json!(order));
        }
        if let Some(serial) = &disk.serial {
            own.insert("serial".to_owned(), json!(serial));
        }
        if let Some(sectors) = disk.sectors {
            let size = json!({
                "custom": { "logical": sectors.logical_bytes, "physical": sectors.physical_bytes },
            });
            own.insert("blockSize".to_owned(), size);
        }
        if disk.wwn.is_some() {
            let why = "KubeVirt sets no World Wide Names";
            self.losses.dropped(format!("{field}.wwn"), why);
        }
        if disk.slot.is_some() {
            let why = "disks keep their order; their places follow from it";
            self.losses.approximated(format!("{field}.slot"), why);
        }
        Value::Object(own)
    }

    /// The claim of a disk; `None` for what the manifest has no place for.
    fn claim(&mut self, index: usize, disk: &Disk, field: &str) -> Option<String> {
        let source = format!("{field}.source");
        if disk.device == DiskDevice::Floppy {
            self.losses.dropped(field, "KubeVirt has no floppy drives");
            return None;
        }
        let from = match &disk.source {
            None => {
                self.losses.dropped(field, "an empty drive is left out");
                return None;
            }
            // A gate says so.
            Some(DiskSource::HostDisk { .. }) => return None,
            Some(DiskSource::Claim { name }) => return Some(name.clone()),
            Some(DiskSource::File { path, .. } | DiskSource::Block { path, .. }) => path.clone(),
            Some(DiskSource::Volume { pool, volume, .. }) => format!("{pool}/{volume}"),
            Some(DiskSource::Network { protocol, name, .. }) => format!("{protocol}:{name}"),
        };
        let claim = label(&format!("{}-disk{index}", self.name));
        let size = match disk.size_bytes {
            Some(bytes) => format!(" of at least {bytes} bytes"),
            None => String::new(),
        };
        let why = format!(
            "the claim {claim:?}{size} must hold {from:?}: `virtctl image-upload pvc {claim} \
             --image-path=FILE --size=SIZE`"
        );
        self.losses.approximated(source, why);
        Some(claim)
    }
}
