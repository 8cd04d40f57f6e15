//! The projects that readers take home have a Cargo.lock of their own, with the versions that the
//! guide is tested with.
//!
//! Cargo ignores that file inside of the workspace and obeys it in a copy.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use site::chapters::anchors::Problem;
use toml::{Table, Value};

use crate::walk::stem;

/// The command that writes the file.
const WRITE: &str = "COPIES=1 SNAPSHOTS=overwrite cargo test --package proofs --test copies";

/// The folders of the projects that readers take home.
pub fn projects(root: &Path) -> Vec<PathBuf> {
    let projects = ["code/shop", "code/service"].map(PathBuf::from).into_iter();
    projects
        .filter(|folder| root.join(folder).join("Cargo.toml").is_file())
        .collect()
}

/// Finds the packages that a project locks in another version than the workspace, and the
/// dependencies that it doesn't lock at all.
pub fn check(root: &Path, project: &Path) -> Result<Vec<Problem>> {
    let file = project.join("Cargo.lock");
    let Ok(text) = fs::read_to_string(root.join(&file)) else {
        let message = format!("a project to take home needs this file. Run `{WRITE}`");
        return Ok(vec![Problem::new(file, 1, message)]);
    };
    let workspace = locked(&fs::read_to_string(root.join("Cargo.lock"))?)?;
    let here = locked(&text)?;
    let mut problems = Vec::new();
    for name in dependencies(&fs::read_to_string(root.join(project).join("Cargo.toml"))?)? {
        if !here.iter().any(|(locked, _)| *locked == name) {
            let message =
                format!("`{name}` is missing here, so a copy can't be built. Run `{WRITE}`");
            problems.push(Problem::new(&file, 1, message));
        }
    }
    for (name, version) in here {
        let same = workspace.contains(&(name.clone(), version.clone()));
        if same || name == stem(project) {
            continue;
        }
        let known = workspace.iter().filter(|(other, _)| *other == name);
        let known: Vec<&str> = known.map(|(_, version)| version.as_str()).collect();
        let there = match known.as_slice() {
            [] => "which the Cargo.lock of the workspace does not have".to_owned(),
            versions => format!("and {} in the workspace", versions.join(" and ")),
        };
        let line = text.find(&format!("name = \"{name}\"\nversion = \"{version}\""));
        let line = text[..line.unwrap_or_default()].matches('\n').count() + 1;
        let message = format!("`{name}` is {version} here, {there}. Run `{WRITE}`");
        problems.push(Problem::new(&file, line, message));
    }
    Ok(problems)
}

/// The packages that a manifest names as dependencies.
fn dependencies(manifest: &str) -> Result<BTreeSet<String>> {
    let manifest: Table = manifest.parse()?;
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = tables
        .into_iter()
        .filter_map(|table| manifest.get(table)?.as_table());
    let package = |(name, dependency): (&String, &Value)| {
        let renamed = dependency.get("package").and_then(Value::as_str);
        renamed.unwrap_or(name).to_owned()
    };
    Ok(tables.flatten().map(package).collect())
}

/// The names and versions of all packages.
fn locked(lock: &str) -> Result<BTreeSet<(String, String)>> {
    let lock: Table = lock.parse()?;
    let packages = lock["package"].as_array();
    let packages = packages.context("a Cargo.lock has packages")?.iter();
    let text = |of: &Value, key: &str| of.get(key)?.as_str().map(str::to_owned);
    packages
        .map(|package| Some((text(package, "name")?, text(package, "version")?)))
        .collect::<Option<_>>()
        .context("a package has a name and a version")
}
