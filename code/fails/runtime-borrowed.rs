#[tokio::main]
async fn main() {
    let beans = String::from("beans from Sidamo");
    let bo = tokio::spawn(async { format!("Bo drinks {beans}") });
    println!("{:?}", bo.await);
}
