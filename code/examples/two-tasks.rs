//! Two tasks use one bag of beans. Each of them owns a handle to it.

use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), tokio::task::JoinError> {
    let beans = Arc::new(String::from("beans from Sidamo"));
    let mut tasks = Vec::new();
    for guest in ["Ada", "Bo"] {
        let beans = Arc::clone(&beans);
        tasks.push(tokio::spawn(
            async move { format!("{guest} drinks {beans}") },
        ));
    }
    for task in tasks {
        println!("{}", task.await?);
    }
    Ok(())
}
