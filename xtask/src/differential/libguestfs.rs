//! libguestfs's virt-inspector and virt-cat, which boot an appliance, beside `inspect` and `cat`. It
//! is slow without KVM, so one guest is enough.

use std::collections::BTreeSet;

use super::Bench;
use crate::tool::Tool;

const GUEST: &str = "debian12";

pub(super) fn compare(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.has("libguestfs", &["virt-inspector", "virt-cat"]) {
        return Ok(());
    }
    let image = bench.images.join(format!("{GUEST}.qcow2"));
    let theirs = match appliance("virt-inspector").arg("-a").arg(&image).capture() {
        Ok(xml) => xml,
        Err(error) => {
            bench.skip(
                "virt-inspector",
                &format!("its appliance does not run here: {error:#}"),
            );
            return Ok(());
        }
    };
    let facts = bench.facts(&image, "--packages")?;
    let system = &facts["operating_system"];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let ours = [
        text(&system["id"]),
        text(&system["version_id"]),
        text(&facts["hostname"]),
    ];
    let major = element(&theirs, "major_version").concat();
    let said = [
        element(&theirs, "distro").concat(),
        major,
        element(&theirs, "hostname").concat(),
    ];
    bench.judge(
        "virt-inspector: distribution, release, host name",
        &set(&ours),
        &set(&said),
    );
    let packages = facts["packages"][0]["packages"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let names: Vec<String> = packages
        .iter()
        .map(|package| text(&package["name"]))
        .collect();
    // The first <name> is the system's.
    let applications = theirs
        .split_once("<applications>")
        .map_or("", |(_, rest)| rest);
    bench.judge(
        "virt-inspector: names of packages",
        &set(&names),
        &set(&element(applications, "name")),
    );
    let ours = Tool::new(&bench.detente.display().to_string())
        .arg("cat")
        .arg(format!("{}:/etc/fstab", image.display()))
        .capture()?;
    let theirs = appliance("virt-cat")
        .arg("-a")
        .arg(&image)
        .arg("/etc/fstab")
        .capture()?;
    bench.judge(
        "virt-cat: /etc/fstab",
        &super::lines(&ours),
        &super::lines(&theirs),
    );
    Ok(())
}

/// Its appliance without libvirt, in the translator: `/dev/kvm` may be there and of no use.
fn appliance(name: &str) -> Tool {
    Tool::new(name)
        .env("LIBGUESTFS_BACKEND", "direct")
        .env("LIBGUESTFS_BACKEND_SETTINGS", "force_tcg")
}

fn set(list: &[String]) -> BTreeSet<String> {
    list.iter().cloned().collect()
}

/// The texts of every element of a name.
fn element(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let texts = xml.split(&open).skip(1);
    texts
        .filter_map(|rest| rest.split_once(&close))
        .map(|(text, _)| text.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn elements_by_name() {
        let xml = "<a><name>x</name><b/><name>y</name></a>";
        assert_eq!(super::element(xml, "name"), ["x", "y"]);
    }
}
