//! A QR code in the terminal, two modules a character; where it cannot be drawn, where its picture is.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::Value;

use super::screen::field;

/// What a release has to scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// What the code says: it can be drawn.
    Text(String),
    /// Where a picture of the code is.
    Picture(String),
}

/// `base` is the address of the server, for a picture that it keeps.
pub(super) fn of(release: &Value, base: &str) -> Option<Code> {
    let kept = format!("/releases/{}/qr", field(release, "id"));
    let is_picture = |address: &String| {
        let path = address.split(['?', '#']).next().unwrap_or_default().to_lowercase();
        let ending = path.rsplit('/').next().unwrap_or_default().rsplit_once('.').map(|(_, ending)| ending);
        path.ends_with(&kept) || matches!(ending, Some("png" | "jpg" | "jpeg" | "gif" | "webp" | "svg"))
    };
    let given = [field(&release["receipt"], "qr_url"), field(release, "qr_url")];
    let (pictures, texts): (Vec<_>, Vec<_>) = given.into_iter().filter(|text| !text.is_empty()).partition(is_picture);
    if let Some(text) = texts.into_iter().next() {
        return Some(Code::Text(text));
    }
    match pictures.into_iter().next() {
        Some(path) if path.starts_with('/') => Some(Code::Picture(format!("{base}{path}"))),
        Some(address) => Some(Code::Picture(address)),
        // It expires, so it is there.
        None => release["qr_expires_at"].is_string().then(|| Code::Picture(format!("{base}/api/v1{kept}"))),
    }
}

/// What the first code in a picture says.
pub(super) fn read(picture: &[u8]) -> Option<String> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(picture)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(4096), Some(4096));
    reader.limits(limits);
    let grey = reader.decode().ok()?.to_luma8();
    let (_, text) = rqrr::PreparedImage::prepare(grey).detect_grids().first()?.decode().ok()?;
    Some(text)
}

/// Lines of half blocks, with the margin that readers want. Black on white where colours are allowed; else in the
/// terminal's own, which are taken to be light on dark. `None` where the text is too long for a code.
pub(super) fn draw(text: &str, colours: bool) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let (dark, light) = if colours { (Dense1x2::Dark, Dense1x2::Light) } else { (Dense1x2::Light, Dense1x2::Dark) };
    let drawn = code.render::<Dense1x2>().dark_color(dark).light_color(light).build();
    if !colours {
        return Some(drawn);
    }
    let lines: Vec<_> = drawn.lines().map(|line| format!("\u{1b}[38;5;16;48;5;231m{line}\u{1b}[0m")).collect();
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BASE: &str = "https://sampan.example.com";

    #[test]
    fn texts_are_drawn_and_pictures_are_shown_where_they_are() {
        let code = |value: Value| of(&value, BASE);
        let text = Some(Code::Text("https://vendor.example.com/p/2".into()));
        assert_eq!(code(json!({"id": "1", "qr_url": "https://vendor.example.com/p/2"})), text);
        let kept = "/api/v1/releases/1/qr";
        let receipt = json!({"qr_url": "https://vendor.example.com/p/2"});
        assert_eq!(code(json!({"id": "1", "qr_url": kept, "receipt": receipt})), text);
        let picture = Some(Code::Picture(format!("{BASE}{kept}")));
        assert_eq!(code(json!({"id": "1", "qr_url": kept, "receipt": null})), picture);
        assert_eq!(code(json!({"id": "1", "qr_url": format!("{BASE}{kept}")})), picture);
        assert_eq!(code(json!({"id": "1", "qr_url": null, "qr_expires_at": "2026-11-27T06:09:15Z"})), picture);
        let elsewhere = "https://vendor.example.com/a/b.PNG?x=1";
        assert_eq!(code(json!({"id": "1", "qr_url": elsewhere})), Some(Code::Picture(elsewhere.into())));
        assert_eq!(code(json!({"id": "1", "qr_url": null, "qr_expires_at": null})), None);
    }

    #[test]
    fn a_picture_is_read() {
        let text = "https://vendor.example.com/p/2";
        let code = QrCode::new(text).unwrap();
        let (size, scale) = (code.width() as u32, 6);
        let dark = |x: u32, y: u32| {
            let module = |at: u32| (at / scale).checked_sub(4).filter(|at| *at < size);
            matches!((module(x), module(y)), (Some(x), Some(y)) if code[(x as usize, y as usize)] == qrcode::Color::Dark)
        };
        let side = (size + 8) * scale;
        let drawn = image::GrayImage::from_fn(side, side, |x, y| image::Luma([if dark(x, y) { 0 } else { 255 }]));
        let mut png = std::io::Cursor::new(Vec::new());
        drawn.write_to(&mut png, image::ImageFormat::Png).unwrap();
        assert_eq!(read(png.get_ref()).as_deref(), Some(text));
        assert_eq!(read(b"no picture"), None);
    }

    #[test]
    fn a_code_is_a_square_with_a_margin() {
        let drawn = draw("https://vendor.example.com/p/2", false).unwrap();
        let lines: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
        assert!(lines.iter().all(|line| line.len() == lines[0].len()));
        assert_eq!(lines[0].len().div_ceil(2), lines.len());
        // Light on dark: the margin is drawn, the dark corner is left out.
        assert!(lines[0].iter().all(|c| *c == '█') && lines[2][4] == ' ');
        let coloured = draw("https://vendor.example.com/p/2", true).unwrap();
        assert!(coloured.lines().all(|line| line.starts_with("\u{1b}[38") && line.ends_with("\u{1b}[0m")));
        assert!(draw(&"x".repeat(5_000), true).is_none());
    }
}
