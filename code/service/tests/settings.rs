//! The settings: where they come from, and what is said about wrong ones.
#![cfg(feature = "server")]

use std::ffi::OsString;

use service::settings::Settings;

/// Reads settings from these variables and no others.
fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let get = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    };
    Settings::read(get).map_err(|error| error.to_string())
}

#[test]
fn the_service_starts_without_any_settings() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.address.to_string(), "127.0.0.1:4000");
    assert_eq!(settings.url, "http://127.0.0.1:4000");
    assert!(settings.database.is_none());
}

#[test]
fn all_wrong_settings_are_reported_at_once_and_without_their_values() {
    let error = read(&[
        ("SHOP_ADDRESS", "localhost"),
        ("SHOP_URL", "https://shop.example/"),
        ("DATABASE_URL", "mysql://root:hunter2@localhost/shop"),
    ])
    .unwrap_err();
    for name in ["SHOP_ADDRESS", "SHOP_URL", "DATABASE_URL"] {
        assert!(error.contains(name), "{error}");
    }
    assert!(!error.contains("hunter2"), "{error}");
}

/// A value in the example that can't be read would be the first thing that a reader meets.
#[test]
fn every_line_of_the_example_can_be_read() {
    let example = include_str!("../.env.example");
    let assignments = example
        .lines()
        .filter_map(|line| line.strip_prefix("# ").unwrap_or(line).split_once('='))
        .filter(|(name, _)| {
            name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        });
    // The example has no secret: somebody would use it.
    let secret = ("JWT_SECRET", "a secret of these tests, long enough");
    let variables: Vec<_> = assignments.chain([secret]).collect();
    assert!(variables.len() > 4, "{variables:?}");
    read(&variables).unwrap();
}
