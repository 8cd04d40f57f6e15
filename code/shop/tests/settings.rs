//! The settings: read from a map here, because the environment belongs to the whole
//! process and tests that change it would disturb each other.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

use std::ffi::OsString;
use std::path::Path;

use secrecy::ExposeSecret;
use shop::settings::{Settings, SettingsError};

// ANCHOR: read
fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::read(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    })
}
// ANCHOR_END: read

fn error(name: &str, value: &str) -> String {
    read(&[(name, value)]).unwrap_err().to_string()
}

#[test]
fn without_variables_the_defaults_hold() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.address.to_string(), "127.0.0.1:4000");
    assert_eq!(settings.database, Path::new("shop.db"));
    assert!(settings.staff_token.is_none());
    assert!(settings.allowed_origins.is_empty());
}

#[test]
fn every_setting_can_be_set() {
    let settings = read(&[
        ("SHOP_ADDRESS", "[::1]:80"),
        ("SHOP_DATABASE", "/var/lib/shop/shop.db"),
        ("SHOP_STAFF_TOKEN", "0123456789abcdef"),
        (
            "SHOP_ALLOWED_ORIGINS",
            "https://shop.example, http://localhost:5173",
        ),
    ])
    .unwrap();
    assert_eq!(settings.address.to_string(), "[::1]:80");
    assert_eq!(settings.database, Path::new("/var/lib/shop/shop.db"));
    let token = settings.staff_token.unwrap();
    assert_eq!(token.expose_secret(), "0123456789abcdef");
    assert_eq!(
        settings.allowed_origins,
        ["https://shop.example", "http://localhost:5173"]
    );
}

// ANCHOR: every-problem
#[test]
fn every_problem_is_reported_at_once() {
    let error = read(&[
        ("SHOP_ADDRESS", "localhost"),
        ("SHOP_DATABASE", ""),
        ("SHOP_STAFF_TOKEN", "short"),
        ("SHOP_ALLOWED_ORIGINS", "shop.example"),
    ]);
    let expected = "the settings are wrong:
  SHOP_ADDRESS must be an IP address and a port, such as 127.0.0.1:4000
  SHOP_DATABASE is empty. Set it, or remove it
  SHOP_STAFF_TOKEN must be at least 16 letters, digits or -._~+/ (and perhaps = at the end)
  SHOP_ALLOWED_ORIGINS must be origins such as https://shop.example, separated by commas: in \
                    lowercase, with no path, no / at the end, and no port if it is 443 \
                    (https) or 80 (http)";
    assert_eq!(error.unwrap_err().to_string(), expected);
}
// ANCHOR_END: every-problem

/// A value may be a secret that was put into the wrong variable, and errors are logged.
#[test]
fn no_error_repeats_a_value() {
    for name in ["SHOP_ADDRESS", "SHOP_STAFF_TOKEN", "SHOP_ALLOWED_ORIGINS"] {
        let error = error(name, "hunter2 é");
        assert!(
            error.contains(name) && !error.contains("hunter2"),
            "{error}"
        );
    }
    let settings = read(&[("SHOP_STAFF_TOKEN", "correct-horse-battery")]).unwrap();
    assert!(!format!("{settings:?}").contains("horse"));
}

#[test]
fn an_empty_variable_is_an_error_and_not_a_default() {
    for name in [
        "SHOP_ADDRESS",
        "SHOP_DATABASE",
        "SHOP_STAFF_TOKEN",
        "SHOP_ALLOWED_ORIGINS",
    ] {
        let expected = format!("\n  {name} is empty. Set it, or remove it");
        assert!(error(name, "").ends_with(&expected));
    }
}

#[test]
fn an_address_is_an_ip_address_and_a_port() {
    for wrong in [
        "4000",
        ":4000",
        "127.0.0.1",
        "localhost:4000",
        "127.0.0.1:65536",
    ] {
        error("SHOP_ADDRESS", wrong);
    }
}

#[test]
fn a_staff_token_is_long_enough_and_fits_into_a_header() {
    read(&[("SHOP_STAFF_TOKEN", "0123456789aB-._~+/==")]).unwrap();
    for wrong in [
        "!234567890abcdef",
        "=123456789abcdef",
        "123456789012345",
        "éééééééé",
        "0123456789 abcdef",
        "0123456789abcdef\n",
    ] {
        error("SHOP_STAFF_TOKEN", wrong);
    }
}

#[test]
fn an_origin_has_a_scheme_a_host_and_perhaps_a_port() {
    for right in [
        "https://shop.example",
        "http://127.0.0.1:1",
        "http://[::1]:8443",
        "https://xn--caf-dma.example",
    ] {
        assert_eq!(
            read(&[("SHOP_ALLOWED_ORIGINS", right)])
                .unwrap()
                .allowed_origins,
            [right]
        );
    }
    for wrong in [
        "*",
        "null",
        "shop.example",
        "//shop.example",
        "https://",
        "https://shop.example/",
        "https://shop.example/menu",
        "https://shop.example?",
        "https://shop.example#a",
        "https://ada@shop.example",
        "ftp://shop.example",
        "https://shop .example",
        "HTTPS://shop.example",
        "https://Shop.example",
        "https://shop.example:443",
        "https://shop.example:",
        "https://shop.example:abc",
        "https://shop.example:99999",
        "https://shop.example:08443",
        "https://:8443",
        "https://shop.example,",
        ",",
        "https://shop.example https://other.example",
    ] {
        error("SHOP_ALLOWED_ORIGINS", wrong);
    }
}

#[cfg(unix)]
#[test]
fn a_path_may_be_any_text_but_other_settings_are_utf_8() {
    use std::os::unix::ffi::OsStringExt;

    let latin_1 = OsString::from_vec(b"caf\xe9.db".to_vec());
    let get = |only: &'static str| {
        let latin_1 = latin_1.clone();
        move |name: &str| (name == only).then(|| latin_1.clone())
    };
    let settings = Settings::read(get("SHOP_DATABASE")).unwrap();
    assert_eq!(settings.database, Path::new(&latin_1));
    let error = Settings::read(get("SHOP_ADDRESS")).unwrap_err();
    assert!(error.to_string().ends_with("\n  SHOP_ADDRESS is not UTF-8"));
}
