//! Your turn: baristas share their recipes. `cargo exercise etags` says which requirements are
//! met and which are missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::{Path, State},
    http::{
        HeaderMap, StatusCode,
        header::{ETAG, IF_MATCH, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::task::yield_now;

/// There is one recipe, for a mocha.
pub fn app() -> Router {
    let mocha = Recipe {
        text: "Espresso, chocolate, milk".into(),
        version: 1,
    };
    let recipes = BTreeMap::from([("mocha".to_owned(), mocha)]);
    let recipes = Recipes(Arc::new(Mutex::new(recipes)));
    Router::new()
        // 3. Yours: add .delete(…)
        .route("/recipes/{name}", get(show).put(replace))
        .with_state(recipes)
}

#[derive(Clone)]
struct Recipe {
    text: String,
    version: u64,
}

impl Recipe {
    /// The tag of this version, such as `"1"`.
    fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

impl IntoResponse for Recipe {
    fn into_response(self) -> Response {
        ([(ETAG, self.etag())], self.text).into_response()
    }
}

/// The status and the body of an error response.
type Error = (StatusCode, &'static str);

const NOT_FOUND: Error = (StatusCode::NOT_FOUND, "There is no such recipe");

/// The recipes by name. Each method yields first, as if it waited for a database, so that
/// another request can run in between.
#[derive(Clone)]
struct Recipes(Arc<Mutex<BTreeMap<String, Recipe>>>);

impl Recipes {
    async fn find(&self, name: &str) -> Result<Recipe, Error> {
        self.change(|recipes| recipes.get(name).cloned().ok_or(NOT_FOUND))
            .await
    }

    // ANCHOR: change
    /// Runs `work` while no other request can use the recipes.
    async fn change<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Recipe>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        yield_now().await;
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    // ANCHOR_END: change
}

// ANCHOR: complete
// 1. Finished example: a client that has the current version gets a 304.
async fn show(
    State(recipes): State<Recipes>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let recipe = recipes.find(&name).await?;
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| *tag == recipe.etag())
    {
        let etag = [(ETAG, recipe.etag())];
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    Ok(recipe.into_response())
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. Fill in the gap: a recipe is replaced only if it's still at the version that the
//    client has read.
async fn replace(
    State(recipes): State<Recipes>,
    Path(name): Path<String>,
    headers: HeaderMap,
    text: String,
) -> Result<Recipe, Error> {
    let replace = recipes.change(|recipes| {
        let recipe = recipes.get_mut(&name).ok_or(NOT_FOUND)?;
        let tag = headers.get(IF_MATCH);
        todo!("compare {tag:?} with {}, and store {text}", recipe.etag())
    });
    replace.await
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: a recipe is removed only if it's still at the version that the client
//    has read.
//    DELETE /recipes/{name}: The request has no body.
//    204: It was removed.
//    404: There is no such recipe.
//    412: The header if-match has a different tag.
//    428: The header if-match is missing.
// ANCHOR_END: yours
