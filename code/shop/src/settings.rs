//! Settings from environment variables. They are read once, at the start.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use axum::http::{HeaderValue, Uri};
use secrecy::SecretString;

// ANCHOR: settings
/// Everything that differs from one machine to the next.
#[derive(Debug)]
pub struct Settings {
    /// `SHOP_ADDRESS`: where to listen. Default: `127.0.0.1:4000`.
    pub address: SocketAddr,
    /// `SHOP_DATABASE`: the file of the SQLite database. Default: `shop.db`.
    pub database: PathBuf,
    /// `SHOP_STAFF_TOKEN`: a secret of at least 16 characters that staff
    /// members send. Without it, nobody can send requests as staff.
    pub staff_token: Option<SecretString>,
    /// `SHOP_ALLOWED_ORIGINS`: the origins of the web pages that may call the API from
    /// a browser, separated by commas. Default: none.
    pub allowed_origins: Vec<HeaderValue>,
}
// ANCHOR_END: settings

impl Settings {
    // ANCHOR: read
    /// Reads the settings. `get` looks up a variable: in the server, it looks in the
    /// environment and in the file `.env`.
    ///
    /// # Errors
    ///
    /// Returns all wrong settings in one error.
    pub fn read(
        get: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let default_address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
        let address = read_var(&get, "SHOP_ADDRESS", parse_address);
        let database = match get("SHOP_DATABASE") {
            Some(path) if path.is_empty() => Err(empty("SHOP_DATABASE")),
            path => Ok(path.map_or("shop.db".into(), PathBuf::from)),
        };
        let staff_token = read_var(&get, "SHOP_STAFF_TOKEN", parse_staff_token);
        let allowed_origins = read_var(&get, "SHOP_ALLOWED_ORIGINS", parse_origins);
        // ANCHOR_END: read
        // ANCHOR: problems
        match (address, database, staff_token, allowed_origins) {
            (Ok(address), Ok(database), Ok(staff_token), Ok(allowed_origins)) => {
                Ok(Self {
                    address: address.unwrap_or(default_address),
                    database,
                    staff_token,
                    allowed_origins: allowed_origins.unwrap_or_default(),
                })
            }
            (address, database, staff_token, allowed_origins) => {
                let problems = [
                    address.err(),
                    database.err(),
                    staff_token.err(),
                    allowed_origins.err(),
                ];
                Err(SettingsError(problems.into_iter().flatten().collect()))
            }
        }
    }
    // ANCHOR_END: problems
}

// ANCHOR: read-var
/// Reads one setting. An error names the variable and says what to write, but does not
/// repeat the value: it may be a secret that was put into the wrong variable.
fn read_var<T>(
    get: impl Fn(&str) -> Option<OsString>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, String> {
    let Some(value) = get(name) else {
        return Ok(None);
    };
    let value = value
        .to_str()
        .ok_or_else(|| format!("{name} is not UTF-8"))?;
    if value.is_empty() {
        return Err(empty(name));
    }
    match parse(value) {
        Ok(value) => Ok(Some(value)),
        Err(expected) => Err(format!("{name} must be {expected}")),
    }
}
// ANCHOR_END: read-var

fn empty(name: &str) -> String {
    format!("{name} is empty. Set it, or remove it")
}

// ANCHOR: parse
fn parse_address(value: &str) -> Result<SocketAddr, &'static str> {
    value
        .parse()
        .map_err(|_| "an IP address and a port, such as 127.0.0.1:4000")
}

fn parse_staff_token(value: &str) -> Result<SecretString, &'static str> {
    // A bearer token consists of these characters, and perhaps `=` at the end (RFC 6750,
    // section 2.1).
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let token = value.trim_end_matches('=');
    if token.len() >= 16 && token.bytes().all(allowed) {
        return Ok(value.into());
    }
    Err("at least 16 letters, digits or -._~+/ (and perhaps = at the end)")
}
// ANCHOR_END: parse

fn parse_origins(value: &str) -> Result<Vec<HeaderValue>, &'static str> {
    let origins = value.split(',').map(|origin| parse_origin(origin.trim()));
    let expected = "origins such as https://shop.example, separated by commas: in \
                    lowercase, with no path, no / at the end, and no port if it is 443 \
                    (https) or 80 (http)";
    origins.collect::<Option<_>>().ok_or(expected)
}

/// An origin is a scheme, a host and perhaps a port (RFC 6454, section 6.2).
fn parse_origin(origin: &str) -> Option<HeaderValue> {
    let uri: Uri = origin.parse().ok()?;
    let scheme = uri.scheme_str()?;
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let host = uri.host().filter(|host| !host.is_empty())?.to_lowercase();
    let as_sent = match uri.port_u16() {
        None => format!("{scheme}://{host}"),
        Some(port) if port == default_port => return None,
        Some(port) => format!("{scheme}://{host}:{port}"),
    };
    (origin == as_sent).then(|| origin.parse().ok())?
}

// ANCHOR: settings-error
/// What is wrong with the settings: a line for each problem.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError(Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are wrong:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
// ANCHOR_END: settings-error

impl Error for SettingsError {}
