//! Codes for papers and screens, as SVG: they open what they stand for when they are scanned.

use barcoders::{generators::svg::SVG, sym::code128::Code128};
use qrcode::{EcLevel, QrCode, render::svg};

/// A Code 128 of a text, if it can be one.
pub(crate) fn code_128(text: &str) -> Option<String> {
    // In the set of letters, digits and signs.
    let bars = Code128::new(format!("\u{0181}{text}")).ok()?.encode();
    SVG::new(80).xdim(2).generate(bars).ok()
}

/// A QR code of a text, if it is short enough.
pub(crate) fn qr(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(120, 120).build();
    Some(drawn.trim_start_matches("<?xml version=\"1.0\" standalone=\"yes\"?>").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_ids_are_codes() {
        for id in ["536365-F1", "T1-F2-P1", "0190c1f2-7a3b-7000-8000-0123456789ab"] {
            assert!(code_128(id).unwrap().starts_with("<svg") && qr(id).unwrap().contains("<svg"), "{id}");
        }
        assert_eq!(code_128("über"), None);
    }
}
