// ANCHOR: secret
use shop::settings::Settings;

pub fn log_token(settings: &Settings) {
    if let Some(token) = &settings.staff_token {
        tracing::info!(%token, "the settings are valid");
    }
}
// ANCHOR_END: secret
