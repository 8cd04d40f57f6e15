fn serve(cup: String) {
    println!("One {cup}");
}

fn main() {
    let cup = String::from("flat white");
    serve(cup);
    println!("{cup} is out");
}
