//! `shown-lines LCOV`: whether tests run every line that a page shows. `coverage.sh` calls it.

use std::process::ExitCode;

use anyhow::{Context, Result};
use proofs::artifacts::Build;
use proofs::walk::Walk;
use proofs::{coverage, slashes};

fn main() -> Result<ExitCode> {
    let file = std::env::args()
        .nth(1)
        .context("usage: shown-lines LCOV, the report of `cargo llvm-cov --lcov`")?;
    let lcov = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    let root = proofs::root();
    let walk = Walk::read(&root, Build::current()?.compiled(&root)?)?;
    let mut runs = coverage::read(&lcov, &root);
    coverage::forget_lines_that_cannot_run(&mut runs, &root)?;
    let found = coverage::of(&walk.shown, &runs);
    if found.executable == 0 {
        anyhow::bail!("{file} knows no line that a page shows. Was it made from this checkout?");
    }
    println!("executable lines that a page shows: {}", found.executable);
    println!(
        "executable lines that a page shows and no test runs: {}",
        found.idle.len()
    );
    for (file, line) in &found.idle {
        println!(
            "{}:{line}: no test runs this line. Write one, or show less",
            slashes(file)
        );
    }
    Ok(if found.idle.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
