//! The Express program of the page "From Express to axum" is the one that was compared with the
//! axum program.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

/// `site/interop/express.sh` runs the Express program, which needs Node.js and a package from npm.
/// `cargo test` needs neither, so it checks that the script has run with these very files.
#[test]
fn the_express_program_has_not_changed_since_it_was_compared() {
    let code = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compared = fs::read_to_string(code.join("express/compared.txt")).unwrap();
    let mut files = Vec::new();
    for line in compared.lines() {
        let (expected, file) = line.split_once("  ").unwrap();
        let content = fs::read(code.join(file)).unwrap();
        let sum: String = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            sum, expected,
            "code/{file} has changed. Run `site/interop/express.sh --record`, which runs the \
             Express program and compares it with the axum program"
        );
        files.push(file);
    }
    assert_eq!(
        files,
        [
            "express/shop.js",
            "express/package.json",
            "output/from-express/from-express.txt"
        ]
    );
}
