//! Reads the settings from the environment, as the first thing that a server does.

use code::mistakes::after::settings;

fn main() {
    let settings = settings::read(|name| std::env::var_os(name));
    // A server that is refused says why and ends, with a failure. This one only says it.
    let opens =
        settings.map(|settings| format!("The shop opens with {settings:#?}"));
    println!("{}", opens.unwrap_or_else(|refused| refused.to_string()));
}
