//! The console in the page: `live`, compiled to WebAssembly and bound to JavaScript.
//!
//! Each program has a module of its own, so that the size of a console does not depend on the other
//! programs, and chapters that show one program share its module. `live` and the samples are
//! compiled once. Each module links them with one function that names the program's app, and the
//! linker leaves out the code that this function does not reach.
//!
//! The pages are the same with a console and without it. They ask for `generated/live/PROGRAM.js`
//! when the reader first presses Send, and show a message when the file is missing.

use std::{
    collections::BTreeSet,
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::SystemTime,
};

use anyhow::{Context, Result, anyhow, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::workspace::put;

/// The folder of the modules, from the folder of all pages.
pub const FOLDER: &str = "generated/live";

const TARGET: &str = "wasm32-unknown-unknown";

/// The compiler's options for a module. Those for the libraries are in `[profile.live]` in
/// `Cargo.toml`. `strip=symbols` is not one of them, because it hides from wasm-bindgen which features
/// the module uses.
const MODULE: [&str; 11] = [
    "--edition=2024",
    "--crate-name=program",
    "--crate-type=cdylib",
    "--target",
    TARGET,
    "-Copt-level=z",
    "-Ccodegen-units=1",
    "-Cpanic=abort",
    "-Cstrip=debuginfo",
    "--error-format=short",
    "-Cembed-bitcode=yes",
];

/// Cargo's additional options for [`Linked::Quick`]: the samples are compiled fast and without
/// optimization. Their dependencies are the same as for [`Linked::Small`], and compiled once.
const QUICK: [&str; 6] = [
    "--config",
    "profile.live.incremental=true",
    "--config",
    "profile.live.package.code.opt-level=0",
    "--config",
    "profile.live.package.code.codegen-units=256",
];

/// How the modules are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// Fast, for an author who waits for them.
    Quick,
    /// As small as possible, for readers who load them. This takes seconds for each module.
    Small,
}

/// Builds the modules of these programs into `folder`, and removes all other files from it. Returns
/// whether one of the modules is new.
///
/// If the WebAssembly target is missing and cannot be added, this prints a message and builds no
/// console, because the guide can be read without it.
///
/// # Errors
///
/// When the samples do not compile: the message of the compiler.
pub fn build(
    root: &Path,
    folder: &Path,
    programs: &BTreeSet<String>,
    linked: Linked,
) -> Result<bool> {
    if programs.is_empty() {
        remove(folder)?;
        return Ok(false);
    }
    let toolchain = env::var("WASM_TOOLCHAIN")
        .ok()
        .filter(|name| !name.is_empty());
    if toolchain.is_none() && !has_target() && !add_target() {
        eprintln!(
            "The pages have no console, because the Rust target {TARGET} is missing and could not be \
             added.\n  To add it: rustup target add {TARGET}\n  To build without a console and \
             without this message: --no-console"
        );
        remove(folder)?;
        return Ok(false);
    }
    let toolchain = toolchain.as_deref();
    let linker = Linker {
        library: &compile(root, linked, toolchain)?,
        modules: &target_folder(root).join(match linked {
            Linked::Quick => "quick",
            Linked::Small => "small",
        }),
        linked,
        toolchain,
    };
    let new = linker.link_all(programs)?;
    copy(&linker.bound(), folder, programs)?;
    Ok(new)
}

/// Removes the console that an earlier build has left.
///
/// # Errors
///
/// When its folder cannot be removed.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The version of the modules in a folder, which changes with their content. `None` if there are none.
///
/// # Errors
///
/// When a module cannot be read.
pub fn version(folder: &Path) -> Result<Option<String>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files: Vec<PathBuf> = files.collect::<Result<_>>()?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(Some(format!("{:016x}", hasher.finish())))
}

/// The files of a program's module.
fn files(program: &str) -> [String; 2] {
    [format!("{program}.js"), format!("{program}_bg.wasm")]
}

/// Copies the modules of these programs into `folder`, and removes all other files from it.
fn copy(bound: &Path, folder: &Path, programs: &BTreeSet<String>) -> Result<()> {
    let wanted: BTreeSet<String> = programs.iter().flat_map(|program| files(program)).collect();
    for name in &wanted {
        let file = bound.join(name);
        let content =
            fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        put(&folder.join(name), &content)?;
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !wanted.contains(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn has_target() -> bool {
    let printed = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    printed.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success() && Path::new(&folder).is_dir()
    })
}

fn add_target() -> bool {
    eprintln!("The console in the pages is compiled to WebAssembly: rustup target add {TARGET}");
    let status = Command::new("rustup")
        .args(["target", "add", TARGET])
        .stdout(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Compiles `live` and the samples, and returns the path of the library.
fn compile(root: &Path, linked: Linked, toolchain: Option<&str>) -> Result<PathBuf> {
    let target = target_folder(root);
    let mut cargo = rust("cargo", toolchain);
    cargo
        .current_dir(root)
        .args(["build", "--package=live", "--lib", "--locked"])
        .args(["--profile=live", "--target", TARGET, "--target-dir"])
        .arg(&target)
        .arg("--message-format=json-render-diagnostics,json-diagnostic-short")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(root).join("\u{1f}"));
    if linked == Linked::Quick {
        cargo.args(QUICK);
    }
    let first = !target.join(TARGET).join("live").is_dir();
    if first {
        eprintln!("Compiling the samples to WebAssembly for the console in the pages.");
    } else {
        cargo.arg("--quiet");
    }
    // The first time takes long, so Cargo's progress is shown. Later only errors are of interest.
    let child = cargo
        .stdout(Stdio::piped())
        .stderr(if first {
            Stdio::inherit()
        } else {
            Stdio::piped()
        })
        .spawn()
        .context("cargo cannot be run")?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("the console could not be compiled.\n{}", told.trim_end());
    }
    library(&String::from_utf8_lossy(&output.stdout))
        .context("cargo did not name the library that it built")
}

/// The compiler's options for all libraries.
///
/// A module has hundreds of messages of panics, and each names a file. Without the folders that differ
/// between machines, the module is smaller, and the same on each machine.
fn flags(root: &Path) -> Vec<String> {
    // The library keeps machine code for `Quick` and bitcode, which the optimizer reads, for `Small`.
    let mut flags = vec!["-Cembed-bitcode=yes".to_owned()];
    let sources = sources().unwrap_or_default();
    let folders = sources.iter().map(PathBuf::as_path).chain([root]);
    // If several prefixes match, the compiler uses the last one.
    flags.extend(folders.map(|folder| format!("--remap-path-prefix={}/=", folder.display())));
    flags
}

/// The folders of downloaded sources, one for each registry.
fn sources() -> Option<Vec<PathBuf>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    let folders = fs::read_dir(home.join("registry/src")).ok()?;
    let mut folders: Vec<_> = folders.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    Some(folders)
}

/// The path of the library, from Cargo's messages. It is the path with a hash in its name, because
/// the one without a hash is overwritten by the next build of the other kind.
fn library(messages: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut built = messages.filter(|message| message["target"]["name"] == "live");
    let files = built.next()?["filenames"].take();
    let mut files = files.as_array()?.iter().filter_map(|file| file.as_str());
    let metadata = files.find(|file| file.ends_with(".rmeta"))?;
    Some(Path::new(metadata).with_extension("rlib"))
}

/// Links the compiled library to modules.
struct Linker<'a> {
    library: &'a Path,
    modules: &'a Path,
    linked: Linked,
    toolchain: Option<&'a str>,
}

impl Linker<'_> {
    /// The folder of the modules that the page can load.
    fn bound(&self) -> PathBuf {
        self.modules.join("bound")
    }

    /// Links the modules of these programs, as many at a time as there are cores. Returns whether one
    /// of them is new.
    fn link_all(&self, programs: &BTreeSet<String>) -> Result<bool> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (next, new) = (Mutex::new(programs.iter()), AtomicBool::new(false));
        let work = || -> Result<()> {
            loop {
                // In the condition of a `while let`, the lock would be held during the whole loop body.
                let program = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(program) = program else {
                    return Ok(());
                };
                new.fetch_or(self.link(program)?, Ordering::Relaxed);
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..cores.min(programs.len()))
                .map(|_| scope.spawn(work))
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(anyhow!("the thread that links the console panicked")))
            })
        })?;
        Ok(new.into_inner())
    }

    /// Links the module of a program unless it is up to date. Returns whether it is new.
    fn link(&self, program: &str) -> Result<bool> {
        let mut options = MODULE.to_vec();
        if self.linked == Linked::Small {
            options.push("-Clto=fat");
        }
        // The file names the options, so that a change of them changes the file and links again.
        let text = format!(
            "//! rustc {}\n\n#[unsafe(no_mangle)]\npub extern \"C\" fn open() {{\n    \
             live::open(live::code::{}::app);\n}}\n",
            options.join(" "),
            program.replace('-', "_"),
        );
        let start = self.modules.join(format!("{program}.rs"));
        put(&start, text.as_bytes())?;
        let made = files(program).map(|name| self.bound().join(name));
        if is_younger(&made, &[self.library, &start]) {
            return Ok(false);
        }

        let module = self.modules.join(format!("{program}.wasm"));
        let libraries = self.library.parent().unwrap_or(self.library);
        // The folder beside the target's holds libraries for this machine: macros.
        let target = libraries.ancestors().nth(3).unwrap_or(libraries);
        let macros = target.join("live").join("deps");
        let dependencies =
            [libraries, &macros].map(|path| format!("-Ldependency={}", path.display()));
        let output = rust("rustc", self.toolchain)
            .args(&options)
            .arg(format!("--extern=live={}", self.library.display()))
            .args(dependencies)
            .arg("-o")
            .args([&module, &start])
            .output()
            .context("rustc cannot be run")?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            let told = told.trim_end();
            bail!("the console of the program {program} could not be linked.\n{told}");
        }
        Bindgen::new()
            .input_path(&module)
            .web(true)?
            .typescript(false)
            .remove_name_section(true)
            .remove_producers_section(true)
            .generate(self.bound())
            .context("the console could not be bound to JavaScript")?;
        Ok(true)
    }
}

/// Whether all files exist and none is older than the files that it was made from.
fn is_younger(made: &[PathBuf], from: &[&Path]) -> bool {
    let age = |file: &Path| -> Option<SystemTime> { fs::metadata(file).ok()?.modified().ok() };
    let from: Vec<_> = from.iter().map(|file| age(file)).collect();
    made.iter()
        .all(|file| age(file).is_some_and(|made| from.iter().all(|from| Some(made) >= *from)))
}

/// A target folder of its own, since Cargo holds the other one while it runs this program.
fn target_folder(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("wasm")
}

/// A command of the Rust toolchain, without the environment variables that Cargo has set for this
/// program.
fn rust(program: &str, toolchain: Option<&str>) -> Command {
    // The variable `CARGO` names the program of one toolchain. `cargo` lets rustup choose.
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let set_by_cargo = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text.starts_with("CARGO_BIN_")
            || text.starts_with("CARGO_LLVM_COV");
        if set_by_cargo {
            command.env_remove(&name);
        }
    }
    for name in [
        "CARGO",
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_INCREMENTAL",
        "CARGO_MAKEFLAGS",
        "LLVM_PROFILE_FILE",
        "MAKEFLAGS",
        "OUT_DIR",
        "RUSTC",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTDOC",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
    ] {
        command.env_remove(name);
    }
    if let Some(toolchain) = toolchain {
        command.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    command
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_is_older_than_its_source_is_made_again() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str, age: u64| -> Result<PathBuf> {
            let path = folder.path().join(name);
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
            fs::File::create(&path)?.set_modified(time)?;
            Ok(path)
        };
        let (library, start) = (file("library", 20)?, file("start", 30)?);
        let sources = [library.as_path(), start.as_path()];
        let made = [file("a.js", 10)?, file("a.wasm", 20)?];
        assert!(is_younger(&made, &sources));
        file("start", 15)?;
        assert!(
            !is_younger(&made, &sources),
            "the start is younger than the module"
        );
        file("start", 30)?;
        let missing = [made[0].clone(), folder.path().join("b.wasm")];
        assert!(!is_younger(&missing, &sources), "a file is missing");
        Ok(())
    }

    #[test]
    fn the_library_is_the_one_that_cargo_has_just_built() {
        let built = |name: &str, files: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}"}},"filenames":[{files}]}}"#
            )
        };
        let messages = [
            built(
                "code",
                r#""/t/deps/libcode-1.rlib","/t/deps/libcode-1.rmeta""#,
            ),
            built("live", r#""/t/liblive.rlib","/t/deps/liblive-2.rmeta""#),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = library(&messages.join("\n"));
        assert_eq!(found.as_deref(), Some(Path::new("/t/deps/liblive-2.rlib")));
        assert_eq!(library(&messages[0]), None);
    }

    #[test]
    fn a_folder_gets_the_modules_that_the_pages_ask_for_and_no_others() -> Result<()> {
        let (bound, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
        for program in ["requests", "data", "gone"] {
            for name in files(program) {
                fs::write(bound.path().join(name), program)?;
            }
        }
        fs::write(folder.path().join("gone.js"), "from an earlier build")?;
        let asked = ["data", "requests"].map(str::to_owned).into();
        copy(bound.path(), folder.path(), &asked)?;
        let names = fs::read_dir(folder.path())?.map(|entry| Ok(entry?.file_name()));
        let mut names = names.collect::<Result<Vec<_>>>()?;
        names.sort();
        let wanted = ["data.js", "data_bg.wasm", "requests.js", "requests_bg.wasm"];
        assert_eq!(names, wanted);
        remove(folder.path())?;
        remove(folder.path())?;
        assert!(!folder.path().exists());
        Ok(())
    }
}
