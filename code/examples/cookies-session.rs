//! Sessions in a cookie: the browser has a random token, and the server looks it up
//! for each request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{FromRef, FromRequestParts, State},
    http::{
        Method, Request, StatusCode,
        header::{CONTENT_TYPE, COOKIE, SET_COOKIE, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use jiff::{SignedDuration, Timestamp};
use service::clock::{Clock, Random, system_random};
use service::customers::error::CustomerError;
use service::customers::model::{
    RefreshToken as SessionToken, SignInRequest, TokenHash,
};
use service::customers::passwords::{Password, Passwords};
use tower::ServiceExt; // for `oneshot`
use tower_http::csrf::CsrfLayer;

/// What the handlers share.
#[derive(Clone, FromRef)]
struct AppState {
    accounts: Accounts,
    sessions: Sessions,
}

/// The names and the hashes of the passwords, by email address.
#[derive(Clone)]
struct Accounts {
    by_email: Arc<BTreeMap<String, (String, String)>>,
    passwords: Passwords,
}

impl Accounts {
    /// The name of the customer, if the password is right. The effort is always the
    /// same. (In your own program, also limit how often somebody may try.)
    async fn check(
        &self,
        request: SignInRequest,
    ) -> Result<Option<String>, CustomerError> {
        let account = self.by_email.get(&request.email.to_lowercase());
        let hash = account.map(|(_, hash)| hash.clone());
        let right = self.passwords.verify(request.password, hash).await?;
        Ok(account
            .filter(|_| right)
            .map(|(customer, _)| customer.clone()))
    }
}

// ANCHOR: sessions
/// The sessions. The key in the map is the hash of the session's token. With a
/// database, this map would be a table.
#[derive(Clone)]
struct Sessions {
    by_hash: Arc<Mutex<BTreeMap<TokenHash, Session>>>,
    clock: Clock,
    random: Random,
}

/// A session: who has signed in, and when the session ends.
#[derive(Clone)]
struct Session {
    customer: String,
    ends_at: Timestamp,
}

/// How long a session lasts: 30 days.
const LENGTH: SignedDuration = SignedDuration::from_hours(30 * 24);
// ANCHOR_END: sessions

impl Sessions {
    // ANCHOR: begin-find-end
    /// Begins a session, and returns its token.
    fn begin(&self, customer: String) -> SessionToken {
        let token = SessionToken::new(self.random.bytes());
        let ends_at = self.clock.now() + LENGTH;
        let session = Session { customer, ends_at };
        self.lock().insert(token.hash(), session);
        token
    }

    /// Returns the session with this token, unless the session has ended.
    fn find(&self, token: &str) -> Option<Session> {
        let hash = SessionToken::read(&token.into())?.hash();
        let session = self.lock().get(&hash).cloned();
        session.filter(|session| self.clock.now() < session.ends_at)
    }

    /// Ends a session at once.
    fn end(&self, token: &str) {
        if let Some(token) = SessionToken::read(&token.into()) {
            self.lock().remove(&token.hash());
        }
    }
    // ANCHOR_END: begin-find-end

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TokenHash, Session>> {
        self.by_hash.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ANCHOR: cookie
/// The name of the cookie. A browser accepts a cookie whose name begins with
/// `__Host-` only if it has `Secure` and `Path=/`, and no `Domain`.
const SESSION: &str = "__Host-session";

fn session_cookie(token: String) -> Cookie<'static> {
    Cookie::build((SESSION, token))
        .http_only(true)
        .secure(true)
        .same_site(SameSite::Lax)
        .path("/")
        .build()
}
// ANCHOR_END: cookie

// ANCHOR: extractor
/// The session of the request. Without a session, the response is a 401.
struct SignedIn(Session);

impl<S> FromRequestParts<S> for SignedIn
where
    Sessions: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Response> {
        let jar = CookieJar::from_headers(&parts.headers);
        let session = jar
            .get(SESSION)
            .and_then(|cookie| Sessions::from_ref(state).find(cookie.value()));
        session.map(Self).ok_or_else(unauthorized)
    }
}
// ANCHOR_END: extractor

/// A 401 with the header that it must have (RFC 9110, section 15.5.2). There is no
/// standard name for a scheme with cookies.
fn unauthorized() -> Response {
    let challenge = [(WWW_AUTHENTICATE, "Cookie realm=\"shop\"")];
    (StatusCode::UNAUTHORIZED, challenge).into_response()
}

// ANCHOR: sign-in
/// `POST /sessions`: signs in, and sets the cookie.
async fn sign_in(
    State(accounts): State<Accounts>,
    State(sessions): State<Sessions>,
    jar: CookieJar,
    Json(request): Json<SignInRequest>,
) -> Result<(CookieJar, StatusCode), Response> {
    let customer = accounts.check(request).await;
    let customer = customer
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())?
        .ok_or_else(unauthorized)?;
    let token = sessions.begin(customer);
    let jar = jar.add(session_cookie(token.to_text()));
    Ok((jar, StatusCode::NO_CONTENT))
}
// ANCHOR_END: sign-in

// ANCHOR: sign-out
/// `DELETE /sessions/current`: signs out, and deletes the cookie.
async fn sign_out(
    State(sessions): State<Sessions>,
    jar: CookieJar,
) -> (CookieJar, StatusCode) {
    if let Some(cookie) = jar.get(SESSION) {
        sessions.end(cookie.value());
    }
    let jar = jar.remove(session_cookie(String::new()));
    (jar, StatusCode::NO_CONTENT)
}
// ANCHOR_END: sign-out

/// `GET /me`
async fn show_me(SignedIn(session): SignedIn) -> String {
    session.customer
}

/// `POST /orders`
async fn place_order(SignedIn(session): SignedIn) -> (StatusCode, String) {
    (
        StatusCode::CREATED,
        format!("an order by {}", session.customer),
    )
}

fn app(state: AppState) -> Router {
    // ANCHOR: csrf
    Router::new()
        .route("/sessions", post(sign_in))
        .route("/sessions/current", delete(sign_out))
        .route("/me", get(show_me))
        .route("/orders", post(place_order))
        .layer(CsrfLayer::new())
        .with_state(state)
    // ANCHOR_END: csrf
}

const PASSWORD: &str = "a flat white and a croissant";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let random = Random::new(system_random);
    let passwords = Passwords::new(random.clone());
    let password = Password::new(PASSWORD.into(), None);
    let password = password.map_err(|mistake| mistake.reason)?;
    let ada = ("Ada".to_owned(), passwords.hash(password).await?);
    let by_email = BTreeMap::from([("ada@shop.example".to_owned(), ada)]);
    let app = app(AppState {
        accounts: Accounts {
            by_email: Arc::new(by_email),
            passwords,
        },
        sessions: Sessions {
            by_hash: Arc::default(),
            clock: Clock::new(Timestamp::now),
            random,
        },
    });

    let sign_in = serde_json::json!({
        "email": "ada@shop.example", "password": PASSWORD,
    });
    let request = Request::post("/sessions")
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(sign_in.to_string()))?;
    println!("POST /sessions");
    let response = app.clone().oneshot(request).await?;
    println!("  {}", response.status());
    let set_cookie = response.headers()[SET_COOKIE].to_str()?;
    let cookie = Cookie::parse(set_cookie.to_owned())?;
    println!("  set-cookie: {}", set_cookie.replace(cookie.value(), "…"));
    let ada = format!("{}={}", cookie.name(), cookie.value());

    // ANCHOR: requests
    let own_page = ("https://shop.example", "same-origin");
    let other_page = ("https://prizes.example", "cross-site");
    for (method, path, cookie, (origin, site)) in [
        (Method::GET, "/me", "", own_page),
        (Method::GET, "/me", &*ada, own_page),
        (Method::POST, "/orders", &*ada, own_page),
        (Method::POST, "/orders", &*ada, other_page),
        (Method::DELETE, "/sessions/current", &*ada, own_page),
        (Method::GET, "/me", &*ada, own_page),
    ] {
        let with = if cookie.is_empty() { "no" } else { "the" };
        println!("{method} {path} with {with} cookie, from {origin}");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(COOKIE, cookie)
            .header("origin", origin)
            .header("sec-fetch-site", site);
        let response = app.clone().oneshot(request.body(Body::empty())?).await?;
        // ANCHOR_END: requests
        let status = response.status();
        let body = to_bytes(response.into_body(), 1024).await?;
        let line = format!("{status} {}", String::from_utf8_lossy(&body));
        println!("  {}", line.trim_end());
    }
    Ok(())
}
