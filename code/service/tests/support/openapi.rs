//! Compares responses with the OpenAPI document.

use std::collections::HashMap;
use std::sync::Mutex;

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::TestResponse;

/// Headers that a document doesn't describe among the others. `content-type` belongs to the
/// body, and the server adds `content-length` to every body.
const UNLISTED: [HeaderName; 2] = [CONTENT_TYPE, CONTENT_LENGTH];

/// An OpenAPI document, which can check responses.
pub struct Document {
    paths: Map<String, Value>,
    components: Value,
    /// The validators that have been made so far, by the text of their schema.
    validators: Mutex<HashMap<String, Validator>>,
}

impl Document {
    // ANCHOR: new
    /// A document to compare responses with. It allows only the properties that its schemas
    /// name. (A client should ignore all others. In these tests, such a property is a
    /// mistake, because the document doesn't describe it.)
    pub fn new(document: &Value) -> Self {
        let mut components = document["components"].clone();
        let schemas = components["schemas"].as_object_mut().unwrap();
        for schema in schemas.values_mut() {
            if schema.get("properties").is_some() {
                schema["additionalProperties"] = json!(false);
            }
        }
        let paths = document["paths"].as_object().unwrap().clone();
        Self {
            paths,
            components,
            validators: Mutex::default(),
        }
    }
    // ANCHOR_END: new

    // ANCHOR: check
    /// Checks that the document describes this response to a request with this method and
    /// this path. If it doesn't, this returns the reason.
    pub fn check(
        &self,
        method: &Method,
        path: &str,
        response: &TestResponse,
    ) -> Result<(), String> {
        let status = response.status;
        let Some(operation) = self.operation(method, path) else {
            // The document can't describe a path or a method that doesn't exist.
            return match status {
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(()),
                _ => Err("the document lacks this path or method".into()),
            };
        };
        let described = operation["responses"].get(status.as_str());
        let described =
            described.ok_or(format!("the document lacks the status {status}"))?;
        self.check_headers(described, &response.headers)?;
        self.check_body(described, response)
    }
    // ANCHOR_END: check

    // ANCHOR: operation
    /// The entry for this method of the first path that matches. A parameter such as `{id}`
    /// matches each segment, and all other segments match only themselves.
    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let segments: Vec<_> = path.split('/').collect();
        let matches = |described: &str| {
            let described: Vec<_> = described.split('/').collect();
            described.len() == segments.len()
                && described
                    .iter()
                    .zip(&segments)
                    .all(|(one, other)| one == other || one.starts_with('{'))
        };
        let mut paths = self.paths.iter();
        let (_, methods) = paths.find(|(path, _)| matches(path))?;
        methods.get(method.as_str().to_lowercase())
    }
    // ANCHOR_END: operation

    // ANCHOR: headers
    fn check_headers(
        &self,
        described: &Value,
        headers: &HeaderMap,
    ) -> Result<(), String> {
        let none = Map::new();
        let described = described["headers"].as_object().unwrap_or(&none);
        for (name, header) in described {
            match headers.get(name) {
                Some(value) => {
                    let value = typed(value.to_str().unwrap(), &header["schema"]);
                    self.check_value(&header["schema"], &value)?;
                }
                None if header["required"] == true => {
                    return Err(format!("the response lacks the {name} header"));
                }
                None => {}
            }
        }
        let mut names = headers.keys().filter(|name| !UNLISTED.contains(name));
        match names.find(|name| !described.contains_key(name.as_str())) {
            Some(name) => Err(format!("the document lacks the {name} header")),
            None => Ok(()),
        }
    }
    // ANCHOR_END: headers

    // ANCHOR: body
    fn check_body(
        &self,
        described: &Value,
        response: &TestResponse,
    ) -> Result<(), String> {
        let Some(content) = described["content"].as_object() else {
            let empty = response.body.is_empty();
            return empty
                .then_some(())
                .ok_or("the document describes no body".into());
        };
        let content_type = response.header("content-type");
        let described = content.get(content_type);
        let described =
            described.ok_or(format!("the document lacks {content_type:?}"))?;
        if content_type.ends_with("json") {
            self.check_value(&described["schema"], &response.json())?;
        }
        Ok(())
    }
    // ANCHOR_END: body

    // ANCHOR: value
    fn check_value(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let mut validators = self.validators.lock().unwrap();
        let validator = validators.entry(schema.to_string()).or_insert_with(|| {
            // A `$ref` in the schema points to `#/components/…`.
            let schema =
                json!({ "allOf": [schema], "components": self.components });
            jsonschema::draft202012::new(&schema).unwrap()
        });
        let checked = validator.validate(value);
        checked.map_err(|error| format!("{}: {error}", error.instance_path()))
    }
    // ANCHOR_END: value
}

/// The value of a header as JSON: a number if its schema says that it is one, or a string.
fn typed(text: &str, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("integer") => serde_json::from_str(text).unwrap_or(json!(text)),
        _ => json!(text),
    }
}
