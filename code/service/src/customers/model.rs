//! Customers and their sessions, and the rules that hold for them. Nothing here
//! knows of HTTP or SQL.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::passwords::Password;
use crate::fields::FieldError;

/// The number of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CustomerId(u64);

impl CustomerId {
    /// The customer with this number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a session. A session begins when a customer signs in. It ends when
/// they sign out, or when nobody has used it for a long time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// The session with this number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Role {
    /// Orders, and sees their own orders.
    Customer,
    /// Works in the shop: sees all orders, makes them, and changes the menu.
    Barista,
}

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The customer.
    pub customer: CustomerId,
    /// What they may do.
    pub role: Role,
    /// The session that they are signed in with.
    pub session: SessionId,
}

/// An email address that looks like one. Whether it exists, and whose it is, only
/// a message with a link can tell, and this service sends none.
#[derive(Debug, Clone)]
pub struct EmailAddress {
    address: String,
    key: String,
}

impl EmailAddress {
    /// The address as somebody wrote it, without whitespace around it.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The address in lower case. Two addresses with the same key are the same:
    /// hardly any provider tells them apart, and people write their address in
    /// different ways.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The SHA-256 of [`key`](Self::key).
    pub fn hash(&self) -> EmailHash {
        EmailHash(Sha256::digest(&self.key).into())
    }
}

impl TryFrom<&str> for EmailAddress {
    type Error = FieldError;

    fn try_from(given: &str) -> Result<Self, FieldError> {
        let address = given.trim();
        let plausible = address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        });
        // Two addresses may look the same if they have other characters than ASCII. And a
        // program that sends mail takes some characters as the end of an address.
        let usual = |b: u8| b.is_ascii_graphic() && !b",;<>()\"\\".contains(&b);
        // A longer address can't be in the envelope of a message (RFC 5321, section
        // 4.5.3.1.3). White space around it counts, because the OpenAPI document can't
        // leave it out.
        if !plausible || given.len() > 254 || !address.bytes().all(usual) {
            let reason = "must be an email address, such as ada@shop.example";
            return Err(FieldError::new("email", reason));
        }
        Ok(Self {
            address: address.to_owned(),
            key: address.to_ascii_lowercase(),
        })
    }
}

/// The SHA-256 of an address in lower case. It stands for an address that may not
/// have an account, so that the storage doesn't collect the addresses of strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EmailHash(pub [u8; 32]);

/// The body of `POST /customers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SignUpRequest {
    /// The address to sign in with.
    #[cfg_attr(
        feature = "server",
        schema(
            max_length = 254,
            pattern = r"^\s*[!#-'*+\--:=?A-\[\]-~]+@[!#-'*+\-/-:=?A-\[\]-~][!#-'*+\--:=?A-\[\]-~]*\.[!#-'*+\--:=?A-\[\]-~]*[!#-'*+\-/-:=?A-\[\]-~]\s*$"
        )
    )]
    pub email: String,
    // ANCHOR: sign-up-password
    /// The password.
    #[cfg_attr(
        feature = "server",
        schema(value_type = String, min_length = 15, max_length = 128)
    )]
    pub password: SecretString,
    // ANCHOR_END: sign-up-password
    /// The name that the barista calls.
    #[cfg_attr(
        feature = "server",
        schema(
            min_length = 1,
            max_length = 100,
            pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
        )
    )]
    pub name: String,
}

/// Somebody who may get an account.
#[derive(Debug)]
pub struct NewCustomer {
    /// The address to sign in with.
    pub email: EmailAddress,
    /// The password.
    pub password: Password,
    /// The name: 1 to 100 characters.
    pub name: String,
}

// ANCHOR: new-customer
impl TryFrom<SignUpRequest> for NewCustomer {
    type Error = Vec<FieldError>;

    fn try_from(request: SignUpRequest) -> Result<Self, Vec<FieldError>> {
        let email = EmailAddress::try_from(request.email.as_str());
        let password = Password::new(request.password, email.as_ref().ok());
        let name = parse_name(&request.name);
        match (email, password, name) {
            (Ok(email), Ok(password), Ok(name)) => Ok(Self {
                email,
                password,
                name,
            }),
            (email, password, name) => {
                let mistakes = [email.err(), password.err(), name.err()];
                Err(mistakes.into_iter().flatten().collect())
            }
        }
    }
}
// ANCHOR_END: new-customer

fn parse_name(given: &str) -> Result<String, FieldError> {
    let name = given.trim();
    // White space around the name counts here, as it does for the OpenAPI document.
    if !name.is_empty()
        && given.chars().count() <= 100
        && !given.contains(char::is_control)
    {
        return Ok(name.to_owned());
    }
    let reason = "must have 1 to 100 characters, none of them a control character";
    Err(FieldError::new("name", reason))
}

/// Somebody who has an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Customer {
    /// The number of the customer.
    pub id: CustomerId,
    /// The address that they sign in with, as they wrote it.
    pub email: String,
    /// The name that the barista calls.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// The body of `POST /sessions`. The rules for a new password aren't applied here:
/// they may have been different when the account was made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SignInRequest {
    /// The address of the account.
    pub email: String,
    /// The password.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub password: SecretString,
}

/// The body of `POST /sessions/refresh`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RefreshRequest {
    /// The refresh token of the last response.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub refresh_token: SecretString,
}

/// The response to a sign-in, and to a refresh.
#[derive(Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct TokenPair {
    /// Sent with each request, as `Authorization: Bearer …`.
    pub access_token: String,
    /// Exchanged for another pair when the access token has expired.
    pub refresh_token: String,
    /// How long the access token is valid, in seconds.
    pub expires_in: u32,
}

/// How long a refresh token can be exchanged, in milliseconds: 30 days. A session
/// ends when nobody has used it for this time.
pub const REFRESH_TOKEN_MILLISECONDS: i64 = 30 * 24 * 60 * 60 * 1000;

/// How long after its first exchange a refresh token can be exchanged again, in
/// milliseconds. Two tabs of a browser may exchange the same token at the same
/// time, and a response may be lost on its way. Without this time, both would look
/// like a theft and sign the customer out.
pub const GRACE_MILLISECONDS: i64 = 30 * 1000;

/// A secret that can be exchanged once for a pair of tokens: 32 random bytes.
pub struct RefreshToken([u8; 32]);

impl RefreshToken {
    /// A new token of these random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The token that a client sent, if it has the form of one.
    pub fn read(text: &SecretString) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.expose_secret()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The token as text, for the client.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    // ANCHOR: refresh-token-hash
    /// Returns the hash of the token, which is what the database stores. Unlike a
    /// password, the token needs neither a salt nor a slow hash function, because
    /// 32 random bytes can't be guessed.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }
    // ANCHOR_END: refresh-token-hash
}

/// The SHA-256 of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

/// How often somebody may try to sign in with one address within
/// [`ATTEMPTS_MILLISECONDS`].
pub const MAX_ATTEMPTS: u64 = 10;

/// How long attempts to sign in are counted, in milliseconds: 15 minutes from the
/// first one.
pub const ATTEMPTS_MILLISECONDS: i64 = 15 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_address_in_plain_letters() {
        for address in [
            "ada@shop.example",
            " Ada.L+1@Shop.example ",
            "o'neil_%{x}@a-b.c",
        ] {
            let address = EmailAddress::try_from(address).unwrap();
            assert_eq!(address.key(), address.as_str().to_ascii_lowercase());
        }
        for address in [
            "ada",
            "@shop.example",
            "ada@shop",
            "ada@.example",
            "ada@shop.",
            "ada@shop.example,bo@evil.example",
            "ada@bo@shop.example",
            "ada@shop.example;-@evil.example",
            "\"ada\"@shop.example",
            "<ada>@shop.example",
            "(ada)bo@shop.example",
            "ada\\@shop.example",
            "ada @shop.example",
            "ada\u{200b}@shop.example",
            "jos\u{e9}@shop.example",
            // The sign for kelvin, which has the lowercase letter k.
            "\u{212a}im@shop.example",
        ] {
            assert!(EmailAddress::try_from(address).is_err(), "{address}");
        }
    }
}
