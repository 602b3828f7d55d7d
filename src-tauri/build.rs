//! Prepares what Tauri compiles in: the configuration, the permissions of the window, and the pages.

use std::fs;
use std::io;
use std::path::Path;

const PAGES: &str = "ui/dist/index.html";
const PERMISSIONS: &str = "./src-tauri/permissions/*.toml";

fn main() {
    // With a pattern of our own, Tauri watches neither of these.
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    println!("cargo:rerun-if-changed={PAGES}");
    stand_in(Path::new(PAGES)).expect("ui/dist can be written");
    let permissions = tauri_build::AppManifest::new().permissions_path_pattern(PERMISSIONS);
    // The one capability stands in tauri.conf.json.
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/*")
        .app_manifest(permissions);
    tauri_build::try_build(attributes).expect("the configuration of Tauri is right");
}

/// Checks and tests of Rust need no Node: where the pages are not built, one page that says so takes their place
/// until `npm run build` in `ui` replaces it.
fn stand_in(pages: &Path) -> io::Result<()> {
    if pages.exists() {
        return Ok(());
    }
    println!("cargo:warning=the pages of the window are not built; `make run` builds them");
    fs::create_dir_all(pages.parent().unwrap_or(Path::new(".")))?;
    fs::write(
        pages,
        "<!doctype html><meta charset=\"utf-8\"><title>Stigmer Desktop</title><p>The pages are not built: <code>make run</code>.",
    )
}
