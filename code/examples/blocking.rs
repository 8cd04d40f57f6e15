//! Two tasks on one thread, and the first holds on to it.

/// Grinds beans by hand: a computation without an `.await`.
fn grind() -> u64 {
    println!("Tom starts to grind");
    let coffee = (1..=1_000_000_u64)
        .map(|bean| bean.count_ones() as u64)
        .sum();
    println!("Tom is done grinding");
    coffee
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), tokio::task::JoinError> {
    let bo = tokio::spawn(async { println!("Bo gets his tea") });
    grind();
    bo.await
}
