//! What the pages load beside themselves: `src/generated`, which git does not keep and which
//! mdBook copies.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{anchors::slashes, book};

/// Writes the copies of the shown files, and mermaid's script.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn write(root: &Path, folder: &Path, shown: &BTreeSet<PathBuf>) -> Result<()> {
    for file in shown {
        let text = fs::read(root.join(file))
            .with_context(|| format!("{} cannot be read", slashes(file)))?;
        // Browsers show `.txt` and save what they do not know.
        let copy = folder.join(format!("{}.txt", slashes(file)));
        put(&copy, &text)?;
    }
    mermaid(root, folder)
}

/// Writes a file unless it already says the same: a file that is written anew makes a
/// watching mdBook build again, and so on for ever.
pub(crate) fn put(file: &Path, content: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let problem = || format!("{} cannot be written", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(problem)?;
    }
    fs::write(file, content).with_context(problem)
}

/// Mermaid's script, out of the package `mdbook-mermaid`.
fn mermaid(root: &Path, folder: &Path) -> Result<()> {
    let script = folder.join("mermaid.min.js");
    let lock = root.join("Cargo.lock");
    let age = |file: &Path| fs::metadata(file)?.modified();
    // The lock file says which version it is. Asking Cargo takes longer than the whole page.
    if let (Ok(script), Ok(lock)) = (age(&script), age(&lock))
        && lock <= script
    {
        return Ok(());
    }
    let found = package(root, "mdbook-mermaid")?.join("src/bin/assets/mermaid.min.js");
    let content =
        fs::read(&found).with_context(|| format!("{} cannot be read", found.display()))?;
    // Not `put`: the script has to be younger than the lock file, even where it is the same.
    fs::create_dir_all(folder)?;
    fs::write(&script, content).with_context(|| format!("{} cannot be written", script.display()))
}

/// The workspace that the samples are part of. A copy of the book that is under test has none, and
/// then it is the tool's own.
pub(crate) fn workspace(root: &Path) -> PathBuf {
    if root.join("Cargo.lock").is_file() {
        root.to_path_buf()
    } else {
        book::root()
    }
}

/// The folder of a package that the workspace depends on.
fn package(root: &Path, name: &str) -> Result<PathBuf> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(workspace(root))
        .output()
        .context("cargo metadata cannot be run")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array();
    let found = packages
        .and_then(|all| all.iter().find(|package| package["name"] == name))
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent());
    found.map(Path::to_path_buf).with_context(|| {
        format!("the workspace does not depend on {name}. Add it to site/Cargo.toml")
    })
}
