//! cloud-init: whether it runs, and where it asks for data.

use detente_volume::FsError;

use crate::facts::{CloudInit, Evidence, Setting};
use crate::files::Files;
use crate::settings::arguments::Arguments;
use crate::settings::drop_ins;
use crate::settings::yaml::{self, Node};

const MAIN: &str = "/etc/cloud/cloud.cfg";

pub(super) fn gather(
    files: Files<'_>,
    arguments: &Arguments,
    notes: &mut Vec<String>,
) -> Result<Option<CloudInit>, FsError> {
    let has_program = files.is_file("/usr/bin/cloud-init")?;
    if !has_program && !files.is_file(MAIN)? {
        return Ok(None);
    }
    let mut found = CloudInit {
        disabled: disabled(files, arguments)?,
        network_disabled: None,
        data_sources: Vec::new(),
    };
    let mut paths = vec![MAIN.to_owned()];
    paths.extend(drop_ins::folder(files, "/etc/cloud/cloud.cfg.d", ".cfg")?);
    for path in paths {
        let Some(text) = files.text(&path)? else {
            continue;
        };
        match yaml::parse(&path, &text) {
            Ok(Some(tree)) => read(&tree, &mut found),
            Ok(None) => (),
            Err(error) => notes.push(format!("{path} was not read: {error}")),
        }
    }
    found.data_sources.extend(arguments.named(&["ds"]));
    Ok(Some(found))
}

fn disabled(files: Files<'_>, arguments: &Arguments) -> Result<Option<Evidence>, FsError> {
    let mark = "/etc/cloud/cloud-init.disabled";
    if files.is_file(mark)? {
        return Ok(Some(Evidence::path(mark)));
    }
    let said = arguments.last("cloud-init");
    Ok(said
        .filter(|own| own.value == "disabled")
        .map(|own| own.at.clone()))
}

fn read(tree: &Node, found: &mut CloudInit) {
    if let Some(list) = tree.get("datasource_list") {
        let names: Vec<String> = list
            .settings("datasource_list")
            .into_iter()
            .map(|own| own.value)
            .collect();
        let setting = Setting::new("datasource_list", names.join(" "), list.at());
        found.data_sources.push(setting);
    }
    let config = tree.get("network").and_then(|own| own.get("config"));
    if let Some(config) = config.filter(|own| own.text() == Some("disabled")) {
        found.network_disabled = Some(config.at());
    }
}

pub(super) fn exercise(text: &str) {
    if let Ok(Some(tree)) = yaml::parse("/x", text) {
        let mut found = CloudInit {
            disabled: None,
            network_disabled: None,
            data_sources: Vec::new(),
        };
        read(&tree, &mut found);
    }
}
