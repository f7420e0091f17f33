//! Integration services by their ids: their names are in the host's language.

use crate::spec::{IntegrationService, Uuid};

/// As `Get-VMIntegrationService` has them behind the machine's own id.
const IDS: [(IntegrationService, [u8; 16]); 6] = [
    (
        IntegrationService::Heartbeat,
        *b"\x84\xea\xae\x65\x2f\x2e\x45\xf5\x9b\xb5\x0e\x85\x7d\xc8\xeb\x47",
    ),
    (
        IntegrationService::KeyValueExchange,
        *b"\x2a\x34\xb1\xc2\xfd\x73\x40\x43\x8a\x5b\xdd\x21\x59\xbc\x74\x3f",
    ),
    (
        IntegrationService::Shutdown,
        *b"\x9f\x82\x33\xac\xbe\x49\x4c\x79\x8e\xe3\xe7\xe1\x98\x5b\x20\x77",
    ),
    (
        IntegrationService::TimeSynchronization,
        *b"\x24\x97\xf4\xde\xe9\xfa\x42\x04\x80\xe4\x4b\x75\xc4\x64\x19\xc0",
    ),
    (
        IntegrationService::VolumeShadowCopy,
        *b"\x5c\xed\x12\x97\x45\x98\x49\x15\xa5\xfc\xad\x21\xbb\x4d\x02\xa4",
    ),
    (
        IntegrationService::GuestServiceInterface,
        *b"\x6c\x09\xbb\x55\xd6\x83\x4d\xa0\x89\x31\xc9\xbf\x70\x5f\x64\x80",
    ),
];

/// The id of a service on Hyper-V; KVM's own have none.
#[must_use]
pub fn service_id(service: IntegrationService) -> Option<Uuid> {
    let own = IDS.iter().find(|(own, _)| *own == service);
    own.map(|(_, id)| Uuid(*id))
}

/// The service of an id.
#[must_use]
pub fn service_of(id: Uuid) -> Option<IntegrationService> {
    let own = IDS.iter().find(|(_, own)| *own == id.0);
    own.map(|(service, _)| *service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_of_hyper_v_has_an_id() {
        for service in IntegrationService::HYPERV {
            let id = service_id(service).expect("it is one of Hyper-V's");
            assert_eq!(service_of(id), Some(service));
        }
        // Read on hosts, by many: the heartbeat.
        let heartbeat = "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47".parse().unwrap();
        assert_eq!(service_of(heartbeat), Some(IntegrationService::Heartbeat));
        assert_eq!(service_id(IntegrationService::Balloon), None);
    }
}
