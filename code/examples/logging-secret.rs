//! A password that doesn't print itself.

use secrecy::{ExposeSecret, SecretString};

#[derive(Debug)]
struct Login {
    customer: String,
    password: SecretString,
}

fn main() {
    let login = Login {
        customer: "Ada".to_owned(),
        password: "oat-milk".into(),
    };
    println!("{login:?}");

    let password = login.password.expose_secret();
    println!("{}: {} characters", login.customer, password.len());
}
