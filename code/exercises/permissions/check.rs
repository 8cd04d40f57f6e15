//! The requirements of the exercise of the chapter on permissions.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use code::exercise::{Answer, Check, expect, send};
use serde_json::json;

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("your own reservations: 200", |app| async move {
            let answer = get(&app, "/reservations", "ada").await?;
            answer.expect_status(200, "this one comes with the exercise")?;
            let wanted = json!([{ "id": 1, "customer": "Ada", "table": 4 }]);
            let found = answer.json()?;
            expect(found == wanted, || {
                format!("{}: found {found}, wanted {wanted}", answer.asked)
            })
        }),
        Check::new("without a token: 401", |app| async move {
            let answer = get(&app, "/reservations", "").await?;
            answer.expect_status(401, "this one comes with the exercise")
        }),
        Check::new("all reservations, for a barista: 200", |app| async move {
            let answer = get(&app, "/reservations/all", "tom").await?;
            answer.expect_status(200, "Tom's role is `Barista`")?;
            let found = answer.json()?.as_array().map_or(0, Vec::len);
            expect(found == 3, || format!("{found} reservations, wanted 3"))
        }),
        Check::new("all reservations, for a customer: 403", |app| async move {
            let answer = get(&app, "/reservations/all", "ada").await?;
            answer.expect_status(403, "Ada has signed in, and isn't a barista")
        }),
        Check::new("all reservations, without a token: 401", |app| async move {
            let answer = get(&app, "/reservations/all", "").await?;
            answer.expect_status(401, "`SignedIn` returns this error")
        }),
        Check::new(
            "a reservation, for the customer who made it and a barista: 200",
            |app| async move {
                is_there(&app, "/reservations/1", "ada").await?;
                is_there(&app, "/reservations/1", "tom").await
            },
        ),
        Check::new(
            "a reservation, for another customer: 404",
            |app| async move {
                let others = get(&app, "/reservations/2", "ada").await?;
                let none = get(&app, "/reservations/99", "ada").await?;
                are_the_same(&others, &none)
            },
        ),
        Check::new(
            "the customer who made it deletes it: 204",
            |app| async move {
                let answer = delete(&app, "/reservations/1", "ada").await?;
                answer.expect_status(204, "the reservation is Ada's")?;
                let gone = get(&app, "/reservations/1", "ada").await?;
                gone.expect_status(404, "the reservation was deleted")?;
                let answer = delete(&app, "/reservations/3", "tom").await?;
                answer.expect_status(204, "the reservation is Tom's")
            },
        ),
        Check::new("a barista deletes it: 403", |app| async move {
            let answer = delete(&app, "/reservations/1", "tom").await?;
            answer.expect_status(403, "Tom can see it, but it's Ada's")?;
            is_there(&app, "/reservations/1", "ada").await?;
            let answer = delete(&app, "/reservations/99", "tom").await?;
            answer.expect_status(404, "there is no reservation 99")
        }),
        Check::new("another customer deletes it: 404", |app| async move {
            let others = delete(&app, "/reservations/2", "ada").await?;
            let none = delete(&app, "/reservations/99", "ada").await?;
            are_the_same(&others, &none)?;
            is_there(&app, "/reservations/2", "bo").await
        }),
        Check::new("without a token, for both methods: 401", |app| async move {
            let answer = get(&app, "/reservations/1", "").await?;
            answer.expect_status(401, "add `SignedIn` to the arguments")?;
            let answer = delete(&app, "/reservations/1", "").await?;
            answer.expect_status(401, "add `SignedIn` to the arguments")
        }),
    ]
}

async fn get(app: &Router, path: &str, token: &str) -> Result<Answer, String> {
    ask(app, "GET", path, token).await
}

async fn delete(app: &Router, path: &str, token: &str) -> Result<Answer, String> {
    ask(app, "DELETE", path, token).await
}

/// An empty token stands for none.
async fn ask(
    app: &Router,
    method: &str,
    path: &str,
    token: &str,
) -> Result<Answer, String> {
    let mut head = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        head = head.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = send(app, head, Body::empty()).await?;
    if !token.is_empty() {
        answer.asked = format!("{} ({token})", answer.asked);
    }
    Ok(answer)
}

async fn is_there(app: &Router, path: &str, token: &str) -> Result<(), String> {
    let answer = get(app, path, token).await?;
    answer.expect_status(200, "this person can see it")?;
    let id: u32 = path
        .rsplit('/')
        .next()
        .map_or(0, |id| id.parse().unwrap_or(0));
    answer.expect_member("id", &json!(id))
}

/// The answer to a request for somebody else's reservation, and for one that isn't there.
fn are_the_same(others: &Answer, none: &Answer) -> Result<(), String> {
    others.expect_status(404, "the reservation is Bo's")?;
    none.expect_status(404, "there is no such reservation")?;
    expect(!none.body.is_empty(), || {
        format!(
            "{}: the 404 has no text. Say that there is no such reservation",
            none.asked
        )
    })?;
    expect(others.body == none.body, || {
        format!(
            "the bodies were `{}` and `{}`: they tell which reservations there are",
            others.body, none.body
        )
    })
}
