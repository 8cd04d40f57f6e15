//! Tells Cargo to compile again when a migration is added: `sqlx::migrate!` reads the folder
//! while it is compiled, and Cargo doesn't know that.

// ANCHOR: build
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
// ANCHOR_END: build
