//! The same promise with a type parameter: the compiler knows which repository it is.

trait Repository {
    async fn stock(&self, id: &str) -> u32;
}

struct OneOfEach;

impl Repository for OneOfEach {
    async fn stock(&self, _id: &str) -> u32 {
        1
    }
}

struct Shop<R> {
    repository: R,
}

#[tokio::main]
async fn main() {
    let shop = Shop {
        repository: OneOfEach,
    };
    assert_eq!(shop.repository.stock("croissant").await, 1);
}
