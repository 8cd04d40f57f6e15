#!/usr/bin/env bash
# Fails when a page shows a line of Rust that no test runs. It needs `cargo install cargo-llvm-cov`
# and LLVM's tools: those of rustup's component llvm-tools, or those that LLVM_COV and
# LLVM_PROFDATA name, or Debian's llvm-22.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${LLVM_COV:-}" ] && command -v llvm-cov-22 >/dev/null; then
  export LLVM_COV=llvm-cov-22 LLVM_PROFDATA=llvm-profdata-22
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# Pages show only the packages in `code`, so only those are built again with counters: their tests,
# and the examples that end by themselves. code/first-server has no tests of its own, and its
# programs end by Ctrl-C: transcripts run them.
packages=()
for manifest in code/Cargo.toml code/*/Cargo.toml; do
  [ "$manifest" = code/first-server/Cargo.toml ] && continue
  packages+=(--package "$(sed -n 's/^name = "\(.*\)"$/\1/p' "$manifest" | head -n 1)")
done
cargo llvm-cov clean --workspace
cargo llvm-cov --no-report --quiet --locked "${packages[@]}"
for example in code/examples/*.rs; do
  cargo llvm-cov run --no-report --quiet --locked --package code --example "$(basename "$example" .rs)"
done
# By default the report leaves out examples and tests, which pages show too.
cargo llvm-cov report --no-default-ignore-filename-regex --lcov --output-path "$report"
cargo run --quiet --locked --bin shown-lines -- "$report"
