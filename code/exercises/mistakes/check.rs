//! What the exercise of the chapter on common mistakes asks for.

use axum::Router;
use code::exercise::{Answer, Check, get, post};
use serde_json::json;

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("GET /cards/Ada shows twelve stamps", |app| async move {
            has(&app, "Ada", 12).await
        }),
        Check::new("GET /cards/Cleo answers 404", |app| async move {
            let answer = get(&app, "/cards/Cleo").await?;
            answer.expect_status(404, "this one comes with the exercise")?;
            has(&app, "Bo", 9).await
        }),
        Check::new("two stamps for Bo make eleven", |app| async move {
            let answer = stamp(&app, "Bo", 2).await?;
            answer.expect_status(200, "add the count in `Cards::add`")?;
            answer.expect_member("stamps", &11.into())?;
            has(&app, "Bo", 11).await
        }),
        Check::new("counts of 0 and 11 are rejected: 422", |app| async move {
            for count in [0, 11] {
                let answer = stamp(&app, "Bo", count).await?;
                let hint = "check the count in `Cards::add`, before it is added, and let \
                                CardError say what that is in HTTP";
                answer.expect_status(422, hint)?;
            }
            has(&app, "Bo", 9).await
        }),
        Check::new("a coffee costs Ada ten stamps", |app| async move {
            // The start does this one as well; the solution must not lose it.
            let answer = coffee(&app, "Ada").await?;
            answer.expect_status(200, "Ada has twelve, and a coffee costs ten")?;
            has(&app, "Ada", 2).await
        }),
        Check::new("nine stamps are too few: 409", |app| async move {
            let answer = coffee(&app, "Bo").await?;
            let hint = "subtract with `checked_sub`: it returns `None` if there are \
                        too few";
            answer.expect_status(409, hint)?;
            has(&app, "Bo", 9).await
        }),
        Check::new("there is no coffee without a card: 404", |app| async move {
            let answer = coffee(&app, "Cleo").await?;
            let hint =
                "`entry` makes a card where there is none; `get_mut` does not";
            answer.expect_status(404, hint)?;
            has(&app, "Bo", 9).await
        }),
        Check::new("a tablet gives Ada a coffee too", |app| async move {
            let answer = coffee_at_table(&app, "Ada").await?;
            let hint = "add the route, and a handler that takes `Path` and `Json`";
            answer.expect_status(200, hint)?;
            has(&app, "Ada", 2).await
        }),
        Check::new("there is no table 13: 404", |app| async move {
            let body = json!({ "name": "Ada" });
            let answer = post(&app, "/tables/13/coffee", &body).await?;
            answer.expect_status(404, "the shop has the tables 1 to 12")?;
            has(&app, "Ada", 12).await
        }),
        Check::new("both endpoints have one rule", |app| async move {
            coffee(&app, "Ada").await?;
            let answer = coffee_at_table(&app, "Ada").await?;
            let hint = "let both handlers call one method of `Cards`: Ada has only two stamps left";
            answer.expect_status(409, hint)?;
            has(&app, "Ada", 2).await
        }),
    ]
}

async fn has(app: &Router, name: &str, stamps: u32) -> Result<(), String> {
    let answer = get(app, &format!("/cards/{name}")).await?;
    answer.expect_member("stamps", &stamps.into())
}

async fn stamp(app: &Router, name: &str, count: u32) -> Result<Answer, String> {
    let path = format!("/cards/{name}/stamps");
    post(app, &path, &json!({ "count": count })).await
}

async fn coffee(app: &Router, name: &str) -> Result<Answer, String> {
    post(app, &format!("/cards/{name}/coffee"), &json!({})).await
}

async fn coffee_at_table(app: &Router, name: &str) -> Result<Answer, String> {
    post(app, "/tables/4/coffee", &json!({ "name": name })).await
}
