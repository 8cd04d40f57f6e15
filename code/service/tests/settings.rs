//! The settings: where they come from, and what is said about wrong ones.
#![cfg(feature = "server")]

use std::ffi::OsString;

use service::settings::Settings;

/// A webhook secret as long as those of Stripe.
const LIVE_WEBHOOK_SECRET: &str = "whsec_0123456789abcdef0123456789abcdef";

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

/// In memory, the numbers of the customers begin at 1 again at each start.
#[test]
fn without_a_database_no_secret_outlives_the_data() {
    let secret = ("JWT_SECRET", "a-secret-of-these-tests-0123456789");
    let error = read(&[secret]).unwrap_err();
    assert!(error.contains("JWT_SECRET can't be set without"), "{error}");
    let database = ("DATABASE_URL", "postgres://localhost/shop");
    assert!(read(&[secret, database]).unwrap().jwt_secrets.is_some());
    assert!(read(&[]).unwrap().jwt_secrets.is_none());
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

#[test]
fn an_account_at_stripe_needs_both_secrets() {
    let key = ("STRIPE_SECRET_KEY", "sk_test_a");
    let secret = ("STRIPE_WEBHOOK_SECRET", "whsec_a,whsec_b");
    assert!(read(&[]).unwrap().stripe.is_none());
    let stripe = read(&[key, secret]).unwrap().stripe.unwrap();
    assert_eq!(stripe.api, "https://api.stripe.com");
    for alone in [key, secret] {
        let error = read(&[alone]).unwrap_err();
        assert!(error.contains("must be set together"), "{error}");
    }
}

#[test]
fn secrets_of_stripe_are_checked_at_the_start() {
    for (name, value) in [
        ("STRIPE_SECRET_KEY", "whsec_hunter2"),
        ("STRIPE_SECRET_KEY", "sk_test_hunter2\n"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_hunter2"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_hunter2 "),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert!(error.contains(&format!("{name} must be")), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_secret_that_everybody_can_read_or_guess_is_refused() {
    let database = ("DATABASE_URL", "postgres://localhost/shop");
    let key = ("STRIPE_SECRET_KEY", "sk_test_a");
    for (name, value, expected) in [
        (
            "STRIPE_SECRET_KEY",
            "sk_test_replace-this",
            "is the example",
        ),
        (
            "STRIPE_WEBHOOK_SECRET",
            "whsec_replace-this",
            "is the example",
        ),
        (
            "STRIPE_WEBHOOK_SECRET",
            "whsec_a,whsec_replace-this",
            "is the example",
        ),
        ("JWT_SECRET", &"a".repeat(32), "must be at least 32 bytes"),
        ("JWT_SECRET", &"abcdefghi".repeat(8), "must be at least 32"),
    ] {
        let error = read(&[database, (name, value), key]).unwrap_err();
        let expected = format!("{name} {expected}");
        assert!(error.contains(&expected), "{error}");
    }
    let enough = "abcdefghij".repeat(4);
    assert!(read(&[database, ("JWT_SECRET", &enough)]).is_ok());
    // While one secret replaces another, both have to be strong.
    let two = format!("{enough}, {}", "0123456789".repeat(4));
    assert!(read(&[database, ("JWT_SECRET", &two)]).is_ok());
    for second in ["", "short"] {
        let two = format!("{enough},{second}");
        let error = read(&[database, ("JWT_SECRET", &two)]).unwrap_err();
        assert!(error.contains("JWT_SECRET must be at least 32"), "{error}");
    }
}

#[test]
fn a_database_on_another_machine_needs_a_decision_about_tls() {
    let secret = ("JWT_SECRET", "a-secret-of-these-tests-0123456789");
    let read = |url| read(&[("DATABASE_URL", url), secret]);
    for url in [
        "postgres://localhost/shop",
        "postgres://ines:horse@127.0.0.1:5432/shop",
        "postgres://[::1]/shop",
        "postgres:///shop?host=/var/run/postgresql",
        "postgres://db/shop?sslmode=disable",
        "postgres://db.example/shop?sslmode=verify-full",
        "postgresql://db.example/shop?sslmode=require",
    ] {
        assert!(read(url).is_ok(), "{url}");
    }
    for url in [
        "postgres://ines:horse@db.example/shop",
        "postgres://ines:horse@10.0.0.7:5432/shop",
        "postgres://ines:horse@localhost.example/shop",
        "postgres://ines:horse@db/shop?sslmode=prefer",
        "postgres://ines:horse@localhost/shop?host=db.example",
        "postgresql://ines:horse@db/shop?sslmode=allow",
    ] {
        let error = read(url).unwrap_err();
        assert!(error.contains("sslmode=verify-full"), "{url}: {error}");
        assert!(!error.contains("horse"), "{error}");
    }
}

#[test]
fn the_address_in_tokens_is_the_one_where_the_service_listens() {
    for (address, url) in [
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:4000", "http://127.0.0.1:4000"),
        ("[::1]:4000", "http://[::1]:4000"),
    ] {
        let settings = read(&[("SHOP_ADDRESS", address)]).unwrap();
        assert_eq!(settings.url, url);
        assert_eq!(settings.website, url);
    }
}

#[test]
fn customers_come_back_from_stripe_to_the_website() {
    let url = ("SHOP_URL", "https://api.shop.example");
    let settings = read(&[url]).unwrap();
    assert_eq!(settings.website, "https://api.shop.example");
    let website = ("SHOP_WEBSITE", "https://shop.example");
    assert_eq!(read(&[url, website]).unwrap().website, website.1);
    let error = read(&[("SHOP_WEBSITE", "shop.example")]).unwrap_err();
    assert!(error.contains("SHOP_WEBSITE must be"), "{error}");

    let key = ("STRIPE_SECRET_KEY", "sk_live_a");
    let secret = ("STRIPE_WEBHOOK_SECRET", "whsec_a");
    for website in ["http://shop.example", "HTTP://shop.example"] {
        let website = ("SHOP_WEBSITE", website);
        let error = read(&[url, website, key, secret]).unwrap_err();
        assert!(error.contains("SHOP_WEBSITE must be an address"), "{error}");
    }
}

#[test]
fn the_secret_key_is_not_sent_without_tls() {
    let read = |api| {
        let key = ("STRIPE_SECRET_KEY", "sk_test_a");
        let secret = ("STRIPE_WEBHOOK_SECRET", "whsec_a");
        read(&[key, secret, ("STRIPE_API", api)])
    };
    for api in [
        "https://stripe.example",
        "http://127.0.0.1:4242",
        "http://localhost:4242",
        "http://[::1]:4242",
    ] {
        assert_eq!(read(api).unwrap().stripe.unwrap().api, api);
    }
    for api in [
        "http://stripe.example",
        "stripe.example",
        "https://a.example/v1",
    ] {
        let error = read(api).unwrap_err();
        assert!(error.contains("STRIPE_API must be"), "{error}");
    }
}

#[test]
fn real_money_needs_tls_between_the_service_and_its_clients() {
    let secret = ("STRIPE_WEBHOOK_SECRET", LIVE_WEBHOOK_SECRET);
    for key in ["sk_live_a", "rk_live_a"] {
        let key = ("STRIPE_SECRET_KEY", key);
        let error = read(&[key, secret]).unwrap_err();
        assert!(error.contains("SHOP_URL must be"), "{error}");
        let url = ("SHOP_URL", "http://shop.example");
        let error = read(&[key, secret, url]).unwrap_err();
        assert!(error.contains("SHOP_URL must be"), "{error}");
        let url = ("SHOP_URL", "https://shop.example");
        let database = ("DATABASE_URL", "postgres://localhost/shop");
        let jwt = ("JWT_SECRET", "only-for-this-test-0123456789abcdef");
        let live = [key, secret, url, database, jwt];
        assert_eq!(read(&live).unwrap().url, url.1);
    }
}

#[test]
fn real_money_needs_a_database_and_goes_to_stripe() {
    let key = ("STRIPE_SECRET_KEY", "sk_live_a");
    let secret = ("STRIPE_WEBHOOK_SECRET", LIVE_WEBHOOK_SECRET);
    let url = ("SHOP_URL", "https://shop.example");
    let error = read(&[key, secret, url]).unwrap_err();
    assert!(error.contains("DATABASE_URL must be set"), "{error}");

    let database = ("DATABASE_URL", "postgres://localhost/shop");
    let jwt = ("JWT_SECRET", "only-for-this-test-0123456789abcdef");
    let api = ("STRIPE_API", "https://stripe.example");
    let error = read(&[key, secret, url, database, jwt, api]).unwrap_err();
    assert!(error.contains("STRIPE_API can't be set"), "{error}");
    assert!(!error.contains("DATABASE_URL must"), "{error}");
}

#[test]
fn real_money_needs_webhook_secrets_from_stripe() {
    let read = |key, secret| {
        read(&[
            ("STRIPE_SECRET_KEY", key),
            ("STRIPE_WEBHOOK_SECRET", secret),
            ("SHOP_URL", "https://shop.example"),
            ("DATABASE_URL", "postgres://localhost/shop"),
            ("JWT_SECRET", "only-for-this-test-0123456789abcdef"),
        ])
    };
    let just_long_enough = format!("whsec_{}", "a".repeat(26));
    let too_short = &just_long_enough[..31];
    let two = format!("{just_long_enough},{LIVE_WEBHOOK_SECRET}");
    for secret in [&just_long_enough, LIVE_WEBHOOK_SECRET, &two] {
        assert!(read("sk_live_a", secret).is_ok(), "{secret}");
    }
    // Everybody can read the secret of `examples/fake-stripe.rs`.
    let fake = format!("whsec_fake,{LIVE_WEBHOOK_SECRET}");
    let last = format!("{LIVE_WEBHOOK_SECRET},whsec_fake");
    for secret in ["whsec_fake", &fake, &last, too_short, "whsec_a"] {
        let error = read("rk_live_a", secret).unwrap_err();
        let expected = "STRIPE_WEBHOOK_SECRET must be";
        assert!(error.contains(expected), "{secret}: {error}");
        assert!(!error.contains("whsec_0"), "{error}");
    }
    assert!(read("sk_test_a", "whsec_fake").is_ok());
}

#[test]
fn the_address_of_the_service_has_nothing_after_its_host_and_port() {
    for url in [
        "https://shop.example/",
        "https://shop.example/a",
        "https://shop.example#a",
        "https://shop.example#",
        "https://shop.example?a=b",
        "https://shop.example?",
        "https://ada@shop.example",
    ] {
        let error = read(&[("SHOP_URL", url)]).unwrap_err();
        assert!(error.contains("SHOP_URL must be"), "{url}: {error}");
    }
    let url = "https://shop.example:8443";
    assert_eq!(read(&[("SHOP_URL", url)]).unwrap().url, url);
}

/// A value in the example that can't be read would be the first thing that a reader meets.
#[test]
fn every_line_of_the_example_can_be_read() {
    let example = include_str!("../.env.example");
    let assignments = example
        .lines()
        .filter_map(|line| line.strip_prefix("# ").unwrap_or(line).split_once('='))
        .filter(|(name, value)| {
            // Without a value, it is for the reader to find one. And an account of this
            // kind can't be set beside a database.
            name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                && !value.is_empty()
                && *name != "SHOP_BARISTA"
        });
    // The example has no secret: somebody would use it.
    let secret = ("JWT_SECRET", "a-secret-of-these-tests-0123456789");
    let variables: Vec<_> = assignments.chain([secret]).collect();
    assert!(variables.len() > 4, "{variables:?}");
    let variables: Vec<_> = variables
        .iter()
        .map(|&(name, value)| (name, value.replace("replace-this", "replaced")))
        .collect();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    read(&variables).unwrap();
}
