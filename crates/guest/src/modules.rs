//! The names of kernel modules.

/// `virtio_blk` of `…/virtio_blk.ko.xz`; the kernel takes `-` and `_` for the same.
pub(crate) fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    let (name, rest) = file.split_once(".ko")?;
    matches!(rest, "" | ".xz" | ".zst" | ".gz").then(|| name.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_names_lose_folder_ending_and_hyphens() {
        let name = |path| module_name(path);
        assert_eq!(
            name("lib/modules/6.1/kernel/virtio-rng.ko.xz").as_deref(),
            Some("virtio_rng")
        );
        assert_eq!(name("a.ko").as_deref(), Some("a"));
        assert_eq!(name("lib/modules/6.1/modules.dep"), None);
        assert_eq!(name("x.kobject"), None);
    }
}
