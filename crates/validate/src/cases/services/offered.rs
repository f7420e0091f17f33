//! What the Hyper-V-compatible machine offers on its bus.

use detente_plan::judge::Offered;

use super::keyboard::DRIVER;

/// What the machine offers: Linux 6.1, include/linux/hyperv.h for the classes, and the drivers'
/// own names.
pub(crate) fn offered() -> Vec<Offered> {
    let device = |name, class, driver, optional| Offered {
        class,
        name,
        driver,
        optional,
    };
    vec![
        device(
            "SCSI controller",
            "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f",
            "hv_storvsc",
            false,
        ),
        device(
            "network card",
            "f8615163-df3e-46c5-913f-f2d2f965ed0e",
            "hv_netvsc",
            false,
        ),
        device(
            "heartbeat",
            "57164f39-9115-4e78-ab55-382f3bd5422d",
            "hv_utils",
            false,
        ),
        device(
            "shutdown",
            "0e0b6031-5213-4934-818b-38d90ced39db",
            "hv_utils",
            false,
        ),
        device(
            "time synchronization",
            "9527e630-d0ae-497b-adce-e80ab0175caf",
            "hv_utils",
            false,
        ),
        device(
            "key-value exchange",
            "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6",
            "hv_utils",
            true,
        ),
        device(
            "volume shadow copy",
            "35fa2e29-ea23-4236-96ae-3a6ebacba440",
            "hv_utils",
            true,
        ),
        device(
            "keyboard",
            "f912ad6d-2b17-48ea-bd65-f927a61c7684",
            DRIVER,
            true,
        ),
    ]
}
