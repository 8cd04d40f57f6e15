//! Settings from environment variables. They are read once, at the start.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use axum::http::Uri;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::customers::model::EmailAddress;
use crate::customers::tokens::JwtSecrets;
use crate::payments::stripe;
use crate::payments::webhook::WebhookSecrets;

/// Everything that differs from one machine to the next.
#[derive(Debug)]
pub struct Settings {
    /// `SHOP_ADDRESS`: where to listen. Default: `127.0.0.1:4000`.
    pub address: SocketAddr,
    /// `SHOP_URL`: the address that clients use, without a path. Tokens are made
    /// for it and accepted only for it. Default: the address where the service
    /// listens, such as `http://127.0.0.1:4000`.
    pub url: String,
    /// `SHOP_WEBSITE`: the address of the website to which customers come back from
    /// Stripe, without a path. Default: the same as `SHOP_URL`.
    pub website: String,
    /// `DATABASE_URL`: a PostgreSQL database, as `postgres://…`. It may have a
    /// password in it. If the database is on another machine, it must say whether
    /// the connection uses TLS, with `sslmode`. Default: none, and the data is in
    /// memory.
    pub database: Option<SecretString>,
    /// `JWT_SECRET`: the secret with which access tokens are signed, at least 32
    /// bytes. While it replaces another secret, there are two, separated by a comma:
    /// tokens of both are accepted, and the first one signs new tokens. With a
    /// database, the setting is required. Without one, it can't be set, and a random
    /// secret has to be made.
    pub jwt_secrets: Option<JwtSecrets>,
    /// `SHOP_BARISTA`: the address of the account that becomes a barista when it is
    /// made. It can't be set with a database. Default: none.
    pub barista: Option<EmailAddress>,
    /// The account at Stripe. Default: none, and nobody can pay.
    pub stripe: Option<StripeSettings>,
}

/// The account at Stripe.
#[derive(Debug)]
pub struct StripeSettings {
    /// `STRIPE_SECRET_KEY`: the key for calls to Stripe, as `sk_…`, or as `rk_…`
    /// with fewer rights.
    pub secret_key: SecretString,
    /// `STRIPE_WEBHOOK_SECRET`: the secrets with which Stripe signs its events, as
    /// `whsec_…`, separated by commas.
    pub webhook_secrets: WebhookSecrets,
    /// `STRIPE_API`: the address of Stripe. Tests have one of their own. Default:
    /// `https://api.stripe.com`.
    pub api: String,
}

impl StripeSettings {
    /// Whether the key moves real money.
    pub fn is_live(&self) -> bool {
        let key = self.secret_key.expose_secret();
        key.starts_with("sk_live_") || key.starts_with("rk_live_")
    }
}

impl Settings {
    /// Reads the settings. `get` looks up a variable: in the server, it looks in
    /// the environment and in the file `.env`.
    ///
    /// # Errors
    ///
    /// Returns all wrong settings in one error.
    pub fn read(
        get: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let mut problems = Vec::new();
        let address = read_var(&get, "SHOP_ADDRESS", parse_address, &mut problems);
        let url = read_var(&get, "SHOP_URL", parse_url, &mut problems);
        let website = read_var(&get, "SHOP_WEBSITE", parse_url, &mut problems);
        let database =
            read_var(&get, "DATABASE_URL", parse_database, &mut problems);
        let jwt_secrets =
            read_var(&get, "JWT_SECRET", parse_jwt_secrets, &mut problems);
        let barista = read_var(&get, "SHOP_BARISTA", parse_barista, &mut problems);
        if get("DATABASE_URL").is_some() {
            // With a random secret, a restart would end the access tokens that are
            // in use, and several processes would not accept each other's.
            if get("JWT_SECRET").is_none() {
                let problem =
                    "JWT_SECRET is missing. With DATABASE_URL, it must be";
                problems.push(format!("{problem} {JWT_SECRET}"));
            }
            if get("SHOP_BARISTA").is_some() {
                problems.push(BARISTA.into());
            }
        } else if get("JWT_SECRET").is_some() {
            problems.push(SECRET_IN_MEMORY.into());
        }
        let stripe = read_stripe(&get, &mut problems);
        if let Some(live) = stripe.as_ref().filter(|stripe| stripe.is_live()) {
            let is_https = |url: &String| url.starts_with("https:");
            // Customers send their passwords and tokens to this address.
            if !url.as_ref().is_some_and(is_https) {
                problems.push(HTTPS.into());
            }
            // Stripe sends customers to this one.
            if !website.as_ref().is_none_or(is_https) {
                problems.push(WEBSITE_HTTPS.into());
            }
            if get("DATABASE_URL").is_none() {
                problems.push(LIVE_IN_MEMORY.into());
            }
            if live.api != stripe::API {
                problems.push(LIVE_API.into());
            }
            if !live.webhook_secrets.are_long() {
                problems.push(LIVE_WEBHOOK_SECRET.into());
            }
        }
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        let address =
            address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)));
        let url = url.unwrap_or_else(|| url_of(address));
        Ok(Self {
            address,
            website: website.unwrap_or_else(|| url.clone()),
            url,
            database,
            jwt_secrets,
            barista,
            stripe,
        })
    }

    /// Reads `DATABASE_URL` alone, for a command that needs no other setting.
    ///
    /// # Errors
    ///
    /// If it isn't the address of a PostgreSQL database.
    pub fn read_database(
        get: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<SecretString>, SettingsError> {
        let mut problems = Vec::new();
        let database = read_var(get, "DATABASE_URL", parse_database, &mut problems);
        if problems.is_empty() {
            Ok(database)
        } else {
            Err(SettingsError(problems))
        }
    }
}

fn read_stripe(
    get: impl Fn(&str) -> Option<OsString>,
    problems: &mut Vec<String>,
) -> Option<StripeSettings> {
    let secret_key =
        read_var(&get, "STRIPE_SECRET_KEY", parse_stripe_key, problems);
    let webhook_secrets = read_var(
        &get,
        "STRIPE_WEBHOOK_SECRET",
        WebhookSecrets::parse,
        problems,
    );
    let api = read_var(&get, "STRIPE_API", parse_stripe_api, problems);
    // With the key alone, customers would pay, and their orders would stay as they
    // are.
    let is_set = |name: &str| get(name).is_some();
    if is_set("STRIPE_SECRET_KEY") != is_set("STRIPE_WEBHOOK_SECRET") {
        problems.push(
            "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET must be set together"
                .into(),
        );
    }
    Some(StripeSettings {
        secret_key: secret_key?,
        webhook_secrets: webhook_secrets?,
        api: api.unwrap_or_else(|| stripe::API.into()),
    })
}

/// Reads one setting, and adds to the problems if it is wrong. A problem names the
/// variable and says what to write, but does not repeat the value: it may be a
/// secret that was put into the wrong variable.
fn read_var<T>(
    get: impl Fn(&str) -> Option<OsString>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
    problems: &mut Vec<String>,
) -> Option<T> {
    let value = get(name)?;
    let problem = match value.to_str() {
        None => format!("{name} is not UTF-8"),
        Some("") => format!("{name} is empty. Set it, or remove it"),
        Some(value) if value.contains(PLACEHOLDER) => {
            format!("{name} is the example from .env.example. Set your own value")
        }
        Some(value) => match parse(value) {
            Ok(value) => return Some(value),
            Err(expected) => format!("{name} must be {expected}"),
        },
    };
    problems.push(problem);
    None
}

/// What the values in `.env.example` contain that everybody can read there.
const PLACEHOLDER: &str = "replace-this";

fn parse_address(value: &str) -> Result<SocketAddr, &'static str> {
    value
        .parse()
        .map_err(|_| "an IP address and a port, such as 127.0.0.1:4000")
}

fn parse_url(value: &str) -> Result<String, &'static str> {
    let expected =
        "an address such as https://shop.example, without a path or a / at the end";
    let uri: Uri = value.parse().map_err(|_| expected)?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().is_some_and(|host| !host.is_empty());
    // `Uri` reads `https://shop.example` as one with the path `/`, and leaves out what
    // comes after a `#`.
    if scheme
        && host
        && uri.path() == "/"
        && !value.ends_with('/')
        && !value.contains(['#', '?', '@'])
    {
        return Ok(value.to_owned());
    }
    Err(expected)
}

/// The URL of a service that listens on this address, for clients on the same machine.
fn url_of(mut address: SocketAddr) -> String {
    // 0.0.0.0 and [::] stand for all addresses of this machine. No client can use them.
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}")
}

const HTTPS: &str =
    "SHOP_URL must be an address with https if the key of Stripe is a live one";

const WEBSITE_HTTPS: &str =
    "SHOP_WEBSITE must be an address with https if the key of Stripe is a live one";

/// Customers would have paid with real money for orders that nobody knows any more.
const LIVE_IN_MEMORY: &str = "DATABASE_URL must be set if the key of Stripe is a live one. \
                              Without a database, all orders are lost when the service stops";

/// The key is sent with each call, and a server that receives it can move money with it.
const LIVE_API: &str = "STRIPE_API can't be set if the key of Stripe is a live one: the key \
                        would be sent to that address";

/// Somebody who knows or guesses a secret can send an event that says that an order is paid.
const LIVE_WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET must be from Stripe if the key of \
                                   Stripe is a live one: each secret in it must have at \
                                   least 32 characters";

fn parse_database(value: &str) -> Result<SecretString, &'static str> {
    if !value.starts_with("postgres://") && !value.starts_with("postgresql://") {
        return Err(DATABASE);
    }
    match value.parse() {
        Ok(options) if may_leave_tls_out(&options) => Err(DATABASE_TLS),
        // If it can't be read, the error of the connection says why.
        _ => Ok(value.into()),
    }
}

/// Whether somebody between this machine and the database could read what is sent, although
/// nobody has decided that they may. By default, PostgreSQL's clients use TLS only if the server
/// offers it, and a server in between wouldn't.
fn may_leave_tls_out(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let is_socket = options.get_socket().is_some() || host.starts_with('/');
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]");
    let tls = options.get_ssl_mode();
    !is_socket && !is_here && matches!(tls, PgSslMode::Allow | PgSslMode::Prefer)
}

const DATABASE: &str = "the address of a PostgreSQL database, such as \
                        postgres://user:password@localhost/shop";

const DATABASE_TLS: &str = "an address with ?sslmode=verify-full at the end if the database is \
                            on another machine, or with ?sslmode=disable if nobody else can \
                            read what is sent on the network in between";

const JWT_SECRET: &str = "at least 32 bytes long and random, or two such secrets, separated by \
                          a comma. `openssl rand -base64 32` makes a secret";

fn parse_jwt_secrets(value: &str) -> Result<JwtSecrets, &'static str> {
    JwtSecrets::parse(value).ok_or(JWT_SECRET)
}

/// After a restart, the numbers of the customers begin at 1 again. A token from before
/// would be valid, and would name somebody else.
const SECRET_IN_MEMORY: &str = "JWT_SECRET can't be set without DATABASE_URL. With its data \
                                in memory, the service makes a new secret at each start";

/// Nobody checks who owns an address, so the first person who signs up with this one
/// would be a barista.
const BARISTA: &str = "SHOP_BARISTA can't be set with DATABASE_URL. Sign up, and then \
                       run `service make-barista` with the address of the account";

fn parse_barista(value: &str) -> Result<EmailAddress, &'static str> {
    EmailAddress::try_from(value)
        .map_err(|_| "an email address, such as ada@shop.example")
}

fn parse_stripe_key(value: &str) -> Result<SecretString, &'static str> {
    let prefix = value.starts_with("sk_") || value.starts_with("rk_");
    if prefix && value.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(value.into());
    }
    Err("a secret key of Stripe, such as sk_test_…, without whitespace")
}

fn parse_stripe_api(value: &str) -> Result<String, &'static str> {
    let url = parse_url(value)?;
    let uri: Uri = value.parse().map_err(|_| STRIPE_API)?;
    // Without TLS, everybody in between could read the secret key.
    let here = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if uri.scheme_str() == Some("https") || here {
        return Ok(url);
    }
    Err(STRIPE_API)
}

const STRIPE_API: &str =
    "an address such as https://api.stripe.com, or one on this machine with http";

/// What is wrong with the settings: a line for each problem.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError(Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are wrong:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Error for SettingsError {}
