//! An upload that goes to the disk as it arrives.

use std::fs;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::put,
};
use futures_util::{Stream, TryStreamExt, stream};
use tempfile::NamedTempFile;
use tokio::fs::{File, try_exists};
use tokio::io::AsyncWriteExt;
use tower::ServiceExt;

// ANCHOR: handler
async fn put_video(
    State(videos): State<PathBuf>,
    Path(id): Path<u32>,
    body: Body,
) -> Result<StatusCode, Error> {
    let is_new = save(body, &videos, &format!("{id}.mp4")).await?;
    Ok(if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::NO_CONTENT
    })
}
// ANCHOR_END: handler

// ANCHOR: save
const MAX_VIDEO: usize = 50 * 1024 * 1024;

/// Returns whether this is a new video, and not a replacement for an older one.
async fn save(body: Body, folder: &FilePath, name: &str) -> Result<bool, Error> {
    let (file, temporary) = NamedTempFile::new_in(folder)?.into_parts();
    let mut file = File::from_std(file);
    let mut chunks = body.into_data_stream();
    let mut size = 0;
    while let Some(chunk) = chunks.try_next().await? {
        size += chunk.len();
        if size > MAX_VIDEO {
            return Err(Error::TooLarge);
        }
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    file.sync_all().await?;
    let video = folder.join(name);
    let is_new = !try_exists(&video).await?;
    temporary.persist(video).map_err(io::Error::from)?;
    Ok(is_new)
}
// ANCHOR_END: save

// ANCHOR: error
enum Error {
    TooLarge,
    Body(axum::Error),
    Storage(io::Error),
}

impl From<axum::Error> for Error {
    fn from(error: axum::Error) -> Self {
        Self::Body(error)
    }
}
// ANCHOR_END: error

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Storage(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Self::Body(error) => {
                (StatusCode::BAD_REQUEST, error.to_string()).into_response()
            }
            Self::Storage(error) => {
                eprintln!("{error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A megabyte of a body, which counts how many there are in memory.
struct Chunk {
    bytes: Vec<u8>,
    alive: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The chunks of a body: so many megabytes, and an error after them if it breaks off.
fn chunks(
    count: usize,
    breaks_off: bool,
    most: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, &'static str>> {
    let alive = Arc::new(AtomicUsize::new(0));
    let whole = (0..count).map(move |_| {
        let now = alive.fetch_add(1, Ordering::Relaxed) + 1;
        most.fetch_max(now, Ordering::Relaxed);
        Ok(Bytes::from_owner(Chunk {
            bytes: vec![0; 1024 * 1024],
            alive: alive.clone(),
        }))
    });
    stream::iter(whole.chain(breaks_off.then_some(Err("the client is gone"))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let app = Router::new()
        .route("/videos/{id}", put(put_video))
        .with_state(folder.path().to_owned());
    for (count, breaks_off) in [(40, false), (40, false), (60, false), (3, true)] {
        let most = Arc::new(AtomicUsize::new(0));
        let body = Body::from_stream(chunks(count, breaks_off, most.clone()));
        let request = Request::put(format!("/videos/{count}")).body(body)?;
        let response = app.clone().oneshot(request).await?;
        let mut files = Vec::new();
        for file in fs::read_dir(folder.path())? {
            files.push(file?.file_name().to_string_lossy().into_owned());
        }
        println!(
            "{count} MB{}: {}, at most {} MB in memory, in the folder: {}",
            if breaks_off { ", then an error" } else { "" },
            response.status().as_u16(),
            most.load(Ordering::Relaxed),
            files.join(", ")
        );
    }
    Ok(())
}
