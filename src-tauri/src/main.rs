//! `stigmer-desktop`.

fn main() {
    stigmer_desktop_lib::run();
}
