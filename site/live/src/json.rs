//! Formats JSON for reading, and finds values in it.
//!
//! This works on the tokens of a text that `serde_json` has checked, and not on a parsed value: that
//! could change numbers and the order of members, and its code would be a tenth of the page's module.

use serde::de::IgnoredAny;

/// The width of a line in characters. A longer line is split if possible.
const WIDTH: usize = 80;

/// Formats a JSON text for reading. Returns `None` if the text is not JSON.
///
/// Only whitespace changes. Numbers, strings and the order of the members stay as they were sent.
pub fn layout(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let tokens = tokens(json);
    let mut out = String::new();
    write(&tokens, 0, &mut out);
    Some(out)
}

/// The value at a JSON Pointer (RFC 6901) as text. A string has no quotes. Returns `None` if there is
/// no such value, or if it is an object or an array.
pub(crate) fn member(json: &str, pointer: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let tokens = tokens(json);
    let mut value = tokens.as_slice();
    for name in pointer.strip_prefix('/')?.split('/') {
        // Section 4: first `~1`, then `~0`.
        value = step(value, &name.replace("~1", "/").replace("~0", "~"))?;
    }
    match value {
        [text] if text.starts_with('"') => serde_json::from_str(text).ok(),
        [scalar] => Some((*scalar).to_owned()),
        _ => None,
    }
}

fn step<'a, 'b>(value: &'b [&'a str], name: &str) -> Option<&'b [&'a str]> {
    let members = split(value.get(1..value.len() - 1)?);
    match value[0] {
        "[" => members.get(name.parse::<usize>().ok()?).copied(),
        _ => members.into_iter().find_map(|member| match member {
            [key, ":", value @ ..] => {
                let key: String = serde_json::from_str(key).ok()?;
                (key == name).then_some(value)
            }
            _ => None,
        }),
    }
}

/// The tokens of a JSON text: strings, numbers, literals and punctuation.
fn tokens(json: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = json.trim_start();
    while !rest.is_empty() {
        let (token, after) = rest.split_at(token_length(rest));
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

fn token_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes[0] {
        b'"' => {
            let mut end = 1;
            while bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            end + 1
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        _ => text
            .find(|c: char| c.is_ascii_whitespace() || ",:]}".contains(c))
            .unwrap_or(text.len()),
    }
}

/// Writes one value. Its first line has `indent` characters before it.
fn write(value: &[&str], indent: usize, out: &mut String) {
    let line = one_line(value);
    // `<` and not `<=`, because a comma may follow.
    if value.len() <= 2 || indent + line.chars().count() < WIDTH {
        out.push_str(&line);
        return;
    }
    let (open, close) = (value[0], value[value.len() - 1]);
    out.push_str(open);
    let members = split(&value[1..value.len() - 1]);
    let inner = indent + 2;
    for (position, member) in members.iter().enumerate() {
        out.push('\n');
        out.push_str(&" ".repeat(inner));
        write_member(member, inner, out);
        if position + 1 < members.len() {
            out.push(',');
        }
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push_str(close);
}

/// Writes a member of an object, `"name": value`, or an element of an array.
fn write_member(member: &[&str], indent: usize, out: &mut String) {
    match member {
        [name, ":", value @ ..] => {
            out.push_str(name);
            out.push_str(": ");
            write(value, indent, out);
        }
        value => write(value, indent, out),
    }
}

/// The members of an object or an array, without the commas between them.
fn split<'a, 'b>(tokens: &'b [&'a str]) -> Vec<&'b [&'a str]> {
    let mut depth = 0usize;
    tokens
        .split(|token| {
            match *token {
                "{" | "[" => depth += 1,
                "}" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && *token == ","
        })
        .collect()
}

fn one_line(tokens: &[&str]) -> String {
    let mut line = String::new();
    for (position, token) in tokens.iter().enumerate() {
        let next = tokens.get(position + 1).copied();
        line.push_str(token);
        let empty = matches!((*token, next), ("{", Some("}")));
        let space = matches!(*token, "," | ":" | "{") || next == Some("}");
        if space && !empty && next.is_some() {
            line.push(' ');
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{layout, member};

    #[test]
    fn a_pointer_finds_a_value() {
        let json = r#"{"id": 7, "in": [{"a/b": "x\n"}, []], "none": null}"#;
        let found = |pointer| member(json, pointer);
        assert_eq!(found("/id").as_deref(), Some("7"));
        assert_eq!(found("/in/0/a~1b").as_deref(), Some("x\n"));
        assert_eq!(found("/none").as_deref(), Some("null"));
        for nothing in [
            "", "/", "id", "/in", "/in/1/0", "/in/2", "/in/x", "/id/0", "/out",
        ] {
            assert_eq!(found(nothing), None, "{nothing}");
        }
        assert_eq!(member("{", "/id"), None);
    }

    #[test]
    fn a_short_value_is_written_in_one_line() {
        let json = r#"{"id":1,"tags":["a","b"],"none":{},"price":3.80}"#;
        let wanted = r#"{ "id": 1, "tags": ["a", "b"], "none": {}, "price": 3.80 }"#;
        assert_eq!(layout(json).as_deref(), Some(wanted));
    }

    #[test]
    fn a_long_value_has_one_line_for_each_member() {
        let name = "x".repeat(70);
        let json = format!(r#"{{"name":"{name}","in":[{{"a":1}}]}}"#);
        let wanted = format!("{{\n  \"name\": \"{name}\",\n  \"in\": [{{ \"a\": 1 }}]\n}}");
        assert_eq!(layout(&json), Some(wanted));
    }

    #[test]
    fn punctuation_and_escapes_inside_a_string_are_text() {
        let json = r#"["{\"a\": [1, 2]}", "\\"]"#;
        assert_eq!(layout(json).as_deref(), Some(json));
    }

    #[test]
    fn numbers_keep_every_digit_and_members_their_order() {
        let json = r#"{ "z": 123456789012345678901234567890, "a": 1.10e-7 }"#;
        assert_eq!(layout(json).as_deref(), Some(json));
    }

    #[test]
    fn other_text_is_not_formatted() {
        assert_eq!(layout("The shop is open"), None);
        assert_eq!(layout(""), None);
        assert_eq!(layout("[1,"), None);
    }
}
