//! A shop with a type parameter for its repository.
use tokio::task::JoinHandle;

trait Repository: Send + Sync + 'static {
    fn stock(&self, id: &str) -> impl std::future::Future<Output = u32> + Send;
}

struct OneOfEach;

impl Repository for OneOfEach {
    async fn stock(&self, _id: &str) -> u32 {
        1
    }
}

struct Shop<R>(R);

fn croissants<R: Repository>(shop: Shop<R>) -> JoinHandle<u32> {
    tokio::spawn(async move { shop.0.stock("croissant").await })
}

#[tokio::main]
async fn main() {
    assert_eq!(croissants(Shop(OneOfEach)).await.ok(), Some(1));
}
