//! The console in the page: `live`, compiled to WebAssembly and bound to JavaScript.
//!
//! The pages are the same with it and without it. They ask for `generated/live.js` when the
//! reader first presses Send, and say so when it is not there.

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::generated::put;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the console into `generated`. Where the target is missing and cannot be added, it
/// says so and leaves the console out: the guide reads as well without it.
///
/// # Errors
///
/// When the samples do not compile: what the compiler said.
pub fn build(root: &Path, generated: &Path) -> Result<()> {
    let toolchain = env::var("WASM_TOOLCHAIN")
        .ok()
        .filter(|name| !name.is_empty());
    if toolchain.is_none() && !has_target() && !add_target() {
        eprintln!(
            "The pages get no console: the Rust target {TARGET} is missing, and could not be \
             added.\n  To add it: rustup target add {TARGET}\n  To do without and not be told \
             again: --no-console"
        );
        return remove(generated);
    }
    let module = compile(root, toolchain.as_deref())?;
    if is_bound(&module, generated) {
        return Ok(());
    }
    bind(&module, generated)
}

/// Takes a console away that an earlier build left.
///
/// # Errors
///
/// When its files cannot be removed.
pub fn remove(generated: &Path) -> Result<()> {
    for name in ["live.js", "live_bg.wasm"] {
        let file = generated.join(name);
        if file.exists() {
            fs::remove_file(&file)
                .with_context(|| format!("{} cannot be removed", file.display()))?;
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

/// Compiles `live`, and returns where the module is.
fn compile(root: &Path, toolchain: Option<&str>) -> Result<PathBuf> {
    let target = target_folder(root);
    let mut cargo = cargo(toolchain);
    cargo
        .current_dir(root)
        .args([
            "build",
            "--package",
            "live",
            "--lib",
            "--locked",
            "--profile",
            "live",
        ])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target)
        .arg("--message-format=short");
    let first = !target.join(TARGET).is_dir();
    if first {
        eprintln!("Compiling the samples to WebAssembly for the console in the pages.");
    } else {
        cargo.arg("--quiet");
    }
    // The first time it is seen to work. Later only what went wrong is of interest.
    let mut child = cargo
        .stderr(if first {
            Stdio::inherit()
        } else {
            Stdio::piped()
        })
        .spawn()
        .context("cargo cannot be run")?;
    let mut told = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut told)?;
    }
    if !child.wait()?.success() {
        bail!("the console could not be compiled.\n{}", told.trim_end());
    }
    Ok(target.join(TARGET).join("live").join("live.wasm"))
}

/// A target folder of its own, since Cargo holds the other one while it runs this program.
fn target_folder(root: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("wasm")
}

/// Cargo, without what the Cargo that runs this program has set for its own build.
fn cargo(toolchain: Option<&str>) -> Command {
    // Not `CARGO`: that is the program of one toolchain, and rustup's chooses.
    let mut cargo = Command::new("cargo");
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let set_by_cargo = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text.starts_with("CARGO_BIN_")
            || text.starts_with("CARGO_LLVM_COV");
        if set_by_cargo {
            cargo.env_remove(&name);
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
        cargo.env_remove(name);
    }
    if let Some(toolchain) = toolchain {
        cargo.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    cargo
}

/// Whether what is there was made from this module, and after it.
fn is_bound(module: &Path, generated: &Path) -> bool {
    let age = |file: &Path| fs::metadata(file)?.modified();
    let made = [generated.join("live.js"), generated.join("live_bg.wasm")];
    age(module).is_ok_and(|module| {
        made.iter()
            .all(|file| age(file).is_ok_and(|age| age >= module))
    })
}

fn bind(module: &Path, generated: &Path) -> Result<()> {
    let folder = module.with_file_name("bound");
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&folder)
        .context("the console could not be bound to JavaScript")?;
    for name in ["live.js", "live_bg.wasm"] {
        put(&generated.join(name), &fs::read(folder.join(name))?)?;
    }
    Ok(())
}
