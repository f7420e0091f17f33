//! What the process is asked to do, by its arguments.

use std::ffi::OsString;

use crate::stream::Endpoint;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Say whether the machine runs here.
    Probe,
    /// Be a machine for this host.
    Serve(Endpoint),
}

/// What the process understands.
pub const USAGE: &str = "usage: detente-hyperv --probe | --socket PATH | --port PATH | --stdin";

/// Reads the arguments, without the program's name.
///
/// # Errors
/// [`USAGE`], when they make no sense.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Job, &'static str> {
    let mut arguments = arguments.into_iter();
    let first = arguments.next().ok_or(USAGE)?;
    let mut path = || arguments.next().map(Into::into).ok_or(USAGE);
    let job = match first.to_str() {
        Some("--probe") => Job::Probe,
        Some("--socket") => Job::Serve(Endpoint::Socket(path()?)),
        Some("--port") => Job::Serve(Endpoint::Port(path()?)),
        Some("--stdin") => Job::Serve(Endpoint::StandardInput),
        Some(_) | None => return Err(USAGE),
    };
    match arguments.next() {
        Some(_) => Err(USAGE),
        None => Ok(job),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expect: Result<Job, &'static str>) {
        assert_eq!(
            parse(arguments.iter().map(OsString::from)),
            expect,
            "{arguments:?}"
        );
    }

    #[test]
    fn one_job_at_a_time() {
        check(&["--probe"], Ok(Job::Probe));
        let port = Endpoint::Port("/dev/vport0p1".into());
        check(&["--port", "/dev/vport0p1"], Ok(Job::Serve(port)));
        check(&["--stdin"], Ok(Job::Serve(Endpoint::StandardInput)));
        for wrong in [&[][..], &["--socket"], &["--probe", "--stdin"], &["x"]] {
            check(wrong, Err(USAGE));
        }
    }
}
