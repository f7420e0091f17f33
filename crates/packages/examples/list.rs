//! Lists the packages of a database, sorted, as `name epoch version release architecture`, to be
//! held against the list of the format's own tool.
//!
//! `list rpm FILE [LOG]`, `list dpkg FILE`, `list apk FILE`, `list pacman DESC...`;
//! `list compare SCHEME A B` prints `<`, `=` or `>`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::cmp::Ordering;
use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use detente_block::{BlockRead, FileBackend};
use detente_packages::{
    Package, RpmDatabase, VersionScheme, each_apk, each_dpkg, each_rpm, read_pacman,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["compare", scheme, left, right] => {
            println!("{}", sign(scheme_of(scheme)?.compare(left, right)));
            return Ok(());
        }
        [kind, files @ ..] if !files.is_empty() => {
            let mut lines = list(kind, files)?;
            lines.sort();
            for line in lines {
                println!("{line}");
            }
        }
        _ => return Err("list rpm|dpkg|apk|pacman FILE...".into()),
    }
    Ok(())
}

fn scheme_of(name: &str) -> Result<VersionScheme, Box<dyn Error>> {
    Ok(match name {
        "rpm" => VersionScheme::Rpm,
        "dpkg" => VersionScheme::Dpkg,
        "apk" => VersionScheme::Apk,
        "pacman" => VersionScheme::Pacman,
        other => return Err(format!("no scheme {other}").into()),
    })
}

fn sign(order: Ordering) -> char {
    match order {
        Ordering::Less => '<',
        Ordering::Equal => '=',
        Ordering::Greater => '>',
    }
}

fn list(kind: &str, files: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut damage = None;
    let mut visit = |package| {
        match package {
            Ok(package) => found.push(line(&package)),
            Err(error) => damage = Some(error),
        }
        ControlFlow::Continue(())
    };
    let open = |path: &str| FileBackend::open(Path::new(path));
    let first = open(files.first().copied().unwrap_or_default())?;
    match kind {
        "rpm" => {
            let log = files.get(1).map(|path| open(path)).transpose()?;
            let database = RpmDatabase {
                file: &first,
                log: log.as_ref().map(|log| log as &dyn BlockRead),
            };
            each_rpm(&database, &mut visit)?;
        }
        "dpkg" => each_dpkg(&first, &mut visit)?,
        "apk" => each_apk(&first, &mut visit)?,
        "pacman" => {
            for path in files {
                let _ = visit(read_pacman(&open(path)?));
            }
        }
        other => return Err(format!("no database {other}").into()),
    }
    match damage {
        Some(error) => Err(error.into()),
        None => Ok(found),
    }
}

fn line(package: &Package) -> String {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    format!(
        "{} {} {} {} {} {} {}",
        package.name,
        package
            .epoch
            .map_or("-".to_owned(), |epoch| epoch.to_string()),
        package.version,
        or_dash(package.release.as_deref()),
        or_dash(package.architecture.as_deref()),
        package
            .size_bytes
            .map_or("-".to_owned(), |size| size.to_string()),
        package
            .installed_s
            .map_or("-".to_owned(), |time| time.to_string()),
    )
}
