//! Two tasks share one value. Each owns an `Arc` that points to it.

use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), tokio::task::JoinError> {
    let beans = Arc::new(String::from("beans from Sidamo"));
    let mut tasks = Vec::new();
    for customer in ["Ada", "Bo"] {
        let beans = Arc::clone(&beans);
        let drink = async move { format!("{customer} drinks {beans}") };
        tasks.push(tokio::spawn(drink));
    }
    for task in tasks {
        println!("{}", task.await?);
    }
    Ok(())
}
