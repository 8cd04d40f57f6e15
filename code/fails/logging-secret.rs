// ANCHOR: secret
use secrecy::SecretString;

pub fn log_in(password: &SecretString) {
    tracing::info!(%password, "a login");
}
// ANCHOR_END: secret
