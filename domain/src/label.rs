//! Documents that labels are printed from, as carriers send them: looked at before they are kept, since printers and people's machines open
//! them.

use crate::kinds::named;

named! {
    /// What a label document is.
    LabelFormat {
        Pdf = "pdf",
        Png = "png",
        /// Zebra's language for label printers.
        Zpl = "zpl",
    }
}

/// Largest label document, in bytes.
pub const LABEL_MAX_BYTES: usize = 2 * 1024 * 1024;

/// Why a document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFlaw {
    #[error("a label document of {bytes} bytes: none has more than {LABEL_MAX_BYTES}")]
    TooLarge { bytes: usize },
    #[error("the label document is no {}", .0.name())]
    NotOfItsFormat(LabelFormat),
    /// A label prints; it does not set a printer up, or write to its memory.
    #[error("the label document has the ZPL command {0}, which no label needs")]
    CommandNotAllowed(String),
}

impl LabelFormat {
    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    /// As HTTP calls it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Zpl => "application/zpl",
        }
    }

    /// Whether the bytes are such a document: of its size, with its first and last bytes, and of ZPL every command.
    pub fn check(self, bytes: &[u8]) -> Result<(), DocumentFlaw> {
        if bytes.len() > LABEL_MAX_BYTES {
            return Err(DocumentFlaw::TooLarge { bytes: bytes.len() });
        }
        match self {
            Self::Pdf if bytes.starts_with(b"%PDF-") && has_end(bytes, b"%%EOF") => Ok(()),
            Self::Png if bytes.starts_with(b"\x89PNG\r\n\x1a\n") && has_end(bytes, b"IEND") => Ok(()),
            Self::Zpl => check_zpl(bytes),
            Self::Pdf | Self::Png => Err(DocumentFlaw::NotOfItsFormat(self)),
        }
    }
}

/// Within the last kilobyte, as readers look for it.
fn has_end(bytes: &[u8], end: &[u8]) -> bool {
    bytes[bytes.len().saturating_sub(1024)..].windows(end.len()).any(|window| window == end)
}

/// What a label is made of: where, in which font, what, barcodes, boxes, pictures, and how it comes out of the printer. Not in it is what is
/// kept by a printer (`^DF`, `~DG`, `^ID`, `^JU`), asked of it (`~HS`), or changes what a command looks like (`^CC`).
const ALLOWED: &[&str] = &[
    "^XA", "^XZ", "^FO", "^FT", "^FD", "^FS", "^FB", "^FH", "^FX", "^FR", "^FW", "^FV", "^FN", "^CF", "^CI", "^BY", "^GB", "^GC", "^GD",
    "^GE", "^GF", "^GS", "^PW", "^LL", "^LH", "^LS", "^LT", "^LR", "^PO", "^PM", "^PQ", "^PR", "^MN", "^MT", "^MM", "^MD", "^SN", "^TB",
];

fn check_zpl(bytes: &[u8]) -> Result<(), DocumentFlaw> {
    let no_zpl = DocumentFlaw::NotOfItsFormat(LabelFormat::Zpl);
    let text = std::str::from_utf8(bytes).map_err(|_| no_zpl.clone())?.trim();
    let upper = text.to_ascii_uppercase();
    if !upper.starts_with("^XA") || !upper.ends_with("^XZ") {
        return Err(no_zpl);
    }
    // Neither sign is ever data: a field writes them as hexadecimal digits.
    let commands = upper.match_indices(['^', '~']).map(|(at, _)| upper[at..].chars().take(3).collect::<String>());
    match commands.into_iter().find(|command| !is_allowed(command)) {
        Some(command) => Err(DocumentFlaw::CommandNotAllowed(command.chars().filter(|c| c.is_ascii_graphic()).collect())),
        None => Ok(()),
    }
}

fn is_allowed(command: &str) -> bool {
    let letters = command.as_bytes();
    let second = letters.get(1);
    // A font or a kind of barcode is the letter or digit after A and B.
    let of_family = letters.first() == Some(&b'^')
        && matches!(second, Some(b'A' | b'B'))
        && letters.get(2).is_some_and(|which| which.is_ascii_alphanumeric() || *which == b'@');
    of_family || ALLOWED.contains(&command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\nendobj\ntrailer\n%%EOF\n";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....IEND\xaeB`\x82";
    const ZPL: &[u8] = b"^XA^CI28^FO50,50^A0N,30,30^FDPARCEL 1^FS^FO50,100^BY3^BCN,100,Y,N,N^FD>:SIM1^FS^GB700,3,3^FS^XZ\n";

    #[test]
    fn a_document_is_what_its_first_and_last_bytes_say() {
        for (format, bytes) in [(LabelFormat::Pdf, PDF), (LabelFormat::Png, PNG), (LabelFormat::Zpl, ZPL)] {
            for (other, _) in LabelFormat::NAMED {
                let expected = if LabelFormat::from_name(other) == Some(format) { Ok(()) } else { Err(()) };
                assert_eq!(LabelFormat::from_name(other).unwrap().check(bytes).map_err(drop), expected, "{format:?} as {other}");
            }
            assert!(format.check(&bytes[..bytes.len() / 2]).is_err(), "half of a {format:?}");
            assert!(format.check(b"").is_err() && format.check(b"<html>not found</html>").is_err());
        }
        let large = [PDF, &vec![b' '; LABEL_MAX_BYTES]].concat();
        assert_eq!(LabelFormat::Pdf.check(&large), Err(DocumentFlaw::TooLarge { bytes: large.len() }));
    }

    #[test]
    fn zpl_that_does_more_than_print_is_refused_by_name() {
        for (inside, named) in [
            ("~DGR:LOGO.GRF,1,1,00", "~DG"),
            ("^DFR:FORM.ZPL^FS", "^DF"),
            ("^IDR:*.*^FS", "^ID"),
            ("^JUS", "^JU"),
            ("^CC/", "^CC"),
            ("~hs", "~HS"),
            ("^", "^^X"),
            ("^K\u{e9}", "^K"),
        ] {
            let text = format!("^XA^FO1,1{inside}^XZ");
            assert_eq!(LabelFormat::Zpl.check(text.as_bytes()), Err(DocumentFlaw::CommandNotAllowed(named.to_owned())), "{inside}");
        }
        assert_eq!(LabelFormat::Zpl.check(b"^XA^GFA,2,2,1,\xff\xfe^XZ"), Err(DocumentFlaw::NotOfItsFormat(LabelFormat::Zpl)));
    }
}
