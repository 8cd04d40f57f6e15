//! A task that uses an `Rc` and drops it before the `.await`, so that its future is `Send`.

use std::rc::Rc;

#[tokio::main]
async fn main() -> Result<(), tokio::task::JoinError> {
    // ANCHOR: task
    let task = tokio::spawn(async {
        let text = {
            let beans = Rc::new("beans from Sidamo");
            format!("Bo drinks {beans}")
        }; // drops `beans`
        brew().await; // holds only `text`
        text
    });
    // ANCHOR_END: task
    println!("{}", task.await?);
    Ok(())
}

async fn brew() {
    tokio::task::yield_now().await;
}
