//! What the chapter on OpenAPI says about utoipa and about the document of the service.
#![cfg(all(feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

mod openapi {
    use std::fmt::Write;

    use axum::http::StatusCode;
    use axum::routing::get;
    use axum::{Json, Router};
    use serde::Serialize;
    use serde_json::{Value, json};
    use utoipa::{OpenApi, ToSchema};

    use crate::support::{self, recorded};

    // ANCHOR: right
    /// The opening hours of the shop.
    #[derive(Serialize, ToSchema)]
    struct Hours {
        opens: u8,
        closes: u8,
    }

    /// Show the opening hours
    #[utoipa::path(
        get,
        path = "/hours/today",
        responses((status = 200, description = "The opening hours", body = Hours)),
    )]
    async fn show_today() -> Json<Hours> {
        Json(Hours {
            opens: 7,
            closes: 18,
        })
    }
    // ANCHOR_END: right

    // ANCHOR: wrong
    #[utoipa::path(
        get,
        path = "/hours",
        responses((status = 200, description = "The opening hours", body = Hours)),
    )]
    async fn show_hours() -> (StatusCode, Json<Value>) {
        (
            StatusCode::CREATED,
            Json(json!({ "open": "7 a.m. to 6 p.m." })),
        )
    }
    // ANCHOR_END: wrong

    #[derive(OpenApi)]
    #[openapi(paths(show_hours, show_today))]
    struct Document;

    /// The names of the properties of an object, in one line.
    fn names(object: &Value) -> String {
        let names: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
        names.join(", ")
    }

    #[tokio::test]
    async fn utoipa_does_not_compare_the_description_with_the_handler() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let responses = &document["paths"]["/hours"]["get"]["responses"];
        let schema = &document["components"]["schemas"]["Hours"];
        let app = Router::new()
            .route("/hours", get(show_hours))
            .route("/hours/today", get(show_today));
        let (status, body) = support::get(&app, "/hours").await;
        let described =
            format!("{}, {}", names(responses), names(&schema["properties"]));
        let sent = format!("{}, {}", status.as_str(), names(&body));
        recorded(
            "output/openapi/wrong.txt",
            &format!("described: {described}\nsent:      {sent}\n"),
        );
        assert_ne!(described, sent);

        let (status, body) = support::get(&app, "/hours/today").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(names(&schema["properties"]), names(&body));
    }

    #[test]
    fn the_description_of_an_order() {
        let document = service::openapi::document();
        let document = serde_json::to_value(document).unwrap();
        let (method, path) = ("post", "/orders");
        let responses = &document["paths"][path][method]["responses"];
        let mut lines = format!("{} {path}\n", method.to_uppercase());
        for (status, response) in responses.as_object().unwrap() {
            let description = response["description"].as_str().unwrap();
            writeln!(lines, "  {status}  {description}").unwrap();
        }
        recorded("output/openapi/responses.txt", &lines);

        let schema = &document["components"]["schemas"]["LineRequest"];
        let schema = serde_json::to_string_pretty(schema).unwrap();
        recorded("output/openapi/line-request.json", &format!("{schema}\n"));
    }

    /// An exception for an operation that isn't there would only look as if it did something.
    #[test]
    fn the_settings_of_schemathesis_name_operations_of_the_document() {
        let settings = include_str!("../service/schemathesis.toml");
        let document = service::openapi::document();
        let document = serde_json::to_value(document).unwrap();
        let mut names = 0;
        for line in settings.lines() {
            let Some(name) = line.strip_prefix("include-name = ") else {
                continue;
            };
            let (method, path) = name.trim_matches('"').split_once(' ').unwrap();
            let operation = &document["paths"][path][method.to_lowercase()];
            assert!(operation.is_object(), "{name}");
            names += 1;
        }
        assert!(names > 0);
    }
}
