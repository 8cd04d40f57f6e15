//! The one place that knows what the shop takes from its environment.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What differs from one machine to the next.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen.
    pub address: SocketAddr,
    /// The file of the books.
    pub database: PathBuf,
    /// Where customers reach the shop, without a slash at the end.
    pub url: String,
    /// What the card terminal asks for.
    pub token: Secret,
}

// ANCHOR: secret
/// A text that is not printed: whoever logs the settings does not give it away.
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
// ANCHOR_END: secret

// ANCHOR: read
/// Reads the settings through `get`, for a server [`std::env::var_os`].
///
/// # Errors
///
/// Everything that is missing or wrong, at once.
pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Settings, Refused> {
    let address = one(&get, "SHOP_ADDRESS", address);
    let database = one(&get, "SHOP_DATABASE", file);
    let url = one(&get, "SHOP_URL", url);
    let token = one(&get, "SHOP_TOKEN", token);
    match (address, database, url, token) {
        (Ok(address), Ok(database), Ok(url), Ok(token)) => Ok(Settings {
            address,
            database,
            url,
            token,
        }),
        (address, database, url, token) => {
            let wrong = [address.err(), database.err(), url.err(), token.err()];
            Err(Refused(wrong.into_iter().flatten().collect()))
        }
    }
}
// ANCHOR_END: read

// ANCHOR: one
/// One setting, or its name, what is wrong and what to do. The value is not repeated: it
/// may be a password that was put into the wrong place.
fn one<T>(
    get: impl Fn(&str) -> Option<OsString>,
    name: &str,
    read: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<T, String> {
    let value = get(name).unwrap_or_default();
    let problem = if value.is_empty() { "missing" } else { "wrong" };
    // What is no UTF-8 reads as empty, which no setting may be.
    read(value.to_str().unwrap_or_default())
        .map_err(|wanted| format!("{name} is {problem}: set it to {wanted}"))
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let wanted = "an address and a port, such as 127.0.0.1:4000";
    text.parse().map_err(|_| wanted)
}
// ANCHOR_END: one

fn file(text: &str) -> Result<PathBuf, &'static str> {
    let named = !text.is_empty();
    let wanted = "the path of a file, such as shop.db";
    named.then(|| text.into()).ok_or(wanted)
}

fn url(text: &str) -> Result<String, &'static str> {
    let mut hosts = ["https://", "http://"]
        .iter()
        .filter_map(|scheme| text.strip_prefix(scheme));
    let whole = hosts.any(|host| !host.is_empty() && !host.starts_with('/'));
    let wanted = "a URL, such as https://shop.example";
    // What follows is added with a slash of its own.
    let url = || text.trim_end_matches('/').into();
    whole.then(url).ok_or(wanted)
}

fn token(text: &str) -> Result<Secret, &'static str> {
    let long_enough = text.chars().count() >= 16;
    let wanted = "at least 16 characters";
    long_enough.then(|| Secret(text.into())).ok_or(wanted)
}

/// Why the shop does not open.
#[derive(Debug)]
pub struct Refused(Vec<String>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The shop does not open:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Error for Refused {}
