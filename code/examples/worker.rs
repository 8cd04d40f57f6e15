//! A worker finishes the jobs in its queue before the program ends.

use std::error::Error;

use tokio::sync::mpsc;

async fn print_receipts(mut jobs: mpsc::Receiver<String>) {
    while let Some(customer) = jobs.recv().await {
        println!("receipt for {customer}");
    }
    println!("no more jobs");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (queue, jobs) = mpsc::channel(100);
    let worker = tokio::spawn(print_receipts(jobs));
    for customer in ["Ada", "Bo"] {
        queue.send(customer.to_owned()).await?; // in a server, a handler does this
    }
    drop(queue);
    worker.await?;
    Ok(())
}
