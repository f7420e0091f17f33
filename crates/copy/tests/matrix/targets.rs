//! What the images become.

use detente_disk::{
    Compression, Qcow2Spec, Qcow2Version, Target, VhdKind, VhdSpec, VhdxKind, VhdxSpec,
};

/// A target, and what QEMU calls its format; `None` where it does not read it.
pub(crate) struct Output {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    pub(crate) qemu: Option<&'static str>,
}

pub(crate) fn raw() -> Vec<Output> {
    vec![Output {
        name: "raw",
        target: Target::Raw,
        qemu: Some("raw"),
    }]
}

pub(crate) fn qcow2() -> Vec<Output> {
    let sound = Qcow2Spec::default;
    vec![
        in_qcow2("v3", sound()),
        in_qcow2(
            "v2",
            Qcow2Spec {
                version: Qcow2Version::V2,
                ..sound()
            },
        ),
        in_qcow2(
            "512",
            Qcow2Spec {
                cluster_bits: 9,
                ..sound()
            },
        ),
        in_qcow2(
            "2m",
            Qcow2Spec {
                cluster_bits: 21,
                ..sound()
            },
        ),
        in_qcow2(
            "subclusters",
            Qcow2Spec {
                extended_l2: true,
                cluster_bits: 17,
                ..sound()
            },
        ),
    ]
}

pub(crate) fn compressed() -> Vec<Output> {
    let packed = |compression| Qcow2Spec {
        compression: Some(compression),
        ..Qcow2Spec::default()
    };
    vec![
        in_qcow2("zlib", packed(Compression::Zlib)),
        in_qcow2("zstd", packed(Compression::Zstd)),
    ]
}

pub(crate) fn vhdx() -> Vec<Output> {
    let sound = VhdxSpec::default;
    vec![
        in_vhdx("dynamic", sound(), Some("vhdx")),
        in_vhdx(
            "1m",
            VhdxSpec {
                block_bytes: 1 << 20,
                ..sound()
            },
            Some("vhdx"),
        ),
        in_vhdx(
            "fixed",
            VhdxSpec {
                kind: VhdxKind::Fixed,
                ..sound()
            },
            Some("vhdx"),
        ),
        // QEMU reads sectors of 512 bytes only.
        in_vhdx(
            "4096",
            VhdxSpec {
                logical_sector_bytes: 4096,
                ..sound()
            },
            None,
        ),
    ]
}

pub(crate) fn vhd() -> Vec<Output> {
    let spec = |name, kind| Output {
        name,
        target: Target::Vhd(VhdSpec { kind }),
        qemu: Some("vpc"),
    };
    vec![
        spec("vhd-dynamic", VhdKind::Dynamic),
        spec("vhd-fixed", VhdKind::Fixed),
    ]
}

fn in_qcow2(name: &'static str, spec: Qcow2Spec) -> Output {
    Output {
        name,
        target: Target::Qcow2(spec),
        qemu: Some("qcow2"),
    }
}

fn in_vhdx(name: &'static str, spec: VhdxSpec, qemu: Option<&'static str>) -> Output {
    Output {
        name,
        target: Target::Vhdx(spec),
        qemu,
    }
}
