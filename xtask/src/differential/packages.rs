//! Packages: `rpm` and `dpkg-query` on the guest's database beside `inspect --packages`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Bench, lines};
use crate::tool::Tool;

pub(super) fn compare(bench: &mut Bench) -> anyhow::Result<()> {
    for (name, image) in bench.guests()? {
        let facts = match bench.facts(&image, "--packages") {
            Ok(facts) => facts,
            Err(error) => {
                bench.skip(&format!("{name}, packages"), &format!("{error:#}"));
                continue;
            }
        };
        let databases = facts["packages"].as_array().cloned().unwrap_or_default();
        for database in &databases {
            let what = format!("{name}, {}", database["kind"].as_str().unwrap_or_default());
            let Some((tool, folder)) = reader(database) else {
                bench.skip(&what, "no independent tool for it here");
                continue;
            };
            if !bench.has(&what, &[tool]) {
                continue;
            }
            let copy = bench.place.join("packages");
            let listed = bench
                .take(&image, &folder, &copy)
                .and_then(|()| match tool {
                    "rpm" => Tool::new("rpm")
                        .arg("--dbpath")
                        .arg(&copy)
                        .args(["--define", "_db_backend sqlite", "-qa", "--queryformat"])
                        .arg("%{NAME} %{VERSION}-%{RELEASE}\\n")
                        .capture(),
                    _ => Tool::new("dpkg-query")
                        .arg("--admindir")
                        .arg(&copy)
                        .args(["--show", "--showformat", "${Package} ${Version}\\n"])
                        .capture(),
                });
            match listed {
                Ok(listed) => bench.judge(&what, &ours(database, tool), &lines(&listed)),
                Err(error) => bench.skip(&what, &format!("{error:#}")),
            }
        }
    }
    Ok(())
}

/// The tool that reads such a database, and the folder that it wants.
fn reader(database: &Value) -> Option<(&'static str, String)> {
    let path = database["path"].as_str()?;
    let above = path.rsplit_once('/')?.0;
    match database["kind"].as_str()? {
        "rpm-sqlite" => Some(("rpm", above.to_owned())),
        "dpkg" => Some(("dpkg-query", above.to_owned())),
        _ => None,
    }
}

/// Our packages as the tool spells them.
fn ours(database: &Value, tool: &str) -> BTreeSet<String> {
    let packages = database["packages"].as_array();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |package: &Value| {
        let epoch = package["epoch"].as_u64().filter(|_| tool != "rpm");
        let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let release = package["release"]
            .as_str()
            .map(|release| format!("-{release}"));
        format!(
            "{} {epoch}{}{}",
            text(&package["name"]),
            text(&package["version"]),
            release.unwrap_or_default()
        )
    };
    packages
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(line)
        .collect()
}
