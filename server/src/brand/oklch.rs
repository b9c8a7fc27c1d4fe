//! Colours in OKLCH, as CSS Color 4 has it: from sRGB, and back as far as the pages need it. The
//! numbers are those of Björn Ottosson's definition of Oklab.

/// How strongly a colour excites the cones for long, medium and short waves, by their cube roots.
fn cones(colour: [u8; 3]) -> [f64; 3] {
    let [red, green, blue] = colour.map(|channel| linear(f64::from(channel) / 255.0));
    let long = 0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue;
    let medium = 0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue;
    let short = 0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue;
    [long, medium, short].map(f64::cbrt)
}

/// Chroma, and hue in degrees, of a colour whose channels run from 0 to 255.
pub(super) fn chroma_and_hue(colour: [u8; 3]) -> (f64, f64) {
    let [long, medium, short] = cones(colour);
    let a = 1.977_998_495_1 * long - 2.428_592_205_0 * medium + 0.450_593_709_9 * short;
    let b = 0.025_904_037_1 * long + 0.782_771_766_2 * medium - 0.808_675_766_0 * short;
    (a.hypot(b), b.atan2(a).to_degrees().rem_euclid(360.0))
}

/// The linear channels of a colour: outside of 0 to 1 where sRGB does not have it.
pub(super) fn linear_srgb(lightness: f64, chroma: f64, hue: f64) -> [f64; 3] {
    let (sine, cosine) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * cosine, chroma * sine);
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ]
}

/// Whether sRGB has this colour. Browsers change the lightness of one that it does not have.
pub(super) fn is_srgb(lightness: f64, chroma: f64, hue: f64) -> bool {
    // As exact as the numbers above.
    linear_srgb(lightness, chroma, hue)
        .iter()
        .all(|channel| (-1e-6..=1.0 + 1e-6).contains(channel))
}

/// A channel of sRGB without its gamma.
fn linear(channel: f64) -> f64 {
    if channel <= 0.040_45 {
        channel / 12.92
    } else {
        ((channel + 0.055) / 1.055).powf(2.4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the CSS Color 4 sample code for the same colours.
    #[test]
    fn the_corners_of_srgb_are_where_css_has_them() {
        for (colour, chroma, hue) in [
            ([255, 0, 0], 0.257_68, 29.23),
            ([255, 255, 0], 0.211_01, 109.77),
            ([0, 255, 0], 0.294_83, 142.50),
            ([0, 0, 255], 0.313_21, 264.05),
            ([255, 0, 255], 0.322_49, 328.36),
        ] {
            let (found_chroma, found_hue) = chroma_and_hue(colour);
            assert!(
                (found_chroma - chroma).abs() < 1e-4,
                "{colour:?}: {found_chroma}"
            );
            assert!((found_hue - hue).abs() < 0.02, "{colour:?}: {found_hue}");
        }
        for grey in [[0; 3], [119; 3], [255; 3]] {
            assert!(chroma_and_hue(grey).0 < 1e-4, "{grey:?}");
        }
    }

    #[test]
    fn the_way_back_leads_to_the_same_colour() {
        // Pure red.
        let back = linear_srgb(0.627_96, 0.257_68, 29.234);
        for (channel, expected) in back.into_iter().zip([1.0, 0.0, 0.0]) {
            assert!((channel - expected).abs() < 1e-3, "{back:?}");
        }
        assert!(is_srgb(0.62, 0.2, 29.234) && !is_srgb(0.62, 0.3, 29.234));
        assert!(is_srgb(0.0, 0.0, 0.0) && is_srgb(1.0, 0.0, 0.0) && !is_srgb(1.0, 0.01, 264.0));
    }
}
