//! The pages become part of the program, so it is built again when they are.

use std::fs;
use std::io;

const PAGES: &str = "../../ui/dist";

fn main() -> io::Result<()> {
    // A folder that is missing would count as changed at every build.
    fs::create_dir_all(PAGES)?;
    println!("cargo:rerun-if-changed={PAGES}");
    Ok(())
}
