pub struct Menu
