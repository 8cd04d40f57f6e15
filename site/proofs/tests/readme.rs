//! The commands that README.md tells a reader to run.

use std::fs;

use anyhow::{Context, Result};
use proofs::root;
use toml::Table;

#[test]
fn every_command_exists() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let config: Table = fs::read_to_string(root().join(".cargo/config.toml"))?.parse()?;
    let aliases = config["alias"].as_table().context("[alias] is a table")?;
    for command in readme.split("cargo ").skip(1) {
        let name = command.split(|c: char| !c.is_alphanumeric()).next();
        let name = name.unwrap_or_default();
        assert!(
            ["run", "test"].contains(&name) || aliases.contains_key(name),
            "README.md says `cargo {name}`, which neither Cargo nor .cargo/config.toml has"
        );
    }
    Ok(())
}
