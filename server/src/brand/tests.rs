//! Contrast by the formulas of WCAG 2.2, for any accent. What the colours are used for
//! is read from the style sheet that pages load.

use axum::{body::Body, http::Request, middleware::from_fn_with_state};
use http::HeaderMap;
use tower::ServiceExt as _;

use super::{
    oklch::{is_srgb, linear_srgb},
    *,
};
use crate::layers::{Protection, protect};

const TOKENS: &str = include_str!("../../../style/tokens.css");

/// What the accent is on.
const TEXT: [(&str, &str); 6] = [
    ("pine", "paper"),
    ("pine", "stone"),
    ("pine", "amber-wash"),
    ("pine", "brick-wash"),
    ("on-pine", "pine"),
    ("on-pine", "pine-deep"),
];
const EDGES: [(&str, &str); 4] = [
    ("pine", "paper"),
    ("pine", "stone"),
    ("pine-deep", "paper"),
    ("pine-deep", "stone"),
];

/// Lightness, chroma, hue.
type Colour = [f64; 3];

#[test]
fn contrast_holds_for_every_hue_however_strong() {
    for hue in (0..360).map(f64::from) {
        for chroma in (0..=40).step_by(4).map(f64::from) {
            let accent = Accent::of(chroma / 100.0, hue);
            assert_eq!(faults(&style(accent)), [""; 0], "{accent:?}");
        }
    }
}

#[test]
fn contrast_holds_for_every_colour_that_can_be_written() {
    let channel = || (0..=255).step_by(51);
    for (red, green, blue) in
        channel().flat_map(|r| channel().flat_map(move |g| channel().map(move |b| (r, g, b))))
    {
        let text = format!("#{red:02x}{green:02X}{blue:02x}");
        let accent = Accent::parse(&text).expect("a colour");
        assert_eq!(faults(&style(accent)), [""; 0], "{text}");
    }
}

#[test]
fn contrast_holds_for_the_accent_that_nobody_set() {
    assert_eq!(faults(TOKENS), [""; 0]);
}

#[test]
fn a_role_that_is_too_light_or_too_dark_would_be_noticed() {
    let red = Accent::parse("#ff0000").expect("a colour").sheet();
    for (role, other) in [
        ("oklch(0.43 var", "oklch(0.62 var"),
        ("oklch(0.36 calc", "oklch(0.62 calc"),
        ("oklch(0.99 ", "oklch(0.6 "),
        ("oklch(0.79 var", "oklch(0.5 var"),
        ("oklch(0.85 calc", "oklch(0.4 calc"),
        ("oklch(0.2 calc", "oklch(0.6 calc"),
        // Nothing is wrong with the contrast of a darker role, but sRGB does not have that colour.
        ("oklch(0.36 calc", "oklch(0.25 calc"),
        ("oklch(0.85 calc", "oklch(0.95 calc"),
    ] {
        assert!(TOKENS.contains(role), "{role}");
        assert_ne!(
            faults(&format!("{red}{}", TOKENS.replace(role, other))),
            [""; 0],
            "{other}"
        );
    }
    let stronger = red.replace("chroma-dark: 0.", "chroma-dark: 0.2");
    assert_ne!(faults(&format!("{stronger}{TOKENS}")), [""; 0]);
}

#[test]
fn what_a_colour_gives_to_the_pages() {
    let sheet = |text: &str| Accent::parse(text).map(|accent| declarations(&accent.sheet()));
    let values = |hue: f64, light: f64, dark: f64| Ok([hue, light, dark]);
    for grey in ["#000000", "#ffffff", "#808080"] {
        assert!(
            sheet(grey).is_ok_and(|[_, light, dark]| (light, dark) == (0.0, 0.0)),
            "{grey}"
        );
    }
    // A muted colour keeps its chroma; a lively one as much as there is of it.
    assert_eq!(sheet("#1a6b52"), values(168.0, 0.086, 0.086));
    assert_eq!(sheet("#ff0000"), values(29.0, 0.176, 0.091));
    assert_eq!(sheet("#0000FF"), values(264.0, 0.249, 0.081));
    for wrong in [
        "", "red", "1a6b52", "#1a6b5", "#1a6b522", "#1a6b5g", "#+a6b52", "#abc", "#é6b52",
        " #1a6b52",
    ] {
        assert!(
            sheet(wrong).is_err_and(|fault| fault.contains(wrong)),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_files_are_kept_for_ever_and_do_nothing_else() {
    let drawing = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    let branding = Branding {
        accent: Accent::parse("#ff0000").ok(),
        logo: Some(logo(drawing.as_bytes())),
    };
    let Brand {
        sheet: Some(sheet),
        logo: Some(picture),
    } = branding.addresses()
    else {
        panic!("no addresses")
    };
    let (headers, content) = fetch(&branding, &sheet).await;
    assert_eq!(headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(
        headers[header::CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(content.starts_with(b":root {\n  --accent-hue: 29;\n"));

    let (headers, content) = fetch(&branding, &picture).await;
    assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml");
    assert_eq!(
        headers[header::CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(headers[header::CONTENT_SECURITY_POLICY], DRAWING_POLICY);
    assert_eq!(content, drawing);

    let photograph = Branding {
        logo: Some(logo(b"\xff\xd8\xff\xe0")),
        ..branding
    };
    let address = photograph.addresses().logo.expect("an address");
    assert!(
        address.starts_with("/brand/") && address.ends_with(".jpg") && *address != *picture,
        "{address}"
    );
    let (headers, _) = fetch(&photograph, &address).await;
    assert_eq!(headers[header::CONTENT_TYPE], "image/jpeg");
    assert!(
        !headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text")
            .contains("unsafe")
    );
}

fn logo(content: &[u8]) -> Logo {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("written");
    Logo::read(file.path().to_str().expect("a path of UTF-8")).expect("a logo")
}

async fn fetch(branding: &Branding, address: &str) -> (HeaderMap, Bytes) {
    let router: Router = branding
        .files()
        .layer(from_fn_with_state(Protection::new(false), protect));
    let request = Request::get(address)
        .body(Body::empty())
        .expect("a request");
    let response = router.oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), 200, "{address}");
    let (parts, body) = response.into_parts();
    (
        parts.headers,
        axum::body::to_bytes(body, LARGEST_LOGO)
            .await
            .expect("a body"),
    )
}

/// What is wrong with these styles: too little contrast, or a colour that browsers would have to
/// change.
fn faults(css: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (pairs, least) in [(&TEXT[..], 4.5), (&EDGES[..], 3.0)] {
        for (front, ground) in pairs {
            for (front_colour, ground_colour) in
                colours(css, front).into_iter().zip(colours(css, ground))
            {
                let contrast = contrast(front_colour, ground_colour);
                if contrast < least {
                    faults.push(format!(
                        "{front} {front_colour:?} on {ground}: {contrast:.2}"
                    ));
                }
            }
        }
    }
    for role in ["pine", "pine-deep", "on-pine"] {
        let beyond = colours(css, role)
            .into_iter()
            .filter(|[lightness, chroma, hue]| !is_srgb(*lightness, *chroma, *hue));
        faults.extend(beyond.map(|colour| format!("{role} {colour:?} is not in sRGB")));
    }
    faults
}

fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance([lightness, chroma, hue]: Colour) -> f64 {
    let [red, green, blue] =
        linear_srgb(lightness, chroma, hue).map(|channel| channel.clamp(0.0, 1.0));
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The styles of a page with this accent. What is declared first counts here; in browsers the
/// accent's sheet counts, since it is in no layer.
fn style(accent: Accent) -> String {
    format!("{}{TOKENS}", accent.sheet())
}

/// A token in light and in dark.
fn colours(css: &str, token: &str) -> [Colour; 2] {
    let mut value = declared(css, token).to_owned();
    for variable in VARIABLES {
        value = value.replace(&format!("var(--{variable})"), declared(css, variable));
    }
    while let Some((before, rest)) = value.split_once("calc(") {
        let (product, after) = rest.split_once(')').expect("an end");
        let result: f64 = product.split('*').map(number).product();
        value = format!("{before}{result}{after}");
    }
    let colours = value
        .split("oklch(")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap_or_default());
    let colours: Vec<Colour> = colours
        .map(|parts| {
            parts
                .split(' ')
                .map(number)
                .collect::<Vec<_>>()
                .try_into()
                .expect("three numbers")
        })
        .collect();
    colours.try_into().expect("light and dark")
}

const VARIABLES: [&str; 3] = ["accent-hue", "accent-chroma-light", "accent-chroma-dark"];

fn declarations(css: &str) -> [f64; 3] {
    VARIABLES.map(|variable| number(declared(css, variable)))
}

fn declared<'a>(css: &'a str, name: &str) -> &'a str {
    let (_, rest) = css
        .split_once(&format!("--{name}: "))
        .unwrap_or_else(|| panic!("--{name} is declared"));
    rest.split(';').next().unwrap_or_default()
}

fn number(text: &str) -> f64 {
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("\"{text}\" is a number"))
}
