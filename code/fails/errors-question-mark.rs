#[derive(Debug)]
struct RepositoryError;

#[derive(Debug)]
enum Error {
    Repository(RepositoryError),
}

fn stock() -> Result<u32, RepositoryError> {
    Err(RepositoryError)
}

// ANCHOR: question-mark
fn left() -> Result<u32, Error> {
    let stock = stock()?;
    Ok(stock)
}
// ANCHOR_END: question-mark

fn main() {
    println!("{:?} {:?}", left(), Error::Repository(RepositoryError));
}
