// ANCHOR: salt
use argon2::password_hash::{SaltString, rand_core::OsRng};

pub fn salt() -> SaltString {
    SaltString::generate(&mut OsRng)
}
// ANCHOR_END: salt
