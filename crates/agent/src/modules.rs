//! Modules that the host brought along: drivers that the guest's initramfs lacks.
//!
//! Process 1 loads them before the guest's init runs: whatever initramfs it is, its init then finds
//! the devices as if they had always been there.

use std::fs;
use std::path::Path;

use rustix::io::Errno;

/// Where the host put them.
const FOLDER: &str = "/.detente/modules";
/// More than the host ever sends.
const MAX_MODULES: usize = 256;

/// Loads them in this order. One that cannot be loaded is said on the console and passed over: it
/// may be for another processor, and the guest's init may find its root without it.
pub(crate) fn load(names: &[String]) {
    for name in names.iter().take(MAX_MODULES) {
        if let Err(error) = load_one(Path::new(FOLDER), name) {
            let line = format!("detente-agent: module {name} is not loaded: {error}\n");
            let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
        }
    }
}

fn load_one(folder: &Path, name: &str) -> std::io::Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.bytes().all(plain) {
        return Err(Errno::INVAL.into());
    }
    let file = folder.join(name).with_extension("ko");
    let image = fs::read(&file)?;
    // Its memory is worth more than its name.
    let _ = fs::remove_file(&file);
    // The older of the two calls, which every kernel has; modules come unpacked.
    match rustix::system::init_module(&image, c"") {
        // The kernel has it already, or in its image.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::load_one;

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kept.ko");
        fs::write(&file, "").unwrap();
        fs::create_dir(folder.path().join("x")).unwrap();
        for name in ["../kept", "x/../kept", "/kept", "gone"] {
            assert!(load_one(folder.path(), name).is_err(), "{name}");
        }
        assert!(file.exists());
    }
}
