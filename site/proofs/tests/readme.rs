//! What README.md says without a page's proof: its commands, and the `Cargo.toml` of its appendix.
//! `.ci/run` builds a project with that.

use std::fs;

use anyhow::{Context, Result};
use proofs::root;
use toml::{Table, Value};

/// The dependencies of a `Cargo.toml`, with the version that it asks for.
fn dependencies(manifest: &str) -> Result<Vec<(String, String)>> {
    let manifest: Table = manifest.parse()?;
    let table = manifest["dependencies"].as_table();
    let table = table.context("[dependencies] is a table")?;
    let version = |of: &Value| match of {
        Value::Table(of) => of.get("version")?.as_str().map(str::to_owned),
        of => of.as_str().map(str::to_owned),
    };
    table
        .iter()
        .map(|(name, of)| Some((name.clone(), version(of)?)))
        .collect::<Option<_>>()
        .context("every dependency has a version")
}

#[test]
fn a_project_of_your_own_has_what_the_samples_have() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let fence = readme.split_once("```toml\n").context("a toml block")?.1;
    let block = fence.split_once("```").context("it is closed")?.0;
    let samples = fs::read_to_string(root().join("code/Cargo.toml"))?;
    assert_eq!(
        dependencies(block)?,
        dependencies(&samples)?,
        "README.md's Cargo.toml (left) and code/Cargo.toml (right) name the same dependencies"
    );
    Ok(())
}

#[test]
fn every_command_exists() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let config: Table = fs::read_to_string(root().join(".cargo/config.toml"))?.parse()?;
    let aliases = config["alias"].as_table().context("[alias] is a table")?;
    for command in readme.split("cargo ").skip(1) {
        let name = command.split(|c: char| !c.is_alphanumeric()).next();
        let name = name.unwrap_or_default();
        assert!(
            ["new", "test"].contains(&name) || aliases.contains_key(name),
            "README.md tells to run `cargo {name}`, which neither Cargo nor .cargo/config.toml has"
        );
    }
    Ok(())
}
