//! Every object's path, in one place.

/// The QR image of one attempt of a release.
pub fn qr(release: &str, attempt: i64, extension: &str) -> String {
    format!("qr/{release}-{attempt}.{extension}")
}

/// The log of a release that is over: gzip, one block after another. `made` tells two who made it at once apart.
pub fn log(release: &str, made: &str) -> String {
    format!("logs/{release}-{made}.gz")
}

/// The files of a release's package and their sizes (JSON).
pub fn contents(release: &str) -> String {
    format!("contents/{release}.json")
}

/// The media type of an image by its first bytes; only these are ever shown.
pub fn image_type(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(("png", "image/png")),
        [0xff, 0xd8, 0xff, ..] => Some(("jpg", "image/jpeg")),
        _ => None,
    }
}

/// Where bytes wait that nobody decided about yet.
pub const STAGED: &str = "staged";

pub fn staged(id: &str) -> String {
    format!("{STAGED}/{id}")
}

/// A package that phones install, by the hash of its bytes: two updates with the same bytes share it.
pub fn package(sha256: &str) -> String {
    format!("packages/{sha256}")
}
