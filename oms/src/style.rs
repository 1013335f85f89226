//! Colour, where a terminal shows it: anstream removes it everywhere else, and where `NO_COLOR` asks for it.

use clap::builder::styling::{AnsiColor, Style};

/// A failure.
pub fn error(text: &str) -> String {
    painted(AnsiColor::Red.on_default().bold(), text)
}

/// Something worth finding again.
pub fn strong(text: &str) -> String {
    painted(Style::new().bold(), text)
}

/// Something that is fine.
#[cfg(feature = "dev")]
pub fn good(text: &str) -> String {
    painted(AnsiColor::Green.on_default(), text)
}

/// Something beside the point.
pub fn faint(text: &str) -> String {
    painted(Style::new().dimmed(), text)
}

fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
