// ANCHOR: set-var
pub fn use_test_database() {
    std::env::set_var("SHOP_DATABASE", "test.db");
}
// ANCHOR_END: set-var
