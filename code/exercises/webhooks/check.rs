//! The requirements of the exercise of the chapter on webhooks.

use axum::Router;
use axum::http::Request;
use code::exercise::{Answer, Check, expect, get, send};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("a delivery signed 301 seconds ago: 400", |app| async move {
            let answer = Sent::at(NOW - 301).to(&app).await?;
            answer.expect_status(400, "this one comes with the exercise")?;
            has_stock(&app, 1, 0).await
        }),
        Check::new("a delivery without a signature: 400", |app| async move {
            let head = Request::post(PATH).header("bakery-time", NOW);
            let answer = send(&app, head, BODY.into()).await?;
            answer.expect_status(400, "this one comes with the exercise")?;
            has_stock(&app, 1, 0).await
        }),
        Check::new(
            "a signature made with another secret: 400",
            |app| async move {
                let mut sent = Sent::at(NOW);
                sent.signature = sign("guessed", NOW, BODY);
                let answer = sent.to(&app).await?;
                answer.expect_status(400, "the secret is another one")?;
                has_stock(&app, 1, 0).await
            },
        ),
        Check::new("a changed body: 400", |app| async move {
            let mut sent = Sent::at(NOW);
            sent.body = BODY.replace("12", "13");
            let answer = sent.to(&app).await?;
            answer.expect_status(400, "the signature is that of other bytes")?;
            has_stock(&app, 1, 0).await
        }),
        Check::new("a changed time: 400", |app| async move {
            let mut sent = Sent::at(NOW - 301);
            sent.time = NOW;
            let answer = sent.to(&app).await?;
            answer.expect_status(400, "the signature is that of another time")?;
            has_stock(&app, 1, 0).await
        }),
        Check::new("the first 8 bytes of a signature: 400", |app| async move {
            let mut sent = Sent::at(NOW);
            sent.signature.truncate(16);
            let answer = sent.to(&app).await?;
            answer.expect_status(400, "compare the whole signature")?;
            has_stock(&app, 1, 0).await
        }),
        Check::new("a signed delivery: 204", |app| async move {
            let answer = Sent::at(NOW).to(&app).await?;
            answer.expect_status(204, "the bakery has signed it")?;
            has_stock(&app, 13, 6).await
        }),
        Check::new("a signed delivery with spaces: 204", |app| async move {
            let body = BODY.replace(':', " : ");
            let answer = Sent::with(NOW, &body).to(&app).await?;
            answer.expect_status(204, "sign the bytes that have arrived")?;
            has_stock(&app, 13, 6).await
        }),
        Check::new("the same delivery again: 204", |app| async move {
            let first = Sent::at(NOW - 60).to(&app).await?;
            let again = Sent::at(NOW).to(&app).await?;
            first.expect_status(204, "the bakery has signed it")?;
            again.expect_status(204, "otherwise the bakery sends it again")?;
            has_stock(&app, 13, 6).await
        }),
        Check::new("twice at the same time: 204", |app| async move {
            let sent = Sent::at(NOW);
            let (first, again) = tokio::join!(sent.to(&app), sent.to(&app));
            first?.expect_status(204, "the bakery has signed it")?;
            again?.expect_status(204, "the id is there already")?;
            has_stock(&app, 13, 6).await
        }),
        Check::new(
            "an item that the shop doesn't sell: 422",
            |app| async move {
                let answer = Sent::with(NOW, UNKNOWN).to(&app).await?;
                answer.expect_status(422, "the shop sells no eclairs")?;
                has_stock(&app, 1, 0).await
            },
        ),
        Check::new(
            "the corrected delivery, with the same id: 204",
            |app| async move {
                let wrong = Sent::with(NOW, UNKNOWN).to(&app).await?;
                wrong.expect_status(422, "the shop sells no eclairs")?;
                let answer = Sent::at(NOW).to(&app).await?;
                answer.expect_status(204, "the bakery has corrected it")?;
                has_stock(&app, 13, 6).await
            },
        ),
    ]
}

const PATH: &str = "/webhooks/bakery";
const SECRET: &str = "published_in_the_guide";
const NOW: u64 = 1_772_439_300;
const BODY: &str = r#"{"id":"dlv_1","items":{"croissant":12,"scone":6}}"#;
const UNKNOWN: &str = r#"{"id":"dlv_1","items":{"croissant":12,"eclair":6}}"#;

/// A delivery, as the bakery sends it.
struct Sent {
    time: u64,
    signature: String,
    body: String,
}

impl Sent {
    fn at(time: u64) -> Self {
        Self::with(time, BODY)
    }

    fn with(time: u64, body: &str) -> Self {
        let signature = sign(SECRET, time, body);
        let body = body.to_owned();
        Self {
            time,
            signature,
            body,
        }
    }

    async fn to(&self, app: &Router) -> Result<Answer, String> {
        let head = Request::post(PATH)
            .header("bakery-time", self.time)
            .header("bakery-signature", &self.signature);
        send(app, head, self.body.clone().into()).await
    }
}

fn sign(secret: &str, time: u64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("a key may have any length")
        .chain_update(format!("{time}.{body}"))
        .finalize();
    let digits = mac.into_bytes();
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn has_stock(
    app: &Router,
    croissants: u32,
    scones: u32,
) -> Result<(), String> {
    let found = get(app, "/stock").await?.json()?;
    let wanted = json!({ "croissant": croissants, "scone": scones });
    expect(found == wanted, || {
        format!("the stock was {found}, wanted {wanted}")
    })
}
