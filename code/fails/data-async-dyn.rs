use std::sync::Arc;

trait Repository {
    async fn stock(&self, id: &str) -> u32;
}

struct Shop {
    repository: Arc<dyn Repository>,
}
