#[derive(Debug)]
struct StorageError;

#[derive(Debug)]
enum Error {
    Storage(StorageError),
}

fn stock() -> Result<u32, StorageError> {
    Err(StorageError)
}

// ANCHOR: question-mark
fn left() -> Result<u32, Error> {
    let stock = stock()?;
    Ok(stock)
}
// ANCHOR_END: question-mark

fn main() {
    println!("{:?} {:?}", left(), Error::Storage(StorageError));
}
