//! Which path do you get if the client chooses the file name?

use std::path::Path;

fn main() {
    let photos = Path::new("photos");
    for (sent, path) in [
        ("muffin.png", "photos/muffin.png"),
        ("../shop.db", "photos/../shop.db"),
        ("/etc/passwd", "/etc/passwd"),
    ] {
        assert_eq!(photos.join(sent), Path::new(path));
    }
}
