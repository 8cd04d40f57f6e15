//! The tests of the pages run this program. Cargo builds it because this test names it.

use std::path::Path;

#[test]
fn the_program_is_built() {
    assert!(Path::new(env!("CARGO_BIN_EXE_first-server")).is_file());
}
