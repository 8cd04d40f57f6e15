//! The files that Cargo compiled, and the libraries and programs that it made of them, found beside
//! the running program. Nothing here runs Cargo.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use toml::Table;

use crate::walk::{files, is, stem};

/// A feature for the service.
pub const FAVORITES: &str = "code/favorites";

/// WebSockets for the shop's server.
pub const SHOP_WEBSOCKETS: &str = "code/shop-websockets";

/// What pages add to a project that readers copy: new files, and changes to the project's own files.
/// The test `copies` adds each to a copy of its project, and compiles and tests it there.
pub const ADDITIONS: [&str; 2] = [FAVORITES, SHOP_WEBSOCKETS];

/// The folder that Cargo builds one profile into: `target/debug`.
#[derive(Debug, Clone)]
pub struct Build {
    folder: PathBuf,
}

impl Build {
    /// The folder that the running program was built into, also where `CARGO_TARGET_DIR` or a
    /// coverage tool names another one.
    pub fn current() -> Result<Self> {
        let program = env::current_exe().context("the running program's own path")?;
        let folder = program
            .ancestors()
            .skip(1)
            .find(|folder| folder.join("deps").is_dir() || folder.join(".fingerprint").is_dir())
            .with_context(|| {
                format!(
                    "{} was not built by Cargo, or moved since. Run `cargo test`",
                    program.display()
                )
            })?;
        Ok(Self {
            folder: folder.to_path_buf(),
        })
    }

    /// The files below `root`, from there, that the newest build of each target is made of:
    /// its modules, and the files that it reads with `include_str!`.
    ///
    /// The manifests of the workspace's members count as well, because every build reads them. So
    /// do the examples, each a target of its own: `cargo test NAME` does not build them, and
    /// leaves no trace of them in a clean clone, but skeptic or a transcript runs them. And so does
    /// the [`ADDITIONS`], which a test of its own compiles.
    pub fn compiled(&self, root: &Path) -> Result<BTreeSet<PathBuf>> {
        let mut newest: BTreeMap<(PathBuf, bool), (SystemTime, Vec<PathBuf>)> = BTreeMap::new();
        for path in self.with_extension("d")? {
            let text = fs::read_to_string(&path)?;
            let sources = sources(&text, root);
            // rustc names the root of the crate first. A library and its tests have the same one.
            let Some(crate_root) = sources.first() else {
                continue;
            };
            let target = (crate_root.clone(), text.contains(".rmeta:"));
            let made = fs::metadata(&path)?.modified()?;
            if newest.get(&target).is_none_or(|(other, _)| made > *other) {
                newest.insert(target, (made, sources));
            }
        }
        let mut compiled: BTreeSet<PathBuf> = newest
            .into_values()
            .flat_map(|(_, sources)| sources)
            .collect();
        for member in members(root)? {
            let examples = files(root, &format!("{member}/examples"))?.into_iter();
            compiled.extend(examples.filter(|file| is(file, "rs")));
            compiled.insert(Path::new(&member).join("Cargo.toml"));
        }
        for addition in ADDITIONS {
            let added = files(root, addition)?.into_iter();
            compiled.extend(added.filter(|file| is(file, "rs")));
        }
        Ok(compiled)
    }

    /// A program of `code`, if it exists and is newer than its sources.
    pub fn program(&self, root: &Path, name: &str) -> Result<PathBuf> {
        self.executable(
            root,
            &self.folder,
            name,
            "cargo build --package code --bins",
        )
    }

    /// An example of `code`, if it exists and is newer than its sources.
    pub fn example(&self, root: &Path, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("examples");
        self.executable(root, &folder, name, "cargo build --package code --examples")
    }

    /// A program of a package of the workspace, or an example of it, if it exists and is newer
    /// than its sources.
    pub fn project(&self, root: &Path, package: &str, example: Option<&str>) -> Result<PathBuf> {
        let make = format!("cargo build --package {package} --bins --examples");
        match example {
            Some(name) => self.executable(root, &self.folder.join("examples"), name, &make),
            None => self.executable(root, &self.folder, package, &make),
        }
    }

    fn executable(&self, root: &Path, folder: &Path, name: &str, make: &str) -> Result<PathBuf> {
        let program = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
        let made = match fs::metadata(&program).and_then(|metadata| metadata.modified()) {
            Ok(made) => made,
            Err(_) => bail!("{} is not built. Run `{make}`", program.display()),
        };
        let about = fs::read_to_string(folder.join(format!("{name}.d"))).unwrap_or_default();
        for source in targets_of(&about) {
            let source = root.join(source);
            let edited = fs::metadata(&source).and_then(|metadata| metadata.modified());
            if edited.is_ok_and(|edited| edited > made) {
                bail!(
                    "{} is older than {}. Run `{make}`",
                    program.display(),
                    source.display()
                );
            }
        }
        Ok(program)
    }

    /// The dependencies of the `code` crate, and `code` itself, by their names in `use`. They are
    /// the builds that the running test was linked with.
    ///
    /// Cargo keeps every build of a library. Its fingerprints say which builds belong together,
    /// and skeptic reads them in the same way.
    pub fn externs(&self) -> Result<Vec<(String, PathBuf)>> {
        let units = self.units()?;
        let program = env::current_exe()?;
        let hash = hash_of(&program);
        let test = units
            .values()
            .find(|unit| unit.id == hash && unit.is_test)
            .with_context(|| format!("no fingerprint of {}", program.display()))?;
        let code = test
            .needs
            .iter()
            .find(|(name, _)| name == "code")
            .and_then(|(_, key)| units.get(key))
            .context("the running test does not need the crate `code`")?;
        let libraries = self.libraries()?;
        let library = |unit: &Unit| libraries.get(&unit.id).cloned();
        // A sample may also use what the programs to take home use, such as sqlx.
        let of = |name: &str| code.needs.iter().find(|(needed, _)| needed == name);
        let programs = ["shop", "service"].into_iter().filter_map(of);
        let programs = programs.filter_map(|(_, key)| units.get(key));
        let needs = programs.chain([code]).flat_map(|unit| &unit.needs);
        let externs: BTreeMap<String, PathBuf> = needs
            .filter_map(|(name, key)| Some((name.clone(), library(units.get(key)?)?)))
            .collect();
        // rustc would look for the names of a sample's modules in the service, and suggest those.
        let mut externs: Vec<_> = externs
            .into_iter()
            .filter(|(name, _)| name != "service")
            .collect();
        externs.push((
            "code".to_owned(),
            library(code).context("the library of `code` is not built. Run `cargo test`")?,
        ));
        Ok(externs)
    }

    /// The folders in which rustc finds the dependencies of libraries.
    pub fn library_folders(&self) -> Result<BTreeSet<PathBuf>> {
        Ok(self
            .libraries()?
            .into_values()
            .filter_map(|library| library.parent().map(Path::to_path_buf))
            .collect())
    }

    fn libraries(&self) -> Result<HashMap<String, PathBuf>> {
        let mut found = HashMap::new();
        for extension in ["rlib", "so", "dylib", "dll"] {
            for library in self.with_extension(extension)? {
                found.insert(hash_of(&library), library);
            }
        }
        Ok(found)
    }

    /// Units by the hash that other fingerprints refer to them by.
    fn units(&self) -> Result<HashMap<String, Unit>> {
        let mut found = HashMap::new();
        for path in self.with_extension("json")? {
            let name = stem(&path);
            if !name.starts_with("lib-") && !name.starts_with("test-") {
                continue;
            }
            let Ok(own) = fs::read_to_string(path.with_extension("")) else {
                continue;
            };
            let json: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            let unit = Unit {
                id: unit_id(&path),
                is_test: name.starts_with("test-"),
                needs: needs(&json),
            };
            found.insert(own.trim().to_owned(), unit);
        }
        Ok(found)
    }

    fn with_extension(&self, extension: &str) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for folder in ["deps", "examples", ".fingerprint", "build"] {
            found.extend(files(&self.folder, folder)?);
        }
        found.retain(|path| is(path, extension));
        Ok(found.iter().map(|path| self.folder.join(path)).collect())
    }
}

/// The folders of the workspace's packages, as its manifest lists them.
pub fn members(root: &Path) -> Result<Vec<String>> {
    let manifest: Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let members = manifest["workspace"]["members"].as_array();
    let members = members.context("the workspace lists its members")?;
    let members = members.iter().filter_map(|member| member.as_str());
    Ok(members.map(str::to_owned).collect())
}

/// The name of the package in a folder.
pub fn package(root: &Path, folder: &str) -> Result<String> {
    let manifest = format!("{folder}/Cargo.toml");
    let text =
        fs::read_to_string(root.join(&manifest)).with_context(|| format!("reading {manifest}"))?;
    let manifest: Table = text.parse()?;
    let name = manifest["package"]["name"].as_str();
    Ok(name.context("a package has a name")?.to_owned())
}

/// One run of rustc, as a fingerprint describes it.
struct Unit {
    /// The hash that Cargo adds to the names of its files.
    id: String,
    is_test: bool,
    /// The dependencies: the name in `use`, and the hash of the unit.
    needs: Vec<(String, String)>,
}

/// Each dependency is `[package, name, public, fingerprint]`.
fn needs(fingerprint: &Value) -> Vec<(String, String)> {
    let Some(dependencies) = fingerprint["deps"].as_array() else {
        return Vec::new();
    };
    dependencies
        .iter()
        .filter_map(|dependency| {
            let hash = dependency.get(3)?.as_u64()?;
            let name = dependency.get(1)?.as_str()?;
            // The file beside it holds the bytes in the sequence in which they are in memory.
            Some((name.to_owned(), format!("{:016x}", hash.swap_bytes())))
        })
        .collect()
}

/// `.fingerprint/NAME-ID/FILE.json`, and `build/NAME/ID/fingerprint/FILE.json` in newer Cargos.
fn unit_id(fingerprint: &Path) -> String {
    let folder = fingerprint.parent().unwrap_or(fingerprint);
    match folder.file_name() {
        Some(name) if name == "fingerprint" => folder.parent().map(stem).unwrap_or_default(),
        _ => hash_of(folder),
    }
}

/// The part of a file's name after the last dash.
fn hash_of(file: &Path) -> String {
    let stem = stem(file);
    match stem.rsplit_once('-') {
        Some((_, hash)) => hash.to_owned(),
        None => stem,
    }
}

/// The files below `root` that a dep-info of rustc lists, each in a line `FILE:`.
fn sources(dep_info: &str, root: &Path) -> Vec<PathBuf> {
    dep_info
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_suffix(':'))
        .filter_map(|file| relative(&file.replace("\\ ", " "), root))
        .collect()
}

/// The files that a dep-info of Cargo lists, all in one line after `PROGRAM:`.
fn targets_of(dep_info: &str) -> Vec<PathBuf> {
    let Some((_, list)) = dep_info
        .lines()
        .next()
        .and_then(|line| line.split_once(": "))
    else {
        return Vec::new();
    };
    list.replace("\\ ", "\0")
        .split(' ')
        .map(|file| PathBuf::from(file.replace('\0', " ")))
        .collect()
}

/// A path from `root` without dots; `include_str!` writes `code/src/../menu.json`.
fn relative(file: &str, root: &Path) -> Option<PathBuf> {
    let real = root.join(file).canonicalize().ok()?;
    real.strip_prefix(root.canonicalize().ok()?)
        .ok()
        .map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dep_info_lists_modules_and_what_they_include() {
        let root = crate::root();
        let text = "/t/deps/x-1.d: code/src/lib.rs\n\ncode/src/lib.rs:\ncode/src/../Cargo.toml:\n\
                    /elsewhere/lib.rs:\n\n# env-dep:A:\n";
        let expected = ["code/src/lib.rs", "code/Cargo.toml"].map(PathBuf::from);
        assert_eq!(sources(text, &root), expected);
    }

    #[test]
    fn an_older_cargo_and_a_newer_one_name_their_units() {
        let older = Path::new("/t/.fingerprint/serde_json-0123abcd/lib-serde_json.json");
        let newer = Path::new("/t/build/serde_json/0123abcd/fingerprint/lib-serde_json.json");
        assert_eq!(unit_id(older), "0123abcd");
        assert_eq!(unit_id(newer), "0123abcd");
    }
}
