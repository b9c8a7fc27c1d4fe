//! The accent of the pages. A deployment chooses hue and chroma; the lightness belongs to the role a
//! colour has on the pages (style/tokens.css), so that contrast holds for any choice.

use super::oklch::{chroma_and_hue, is_srgb};

/// A lightness at which the accent is used, and the share of its chroma there. The same numbers
/// stand in style/tokens.css.
type Role = (f64, f64);
const LIGHT_ROLES: [Role; 2] = [(0.43, 1.0), (0.36, 0.83)];
const DARK_ROLES: [Role; 3] = [(0.79, 1.0), (0.85, 0.9), (0.2, 0.25)];
/// In thousandths; sRGB has no colour with more.
const GREATEST_CHROMA: u16 = 400;

/// What of a colour the pages take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    /// In degrees.
    hue: u16,
    /// In thousandths, for each colour scheme: sRGB has lively colours of some hues only where it
    /// is dark, or only where it is light.
    light_chroma: u16,
    dark_chroma: u16,
}

impl Accent {
    /// Reads `#rrggbb`. The error is a sentence without its full stop.
    pub fn parse(text: &str) -> Result<Self, String> {
        let colour =
            channels(text).ok_or_else(|| format!("\"{text}\" is not a color such as #1a6b52"))?;
        let (chroma, hue) = chroma_and_hue(colour);
        Ok(Self::of(chroma, hue))
    }

    /// The hue, and as much of the chroma as sRGB has at every lightness.
    pub(super) fn of(chroma: f64, hue: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 0 and 360"
        )]
        let hue = hue.rem_euclid(360.0).round() as u16;
        Self {
            hue,
            light_chroma: limited(chroma, hue, &LIGHT_ROLES),
            dark_chroma: limited(chroma, hue, &DARK_ROLES),
        }
    }

    /// The style sheet that sets it.
    pub fn sheet(self) -> String {
        let Self {
            hue,
            light_chroma,
            dark_chroma,
        } = self;
        format!(
            ":root {{\n  --accent-hue: {hue};\n  --accent-chroma-light: {};\n  --accent-chroma-dark: {};\n}}\n",
            f64::from(light_chroma) / 1000.0,
            f64::from(dark_chroma) / 1000.0
        )
    }
}

/// The greatest chroma up to `wanted` that all `roles` can show, in thousandths.
fn limited(wanted: f64, hue: u16, roles: &[Role]) -> u16 {
    let fits = |thousandths: u16| {
        let chroma = f64::from(thousandths) / 1000.0;
        chroma <= wanted
            && roles
                .iter()
                .all(|(lightness, share)| is_srgb(*lightness, chroma * share, hue.into()))
    };
    (1..=GREATEST_CHROMA)
        .take_while(|chroma| fits(*chroma))
        .last()
        .unwrap_or_default()
}

fn channels(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| {
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })?;
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}
