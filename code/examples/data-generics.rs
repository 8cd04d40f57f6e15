//! The same promise with a type parameter: the compiler knows which repository it is.
use std::future::Future;

trait Repository {
    fn stock(&self, id: &str) -> impl Future<Output = u32> + Send;
}

struct OneOfEach;

impl Repository for OneOfEach {
    async fn stock(&self, _id: &str) -> u32 {
        1
    }
}

/// Axum asks the same of a handler: what it returns is `Send`.
fn croissants<R: Repository>(books: &R) -> impl Future<Output = u32> + Send + '_ {
    books.stock("croissant")
}

#[tokio::main]
async fn main() {
    assert_eq!(croissants(&OneOfEach).await, 1);
}
