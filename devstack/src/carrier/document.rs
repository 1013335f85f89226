//! The documents of a label: small, and real ones. The barcode is Code 39.

use std::fmt::Write as _;

use super::labels::{CARRIER, Parcel, Party};

/// Bars and gaps of each sign in turn, wide or narrow.
const CODE_39: [(char, &str); 14] = [
    ('0', "nnnwwnwnn"),
    ('1', "wnnwnnnnw"),
    ('2', "nnwwnnnnw"),
    ('3', "wnwwnnnnn"),
    ('4', "nnnwwnnnw"),
    ('5', "wnnwwnnnn"),
    ('6', "nnwwwnnnn"),
    ('7', "nnnwnnwnw"),
    ('8', "wnnwnnwnn"),
    ('9', "nnwwnnwnn"),
    ('S', "nnwnnnwwn"),
    ('I', "nnwnnwwnn"),
    ('M', "wnwnnnnwn"),
    ('*', "nwnnwnwnn"),
];
/// How many times as wide as a narrow one.
const WIDE: u32 = 3;

/// A document of a label in a format, if there is such.
pub(super) fn document(parcel: &Parcel, format: &str) -> Option<(&'static str, Vec<u8>)> {
    match format {
        "pdf" => Some(("application/pdf", pdf(parcel))),
        "zpl" => Some(("application/zpl", zpl(parcel).into_bytes())),
        "png" => Some(("image/png", png(&parcel.label.tracking_number))),
        _ => None,
    }
}

/// The lines of text: what it is, from where, and to whom.
fn lines(parcel: &Parcel) -> Vec<String> {
    let request = &parcel.label.request;
    let mut lines = vec![format!("{CARRIER} {}", request.service)];
    if parcel.voided {
        lines.push("VOID".to_owned());
    }
    let party = |lines: &mut Vec<String>, what: &str, party: Option<&Party>| {
        lines.push(what.to_owned());
        match party {
            Some(party) => lines.extend(party.lines()),
            None => lines.push(request.country.clone()),
        }
    };
    party(&mut lines, "From", request.from.as_ref());
    party(&mut lines, "To", request.to.as_ref());
    lines.push(format!("{} g, parcel {}", request.weight_g, request.reference));
    lines.push(parcel.label.tracking_number.clone());
    lines
}

/// What a printer's command could be hidden in is left out of a field.
fn zpl(parcel: &Parcel) -> String {
    let mut text = "^XA^CI28^PW812^LL1218".to_owned();
    for (row, line) in lines(parcel).iter().enumerate() {
        let line: String = line.chars().filter(|c| !matches!(c, '^' | '~' | '\\') && !c.is_control()).collect();
        let _ = write!(text, "^FO50,{}^A0N,32,32^FD{line}^FS", 50 + 40 * row);
    }
    let _ = writeln!(text, "^FO50,900^BY2^BCN,160,Y,N,N^FD{}^FS^XZ", parcel.label.tracking_number);
    text
}

/// Widths of bars and gaps in turn, beginning with a bar.
fn bars(number: &str) -> Vec<u32> {
    let pattern = |sign: char| CODE_39.iter().find(|(known, _)| *known == sign).map_or("", |(_, pattern)| pattern);
    let signs = format!("*{number}*");
    signs.chars().flat_map(|sign| pattern(sign).chars().map(|width| if width == 'w' { WIDE } else { 1 }).chain([1])).collect()
}

/// One page of four by six inches.
fn pdf(parcel: &Parcel) -> Vec<u8> {
    let mut content = "BT /F1 10 Tf 14 TL 20 405 Td\n".to_owned();
    for line in lines(parcel) {
        let line: String = line.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        let line = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        let _ = writeln!(content, "({line}) Tj T*");
    }
    content.push_str("ET\n");
    let mut at = 20.0;
    for (n, width) in bars(&parcel.label.tracking_number).into_iter().enumerate() {
        let width = f64::from(width) * 0.72;
        if n % 2 == 0 {
            let _ = writeln!(content, "{at:.2} 40 {width:.2} 70 re f");
        }
        at += width;
    }
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}endstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let (mut text, mut offsets) = ("%PDF-1.4\n".to_owned(), Vec::new());
    for (n, object) in objects.iter().enumerate() {
        offsets.push(text.len());
        let _ = writeln!(text, "{} 0 obj\n{object}\nendobj", n + 1);
    }
    let xref = text.len();
    let _ = writeln!(text, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1);
    for offset in offsets {
        let _ = writeln!(text, "{offset:010} 00000 n ");
    }
    let _ = writeln!(text, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF", objects.len() + 1);
    text.into_bytes()
}

const PNG_HEIGHT: u32 = 120;
const PNG_MARGIN: u32 = 20;

/// The barcode alone: black on white, a bit a pixel.
fn png(number: &str) -> Vec<u8> {
    let bars = bars(number);
    let width = bars.iter().sum::<u32>() * 2 + 2 * PNG_MARGIN;
    let row_bytes = width.div_ceil(8) as usize;
    let mut row = vec![0xff_u8; row_bytes];
    let mut at = PNG_MARGIN;
    for (n, bar) in bars.iter().enumerate() {
        for x in at..at + bar * 2 {
            if n % 2 == 0 {
                row[x as usize / 8] &= !(0x80 >> (x % 8));
            }
        }
        at += bar * 2;
    }
    let pixels: Vec<u8> = (0..PNG_HEIGHT).flat_map(|_| std::iter::once(0).chain(row.iter().copied())).collect();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &PNG_HEIGHT.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", deflated(&pixels)), (b"IEND", Vec::new())] {
        chunk(&mut png, kind, &data);
    }
    png
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // It writes to memory, which takes everything.
    let _ = std::io::Write::write_all(&mut encoder, bytes);
    encoder.finish().unwrap_or_default()
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    png.extend(kind);
    png.extend(data);
    png.extend(crc.sum().to_be_bytes());
}
