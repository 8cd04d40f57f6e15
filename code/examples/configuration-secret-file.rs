//! Reads a secret from a variable, or from the file that a second variable names.

use std::ffi::OsString;
use std::fs;

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};

// ANCHOR: read-secret
/// Reads a secret from the variable `name`, or from a file. The path of the file is
/// in the variable whose name is `name` followed by `_FILE`.
fn read_secret(
    get: impl Fn(&str) -> Option<OsString>,
    name: &str,
) -> anyhow::Result<Option<SecretString>> {
    let file = format!("{name}_FILE");
    match (get(name), get(&file)) {
        (Some(_), Some(_)) => bail!("set either {name} or {file}, not both"),
        (Some(secret), None) => {
            let secret = secret.to_str();
            let secret = secret.with_context(|| format!("{name} is not UTF-8"))?;
            Ok(Some(secret.into()))
        }
        (None, Some(path)) => {
            let secret = fs::read_to_string(path).context(file)?;
            Ok(Some(secret.trim_end().into()))
        }
        (None, None) => Ok(None),
    }
}
// ANCHOR_END: read-secret

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("staff_token");
    fs::write(&path, "a secret token\n")?;
    let token = OsString::from("a secret token");
    let missing = folder.path().join("no_such_file");

    let none = (None, None);
    let variable = (Some(token.clone()), None);
    let file = (None, Some(path.clone().into_os_string()));
    let both = (Some(token), Some(path.into_os_string()));
    let no_such_file = (None, Some(missing.into_os_string()));
    for (title, (value, path)) in [
        ("neither", none),
        ("the variable", variable),
        ("the file", file),
        ("both", both),
        ("a path without a file", no_such_file),
    ] {
        let get = |name: &str| match name {
            "SHOP_STAFF_TOKEN" => value.clone(),
            _ => path.clone(),
        };
        match read_secret(get, "SHOP_STAFF_TOKEN") {
            Ok(None) => println!("{title}: no token"),
            Ok(Some(secret)) => {
                let secret = secret.expose_secret();
                println!("{title}: a token of {} bytes", secret.len());
            }
            Err(error) => println!("{title}: {error:#}"),
        }
    }
    Ok(())
}
