//! Bytes as people read them. Sizes of images and of what Docker keeps on a disk are decimal, as Docker says them; all others
//! (files, logs, uploads, memory) are binary. The pages have the same two in `ui/src/lib/format.ts`.

/// A size of anything but images: `27 B`, `1.5 KiB`, `64 MiB`.
pub fn size(bytes: u64) -> String {
    let (value, unit) = scaled(bytes, 1024.0, ["B", "KiB", "MiB", "GiB", "TiB"]);
    if value.fract() == 0.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// A size of an image, or of what Docker keeps, as `docker images` says it: `8.2 MB`, `105 MB`.
pub fn decimal_size(bytes: u64) -> String {
    let (value, unit) = scaled(bytes, 1000.0, ["B", "kB", "MB", "GB", "TB"]);
    if unit == "B" || value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

#[expect(clippy::cast_precision_loss, reason = "a few figures are shown")]
fn scaled(bytes: u64, step: f64, units: [&'static str; 5]) -> (f64, &'static str) {
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    (value, units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary() {
        let all = [0, 512, 1536, 67_108_864, 8_589_934_592].map(size);
        assert_eq!(all, ["0 B", "512 B", "1.5 KiB", "64 MiB", "8 GiB"]);
    }

    #[test]
    fn sizes_of_images_are_decimal() {
        let all = [0, 999, 1000, 8_200_000, 104_857_600].map(decimal_size);
        assert_eq!(all, ["0 B", "999 B", "1.0 kB", "8.2 MB", "105 MB"]);
    }
}
