//! Reads the settings from the environment, as the first thing that a server does.

use code::mistakes::after::settings;

fn main() {
    match settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => println!("The shop opens with {settings:#?}"),
        // A server ends here, with a failure. This sample ends well, for its proof.
        Err(refused) => println!("{refused}"),
    }
}
