use menu::Menu;

fn main() {
    let _menu = Menu;
}
