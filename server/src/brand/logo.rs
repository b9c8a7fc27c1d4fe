//! The picture in place of the built-in mark, known by its content and not by its name.

use std::{
    fmt,
    fs::File,
    io::{Error, Read as _},
    path::Path,
};

use bytes::Bytes;

/// The largest logo, in bytes.
pub const LARGEST_LOGO: usize = 256 * 1024;

/// A picture that browsers show.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    format: Format,
    content: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
    Jpeg,
    WebP,
}

impl Logo {
    /// Reads the file at `path`. The error is a sentence without its full stop.
    pub fn read(path: &str) -> Result<Self, String> {
        let content = content(Path::new(path)).map_err(|error| {
            format!(
                "cannot read \"{path}\": {}",
                crate::files::explain_read_error(path.as_ref(), &error)
            )
        })?;
        if content.len() > LARGEST_LOGO {
            return Err(format!(
                "\"{path}\" is larger than {} KB",
                LARGEST_LOGO / 1024
            ));
        }
        let format = format(&content)
            .ok_or_else(|| format!("\"{path}\" is not an SVG, PNG, JPEG or WebP image"))?;
        Ok(Self {
            format,
            content: content.into(),
        })
    }

    /// The bytes of the file, shared.
    pub fn content(&self) -> Bytes {
        self.content.clone()
    }

    /// Its media type.
    pub const fn content_type(&self) -> &'static str {
        match self.format {
            Format::Svg => "image/svg+xml",
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
            Format::WebP => "image/webp",
        }
    }

    /// How its name ends.
    pub const fn extension(&self) -> &'static str {
        match self.format {
            Format::Svg => "svg",
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::WebP => "webp",
        }
    }

    /// Whether it is an active document, such as SVG with script.
    pub const fn is_drawing(&self) -> bool {
        matches!(self.format, Format::Svg)
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({:?}, {} bytes)", self.format, self.content.len())
    }
}

/// At most a byte more than is allowed, even from a device or a pipe.
fn content(path: &Path) -> Result<Vec<u8>, Error> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::other("it is not a file"));
    }
    let mut content = Vec::new();
    File::open(path)?
        .take(LARGEST_LOGO as u64 + 1)
        .read_to_end(&mut content)?;
    Ok(content)
}

fn format(content: &[u8]) -> Option<Format> {
    match content {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(Format::WebP),
        text => std::str::from_utf8(text)
            .is_ok_and(is_svg)
            .then_some(Format::Svg),
    }
}

/// Whether the root element is `svg`, in its namespace: without that, browsers show nothing.
fn is_svg(text: &str) -> bool {
    let root = after_prolog(text).and_then(|rest| rest.strip_prefix("<svg"));
    let tag = root
        .filter(|rest| rest.starts_with(|next: char| next.is_ascii_whitespace()))
        .and_then(|rest| rest.split_once('>'));
    tag.is_some_and(|(attributes, _)| attributes.contains("http://www.w3.org/2000/svg"))
}

/// What follows the declaration, comments and the document type.
fn after_prolog(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_ascii_start();
    loop {
        let end = match rest {
            declaration if declaration.starts_with("<?") => "?>",
            comment if comment.starts_with("<!--") => "-->",
            doctype if doctype.starts_with("<!DOCTYPE") => ">",
            root => return Some(root),
        };
        rest = rest.split_once(end)?.1.trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWING: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>";

    #[test]
    fn a_picture_is_known_by_its_content() {
        for (content, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], Some(Format::Png)),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some(Format::Jpeg)),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some(Format::WebP)),
            (b"RIFF\x24\0\0\0WAVEfmt ", None),
            (b"GIF89a", None),
            (b"%PDF-1.7", None),
            (b"", None),
            (b"\xff\xfe<\0s\0v\0g\0", None),
        ] {
            assert_eq!(format(content), expected, "{}", content.escape_ascii());
        }
    }

    #[test]
    fn a_drawing_has_the_right_root_after_any_prolog() {
        let doctype = "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">";
        for prolog in [
            "",
            "\u{feff}\n",
            "<?xml version=\"1.0\"?>",
            "<!-- <html> -->\n",
            doctype,
        ] {
            assert!(is_svg(&format!("{prolog}{DRAWING}")), "{prolog}");
        }
        for other in [
            "<html><svg xmlns=\"http://www.w3.org/2000/svg\"/></html>",
            "<!DOCTYPE html><html></html>",
            "<svg viewBox=\"0 0 1 1\"/>",
            "<svgx xmlns=\"http://www.w3.org/2000/svg\"/>",
            "<svg><g xmlns=\"http://www.w3.org/2000/svg\"/></svg>",
            "<!-- <svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "a picture",
        ] {
            assert!(!is_svg(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| {
            folder
                .path()
                .join(name)
                .to_str()
                .expect("a path of UTF-8")
                .to_owned()
        };
        let write = |name: &str, length: usize| {
            std::fs::write(
                path(name),
                DRAWING.to_owned() + &" ".repeat(length - DRAWING.len()),
            )
            .expect("written");
        };
        write("fits", LARGEST_LOGO);
        write("too-large", LARGEST_LOGO + 1);
        let logo = Logo::read(&path("fits")).expect("a logo");
        assert_eq!(logo.content().len(), LARGEST_LOGO);
        assert_eq!(format!("{logo:?}"), "Logo(Svg, 262144 bytes)");
        for (name, part) in [
            ("too-large", "larger than 256 KB"),
            ("missing", "cannot read"),
            ("", "not a file"),
        ] {
            let fault = Logo::read(&path(name)).expect_err(name);
            assert!(fault.contains(part), "{fault}");
        }
        assert!(Logo::read("/dev/zero").is_err_and(|fault| fault.contains("not a file")));
    }
}
