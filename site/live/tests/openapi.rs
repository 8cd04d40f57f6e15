//! The OpenAPI document of the service allows every response of it that a page shows.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

use std::fs;
use std::path::Path;

use axum::body::Bytes;
use axum::http::{Request, Response, StatusCode};
use live::{Player, exchange};
use serde_json::{Value, json};

/// A response that a page shows, and the request before it.
struct Recorded {
    title: String,
    method: String,
    path: String,
    response: Response<Bytes>,
}

fn document() -> Value {
    serde_json::to_value(service::openapi::document()).unwrap()
}

/// All exchanges of the chapters that the service answers.
fn recorded() -> Vec<Recorded> {
    let code = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../code");
    let table = fs::read_to_string(code.join("src/lib.rs")).unwrap();
    let chapters = table.lines().filter_map(|line| {
        let names = line.trim().strip_prefix("Chapter::of(\"")?;
        names.strip_suffix("\", \"service\"),")
    });
    let mut recorded = Vec::new();
    for chapter in chapters {
        let file = code.join(format!("exchanges/{chapter}.http"));
        let text = fs::read_to_string(&file).unwrap();
        let mut player = Player::default();
        for exchange in exchange::read(&text).unwrap() {
            let prepared = player.prepare(&exchange.request).unwrap();
            let (request, _) = Request::into_parts(prepared.request);
            let response = read_response(&exchange.answer.unwrap());
            player.take(&prepared.captures, &response).1.unwrap();
            recorded.push(Recorded {
                title: format!("{chapter}: {}", exchange.title),
                method: request.method.as_str().to_lowercase(),
                path: request.uri.path().to_owned(),
                response,
            });
        }
    }
    recorded
}

fn read_response(text: &str) -> Response<Bytes> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut response = Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    response.body(body.to_owned().into()).unwrap()
}

/// Every response that the document doesn't allow, and why.
fn differences(document: &Value) -> Vec<String> {
    let schemas = closed(&document["components"]);
    let mut differences = Vec::new();
    for recorded in recorded() {
        if let Err(reason) = check(document, &schemas, &recorded) {
            differences.push(format!("{}: {reason}", recorded.title));
        }
    }
    differences
}

/// The schemas, but without room for properties that they don't have. A client must ignore
/// those, but here they would be missing in the document.
fn closed(schemas: &Value) -> Value {
    let mut schemas = schemas.clone();
    for schema in schemas["schemas"].as_object_mut().unwrap().values_mut() {
        if schema.get("properties").is_some() {
            schema["additionalProperties"] = json!(false);
        }
    }
    schemas
}

fn check(document: &Value, schemas: &Value, recorded: &Recorded) -> Result<(), String> {
    let Some(operation) = operation(document, recorded) else {
        // The document has neither the paths nor the methods that aren't there.
        return match recorded.response.status() {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(()),
            status => Err(format!("it has no such operation, but the status {status}")),
        };
    };
    let status = recorded.response.status();
    let described = &operation["responses"][status.as_str()];
    if described.is_null() {
        return Err(format!("it doesn't have the status {status}"));
    }
    check_headers(described, schemas, &recorded.response)?;
    check_body(described, schemas, &recorded.response)
}

fn operation<'a>(document: &'a Value, recorded: &Recorded) -> Option<&'a Value> {
    let segments: Vec<_> = recorded.path.split('/').collect();
    let paths = document["paths"].as_object().unwrap();
    let fits = |path: &str| {
        let described: Vec<_> = path.split('/').collect();
        described.len() == segments.len()
            && described
                .iter()
                .zip(&segments)
                .all(|(one, other)| one == other || one.starts_with('{'))
    };
    let (_, item) = paths.iter().find(|(path, _)| fits(path))?;
    item.get(&recorded.method)
}

fn check_headers(
    described: &Value,
    schemas: &Value,
    response: &Response<Bytes>,
) -> Result<(), String> {
    let none = serde_json::Map::new();
    let headers = described["headers"].as_object().unwrap_or(&none);
    for (name, header) in headers {
        match response.headers().get(name) {
            None if header["required"] == true => return Err(format!("{name} is missing")),
            None => {}
            Some(value) => {
                let text = value.to_str().unwrap();
                let value = match header["schema"]["type"].as_str() {
                    Some("integer") => serde_json::from_str(text).unwrap_or(json!(text)),
                    _ => json!(text),
                };
                check_value(&header["schema"], schemas, &value)?;
            }
        }
    }
    let mut names = response.headers().keys();
    match names.find(|name| *name != "content-type" && !headers.contains_key(name.as_str())) {
        Some(name) => Err(format!("it doesn't have the header {name}")),
        None => Ok(()),
    }
}

fn check_body(
    described: &Value,
    schemas: &Value,
    response: &Response<Bytes>,
) -> Result<(), String> {
    let Some(content) = described["content"].as_object() else {
        let empty = response.body().is_empty();
        return empty.then_some(()).ok_or("it has no body".into());
    };
    let content_type = response.headers().get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let described = content_type.and_then(|name| content.get(name));
    let described = described.ok_or(format!("it doesn't have {content_type:?}"))?;
    let body = serde_json::from_slice(response.body()).unwrap();
    check_value(&described["schema"], schemas, &body)
}

fn check_value(schema: &Value, schemas: &Value, value: &Value) -> Result<(), String> {
    let schema = json!({ "allOf": [schema], "components": schemas });
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.validate(value).map_err(|error| error.to_string())
}

#[test]
fn the_document_allows_every_response_that_a_page_shows() {
    assert!(recorded().len() > 20);
    assert_eq!(differences(&document()), Vec::<String>::new());
}

/// What is wrong, a JSON Pointer to the part of the document, and what makes it wrong.
type Mistake = (&'static str, &'static str, fn(&mut Value));

#[test]
fn a_document_with_one_mistake_does_not_allow_them() {
    let post_orders = "/paths/~1orders/post/responses";
    let schemas = "/components/schemas";
    let mistakes: [Mistake; 7] = [
        ("a status is missing", post_orders, |responses| {
            responses.as_object_mut().unwrap().remove("201");
        }),
        (
            "a header is missing",
            "/paths/~1orders/post/responses/201/headers",
            |headers| {
                headers.as_object_mut().unwrap().remove("location");
            },
        ),
        (
            "a header is too much",
            "/paths/~1orders/post/responses/201/headers",
            |headers| headers["etag"] = json!({ "required": true, "schema": {} }),
        ),
        (
            "a header has another type",
            "/paths/~1orders/post/responses/201/headers/location/schema",
            |schema| *schema = json!({ "type": "integer" }),
        ),
        (
            "the body has another content type",
            "/paths/~1orders/post/responses/201/content",
            |content| *content = json!({ "text/plain": content["application/json"] }),
        ),
        ("a property has another type", schemas, |schemas| {
            schemas["Order"]["properties"]["placed_at"] = json!({ "type": "integer" });
        }),
        ("a property is missing", schemas, |schemas| {
            let order = schemas["Order"]["properties"].as_object_mut();
            order.unwrap().remove("total_cents");
        }),
    ];
    for (mistake, pointer, make) in mistakes {
        let mut document = document();
        make(document.pointer_mut(pointer).unwrap());
        assert!(!differences(&document).is_empty(), "{mistake}");
    }
}
