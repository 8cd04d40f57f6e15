//! A form with a photo, uploaded by a browser.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{Request, StatusCode, header::CONTENT_TYPE, request::Builder},
    response::Result,
    routing::{post, put},
};
use tokio::fs;
use tower::ServiceExt;

const MENU: [&str; 2] = ["espresso", "muffin"];

// ANCHOR: router
fn router(photos: PathBuf) -> Router {
    let up_to_10_mb = DefaultBodyLimit::max(10 * 1024 * 1024);
    Router::new()
        .route("/menu/{id}/photo", put(add_photo).layer(up_to_10_mb))
        .route("/menu/import", post(import_menu))
        .with_state(photos)
}
// ANCHOR_END: router

// ANCHOR: handler
async fn add_photo(
    State(photos): State<PathBuf>,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<(StatusCode, String)> {
    let item = MENU.into_iter().find(|item| *item == id);
    let item = item.ok_or(StatusCode::NOT_FOUND)?;
    let (mut caption, mut photo) = (String::new(), Bytes::new());
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("caption") => caption = field.text().await?,
            Some("photo") => photo = field.bytes().await?,
            _ => return Err(StatusCode::UNPROCESSABLE_ENTITY.into()),
        }
    }
    let kind = image_kind(&photo).ok_or(StatusCode::UNSUPPORTED_MEDIA_TYPE)?;
    let name = format!("{item}.{kind}");
    let status = save(photos.join(&name), &photo).await.map_err(storage)?;
    let text = format!("{name} saved, with the caption {caption:?}");
    Ok((status, text))
}
// ANCHOR_END: handler

// ANCHOR: image-kind
/// The file extension for these bytes, if they begin with the signature of an
/// image format that the program knows.
fn image_kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [0xff, 0xd8, 0xff, ..] => Some("jpeg"),
        _ => None,
    }
}
// ANCHOR_END: image-kind

/// Writes a file. The status is a 201 if there was no file with this name, and a
/// 200 if the new file replaces one.
async fn save(file: PathBuf, content: &[u8]) -> io::Result<StatusCode> {
    let exists = fs::try_exists(&file).await?;
    fs::write(file, content).await?;
    Ok(if exists {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    })
}

async fn import_menu(lines: String) -> String {
    format!("{} items", lines.lines().count())
}

fn storage(error: io::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

fn form(name: &str, file_name: &str, photo: &[u8]) -> Vec<u8> {
    let mut form = Vec::new();
    let parts: [&[u8]; _] = [
        b"--line\r\ncontent-disposition: form-data; name=\"caption\"\r\n\r\n",
        b"Best before ten\r\n",
        b"--line\r\ncontent-disposition: form-data; name=\"",
        name.as_bytes(),
        b"\"; filename=\"",
        file_name.as_bytes(),
        b"\"\r\ncontent-type: image/png\r\n\r\n",
        photo,
        b"\r\n--line--\r\n",
    ];
    for part in parts {
        form.extend_from_slice(part);
    }
    form
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let app = router(folder.path().to_owned());
    let png = b"\x89PNG\r\n\x1a\n".to_vec();
    let large = |megabytes: usize| {
        let mut photo = png.clone();
        photo.resize(megabytes * 1024 * 1024, 0);
        form("photo", "muffin.png", &photo)
    };
    let put_photo = || Request::put("/menu/muffin/photo");
    let elsewhere = form("photo", "../../shop.db", &png);
    let script = form("photo", "muffin.png", b"<script>alert(1)</script>");
    let unknown = form("video", "muffin.png", &png);
    let menu = "espresso;250\n".repeat(250_000).into_bytes();
    show("photo named ../../shop.db", &app, put_photo(), elsewhere).await?;
    show("script named muffin.png", &app, put_photo(), script).await?;
    show("field named video", &app, put_photo(), unknown).await?;
    show("photo of 3 MB", &app, put_photo(), large(3)).await?;
    show("photo of 11 MB", &app, put_photo(), large(11)).await?;
    show("menu of 3 MB", &app, Request::post("/menu/import"), menu).await?;
    Ok(())
}

/// Sends a body and prints a line about the answer.
async fn show(
    what: &str,
    app: &Router,
    head: Builder,
    body: Vec<u8>,
) -> std::result::Result<(), Box<dyn Error>> {
    let head = head.header(CONTENT_TYPE, "multipart/form-data; boundary=line");
    let response = app.clone().oneshot(head.body(Body::from(body))?).await?;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1024).await?;
    let line = format!("{what:26} {status} {}", String::from_utf8_lossy(&body));
    println!("{}", line.trim_end());
    Ok(())
}
