use std::rc::Rc;

async fn brew() {}

#[tokio::main]
async fn main() {
    let bo = tokio::spawn(async {
        let beans = Rc::new("beans from Sidamo");
        brew().await;
        format!("Bo drinks {beans}")
    });
    println!("{:?}", bo.await);
}
