// ANCHOR: secret
use shop::settings::Settings;

pub fn print_token(settings: &Settings) {
    if let Some(token) = &settings.staff_token {
        println!("the staff token is {token}");
    }
}
// ANCHOR_END: secret
