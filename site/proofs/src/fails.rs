//! Samples that must not compile, and the messages of the compiler about them.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use site::chapters::anchors::Problem;
use site::workspace::slashes;

use crate::artifacts::Build;
use crate::snapshots;

/// rustc with the dependencies of the `code` crate.
#[derive(Debug)]
pub struct Compiler {
    externs: Vec<(String, PathBuf)>,
    folders: BTreeSet<PathBuf>,
    /// Whether it is the version whose messages are recorded.
    recorded_version: bool,
}

impl Compiler {
    /// The compiler that built the running test.
    pub fn of(build: &Build) -> Result<Self> {
        let output = Command::new(rustc()).arg("--version").output()?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        let recorded = env!("CARGO_PKG_RUST_VERSION");
        Ok(Self {
            externs: build.externs()?,
            folders: build.library_folders()?,
            recorded_version: version
                .strip_prefix("rustc ")
                .and_then(|rest| rest.strip_prefix(recorded))
                .is_some_and(|rest| rest.starts_with(['.', '-', ' '])),
        })
    }

    /// Checks a file of the repository. `Err` is the message of the compiler, without the parts
    /// that differ between machines.
    fn check(&self, root: &Path, file: &Path) -> Result<std::result::Result<(), String>> {
        let text = fs::read_to_string(root.join(file))
            .with_context(|| format!("reading {}", slashes(file)))?;
        let kind = if text.contains("fn main()") {
            "bin"
        } else {
            "lib"
        };
        let made = tempfile::tempdir()?;
        let output = self
            .command()
            .current_dir(root)
            .args(["--emit=metadata", "--crate-type", kind])
            .arg("--crate-name=sample")
            .arg("--out-dir")
            .arg(made.path())
            .arg(slashes(file))
            .output()
            .context("running rustc")?;
        if output.status.success() {
            return Ok(Ok(()));
        }
        Ok(Err(redacted(&String::from_utf8_lossy(&output.stderr))))
    }
}

impl Compiler {
    /// rustc, with every library that `code` can name.
    fn command(&self) -> Command {
        let mut command = Command::new(rustc());
        command
            .args(["--edition=2024", "--color=never"])
            .args(self.folders.iter().flat_map(|folder| {
                let mut search = OsString::from("dependency=");
                search.push(folder);
                [OsString::from("-L"), search]
            }))
            .args(
                self.externs.iter().flat_map(|(name, library)| {
                    [OsString::from("--extern"), external(name, library)]
                }),
            );
        command
    }
}

/// `NAME=PATH`, as rustc reads it.
fn external(name: &str, library: &Path) -> OsString {
    let mut external = OsString::from(format!("{name}="));
    external.push(library);
    external
}

/// Compares the compiler's message about a sample with the one that is recorded beside it: the
/// whole message on the version of Rust that this repository names, and the codes and headlines of
/// the errors on other versions.
pub fn check(root: &Path, file: &Path, compiler: &Compiler) -> Result<Option<Problem>> {
    let message = match compiler.check(root, file)? {
        Err(message) => message,
        Ok(()) => {
            return Ok(Some(Problem::new(
                file,
                1,
                "this sample compiles, and must not. Break it again, or move it to where samples \
                 compile",
            )));
        }
    };
    let beside = file.with_extension("stderr");
    if compiler.recorded_version {
        return Ok(snapshots::compare(root, &beside, &message));
    }
    let recorded = fs::read_to_string(root.join(&beside)).unwrap_or_default();
    if headlines(&recorded) == headlines(&message) {
        return Ok(None);
    }
    let problem = format!(
        "{}\nOnly the errors themselves are compared: the messages are those of Rust {}.\n{}",
        snapshots::STALE,
        env!("CARGO_PKG_RUST_VERSION"),
        snapshots::diff(
            &headlines(&recorded).join("\n"),
            &headlines(&message).join("\n")
        )
    );
    Ok(Some(Problem::new(beside, 1, problem)))
}

/// The name of the compiler, or its path.
pub fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn headlines(message: &str) -> Vec<&str> {
    message
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect()
}

/// A message without the paths of this machine: those of the registry's sources, of Rust's own
/// sources, and of the file in which the compiler wrote a long type.
fn redacted(message: &str) -> String {
    let mut kept = String::new();
    for line in message.replace("\r\n", "\n").lines() {
        if line.contains("written to '") || line.contains("consider using `--verbose`") {
            continue;
        }
        kept += &short_path(line);
        kept.push('\n');
    }
    kept
}

fn short_path(line: &str) -> String {
    let Some((margin, place)) = line.split_once("--> ").or_else(|| line.split_once("::: ")) else {
        return line.to_owned();
    };
    let arrow = &line[margin.len()..line.len() - place.len()];
    let place = place.replace('\\', "/");
    // …/registry/src/NAME-OF-THE-REGISTRY/axum-0.8.9/src/handler/mod.rs:149:4
    let short = match place.split_once("/registry/src/") {
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(_, rest)| rest),
        // …/lib/rustlib/src/rust/library/core/src/… or /rustc/COMMIT/library/core/src/…
        None => place
            .find("/library/")
            .map_or(place.as_str(), |at| &place[at + 1..]),
    };
    format!("{margin}{arrow}{short}")
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn what_differs_between_machines_goes() {
        let message = "error[E0277]: no\n  --> code/fails/a.rs:3:1\n   |\nnote: here\n  --> \
                       /root/.cargo/registry/src/index-1/axum-0.8.9/src/lib.rs:1:2\n  ::: \
                       /rustc/0123/library/core/src/x.rs:1:1\n  = note: the full name for the \
                       type has been written to '/tmp/x.txt'\n  = note: consider using \
                       `--verbose` to print it\n";
        let expected = "error[E0277]: no\n  --> code/fails/a.rs:3:1\n   |\nnote: here\n  --> \
                        axum-0.8.9/src/lib.rs:1:2\n  ::: library/core/src/x.rs:1:1\n";
        assert_eq!(redacted(message), expected);
    }
}
