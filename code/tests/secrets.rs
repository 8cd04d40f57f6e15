//! Tests what the chapter on `.env` files and secrets says.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use secrecy::ExposeSecret;
use shop::settings::Settings;
use support::recorded;

/// The names of the variables in `.env.example`, also of those that are commented out.
fn names_in_example() -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("shop/.env.example");
    let text = fs::read_to_string(file).expect("code/shop/.env.example is a file");
    let names = text.lines().filter_map(|line| {
        let (name, _) = line.trim_start_matches("# ").split_once('=')?;
        let allowed = |c: char| c.is_ascii_uppercase() || c == '_';
        name.chars().all(allowed).then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn configuration_example_has_every_variable_and_no_other() {
    let asked = Mutex::new(BTreeSet::from(["RUST_LOG".to_owned()]));
    let settings = Settings::read(|name| {
        asked.lock().expect("nothing panics").insert(name.into());
        None
    });
    assert!(settings.is_ok());
    let asked = asked.into_inner().expect("nothing panics");
    assert_eq!(names_in_example(), asked);
}

#[test]
fn configuration_hides_the_staff_token() {
    const TOKEN: &str = "twenty-five-seconds";
    let get = |name: &str| (name == "SHOP_STAFF_TOKEN").then(|| TOKEN.into());
    let settings = Settings::read(get).expect("these settings are valid");
    let token = settings.staff_token.as_ref().expect("it is set");
    assert_eq!(token.expose_secret(), TOKEN);
    recorded("output/secrets/debug.txt", &format!("{settings:#?}\n"));
}

/// Another process of the same user can read the environment of this one.
#[cfg(target_os = "linux")]
#[test]
fn configuration_in_the_environment_can_be_read_by_others() {
    use std::process::{Command, Stdio};

    let mut sleep = Command::new("sleep")
        .arg("60")
        .env("SHOP_STAFF_TOKEN", "twenty-five-seconds")
        .stdout(Stdio::null())
        .spawn()
        .expect("Linux has sleep");
    let file = format!("/proc/{}/environ", sleep.id());
    // Until the new program runs, the file has the environment of this one.
    let mut found = false;
    for _ in 0..100 {
        let environment = fs::read(&file).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        found = environment.contains("SHOP_STAFF_TOKEN=twenty-five-seconds");
        if found {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    sleep.kill().expect("it runs");
    sleep.wait().expect("it has ended");
    assert!(found, "{file} has no SHOP_STAFF_TOKEN");
}
