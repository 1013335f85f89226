//! What the pages say, in the languages that they say it in.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey},
    parser,
};

/// A value that words have a place for.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(i64),
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

macro_rules! from_number {
    ($($Number:ty)+) => { $(
        impl From<$Number> for Value {
            fn from(number: $Number) -> Self {
                i64::try_from(number).map_or_else(|_| Self::Text(number.to_string()), Self::Number)
            }
        }
    )+ };
}
from_number!(i64 u64 u32 usize);

macro_rules! from_reference {
    ($($Of:ty)+) => { $(
        impl From<&$Of> for Value {
            fn from(of: &$Of) -> Self {
                (*of).into()
            }
        }
    )+ };
}
from_reference!(i64 u64 u32 usize &str);

/// What is said, by its name: of Fluent's syntax what these files use, which a test sees to. (The crate that resolves all of it brings a
/// dozen others, and turns on features of what the whole house stands on.)
type Bundle = BTreeMap<String, Pattern<String>>;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
    /// English, written from right to left: it shows what is not translated, and what does not turn round.
    Mirrored,
}

const ENGLISH: &str = include_str!("../locales/en.ftl");
const GERMAN: &str = include_str!("../locales/de.ftl");

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| [ENGLISH, GERMAN].map(bundle));

impl Language {
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::German, Self::Mirrored];

    /// As browsers name it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            // The tag that others use for English mirrored.
            Self::Mirrored => "ar-XB",
        }
    }

    /// As it calls itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::Mirrored => "hsilgnE",
        }
    }

    pub(crate) fn direction(self) -> &'static str {
        match self {
            Self::English | Self::German => "ltr",
            Self::Mirrored => "rtl",
        }
    }

    /// The one of this tag.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// The first that a browser would take.
    pub(crate) fn accepted(header: &str) -> Self {
        let tags = header.split(',').filter_map(|part| part.split([';', '-']).next()).map(str::trim);
        let mut known = tags.filter_map(Self::of_tag);
        known.next().unwrap_or(Self::English)
    }

    /// What is called this; what nobody has translated is shown by its name, so that it is missed.
    pub(crate) fn say(self, key: &str, arguments: &[(&str, Value)]) -> String {
        self.find(key, arguments).unwrap_or_else(|| key.to_owned())
    }

    /// The same, if it is there.
    pub(crate) fn find(self, key: &str, arguments: &[(&str, Value)]) -> Option<String> {
        let bundle = match self {
            Self::English | Self::Mirrored => &BUNDLES[0],
            Self::German => &BUNDLES[1],
        };
        let said = Said { mirrored: self == Self::Mirrored, arguments };
        bundle.get(key).map(|pattern| said.pattern(pattern))
    }

    /// A word of the API as people say it: `in_transit` by its own translation, else as it is spelled.
    pub(crate) fn word(self, kind: &str, value: &str) -> String {
        let key = format!("{kind}-{}", value.replace('_', "-"));
        self.find(&key, &[]).unwrap_or_else(|| value.replace(['_', '-'], " "))
    }
}

fn bundle(text: &str) -> Bundle {
    let read = parser::parse(text.to_owned()).unwrap_or_else(|(read, errors)| {
        tracing::error!(words.errors = ?errors, "some words cannot be read");
        read
    });
    let message = |entry| if let Entry::Message(message) = entry { Some((message.id.name, message.value?)) } else { None };
    read.body.into_iter().filter_map(message).collect()
}

/// Words with their places filled.
struct Said<'a> {
    mirrored: bool,
    arguments: &'a [(&'a str, Value)],
}

impl Said<'_> {
    fn pattern(&self, pattern: &Pattern<String>) -> String {
        pattern.elements.iter().map(|element| self.element(element)).collect()
    }

    fn element<'b>(&self, element: &'b PatternElement<String>) -> Cow<'b, str> {
        match element {
            PatternElement::TextElement { value } if self.mirrored => mirrored(value),
            PatternElement::TextElement { value } => value.as_str().into(),
            PatternElement::Placeable { expression } => self.expression(expression).into(),
        }
    }

    fn expression(&self, expression: &Expression<String>) -> String {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                let chosen = self.inline(selector);
                // Both languages tell one from all other numbers.
                let category = if chosen == "1" { "one" } else { "other" };
                let is_meant = |key: &VariantKey<String>| match key {
                    VariantKey::Identifier { name } => *name == chosen || name == category,
                    VariantKey::NumberLiteral { value } => *value == chosen,
                };
                let meant = variants.iter().find(|variant| is_meant(&variant.key));
                let meant = meant.or_else(|| variants.iter().find(|variant| variant.default));
                meant.map(|variant| self.pattern(&variant.value)).unwrap_or_default()
            }
        }
    }

    fn inline(&self, inline: &InlineExpression<String>) -> String {
        let InlineExpression::VariableReference { id } = inline else { return String::new() };
        match self.arguments.iter().find(|(name, _)| *name == id.name) {
            Some((_, Value::Number(number))) => number.to_string(),
            // What comes from elsewhere keeps its own direction.
            Some((_, Value::Text(text))) if self.mirrored => format!("\u{2068}{text}\u{2069}"),
            Some((_, Value::Text(text))) => text.clone(),
            None => {
                tracing::error!(words.argument = id.name, "a page lacks what its words need");
                String::new()
            }
        }
    }
}

/// Each word turned round by the marks that override its direction.
fn mirrored(text: &str) -> Cow<'_, str> {
    let word = |word: &str| if word.chars().any(char::is_alphabetic) { format!("\u{202e}{word}\u{202c}") } else { word.to_owned() };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ").into()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Names of what a file says, with the arguments that each needs.
    fn said(text: &str) -> BTreeSet<(String, BTreeSet<String>)> {
        let mut all = BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with([' ', '#', '}', '\t']) && line.contains(" =")) {
            let (key, _) = line.split_once(" =").unwrap();
            let rest = &text[text.find(&format!("{key} =")).unwrap()..];
            let end = rest.find("\n\n").or_else(|| next_key(rest)).unwrap_or(rest.len());
            let arguments = rest[..end].split('$').skip(1);
            let name = |part: &str| part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            all.insert((key.to_owned(), arguments.map(name).collect()));
        }
        all
    }

    /// Where the next message begins.
    fn next_key(text: &str) -> Option<usize> {
        text.match_indices('\n').map(|(at, _)| at).find(|at| text[at + 1..].starts_with(|c: char| c.is_ascii_lowercase()))
    }

    #[test]
    fn what_is_said_in_one_language_is_said_in_the_other_with_the_same_arguments() {
        let (english, german) = (said(ENGLISH), said(GERMAN));
        let missing: Vec<_> = english.symmetric_difference(&german).collect();
        assert!(english.len() > 100 && missing.is_empty(), "{missing:#?}");
        for text in [ENGLISH, GERMAN] {
            let keys: Vec<&str> = text.lines().filter_map(|line| line.split_once(" =").map(|(key, _)| key)).collect();
            let twice = keys.iter().enumerate().find(|(n, key)| keys[..*n].contains(key));
            assert_eq!(twice, None);
            let read = parser::parse(text).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
            for entry in &read.body {
                let Entry::Message(message) = entry else { continue };
                for element in message.value.iter().flat_map(|pattern| &pattern.elements) {
                    let inline = match element {
                        PatternElement::TextElement { .. } => continue,
                        PatternElement::Placeable { expression: Expression::Inline(inline) } => inline,
                        PatternElement::Placeable { expression: Expression::Select { selector, .. } } => selector,
                    };
                    assert!(matches!(inline, InlineExpression::VariableReference { .. }), "{}", message.id.name);
                }
            }
        }
    }

    /// Everything in double quotes after an opening.
    fn quoted<'a>(text: &'a str, opening: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(opening).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn what_pages_say_is_there_and_nothing_else() {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut asked = BTreeSet::new();
        let mut folders = vec![home.join("templates"), home.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(path).unwrap();
                for opening in [".t(\"", ".t1(\"", ".t2(\"", ".tn(\""] {
                    asked.extend(quoted(&text, opening).map(str::to_owned));
                }
            }
        }
        let known: BTreeSet<String> = said(ENGLISH).into_iter().map(|(key, _)| key).collect();
        let missing: Vec<_> = asked.iter().filter(|key| !known.contains(*key)).collect();
        assert!(missing.is_empty(), "{missing:#?}");
        // Words of the API are asked for by what it says.
        let words = [
            "status-",
            "parcel-",
            "method-",
            "event-",
            "reason-",
            "hold-",
            "action-",
            "done-",
            "kind-",
            "wait-",
            "actor-",
            "payment-",
            "scan-",
            "cause-",
            "in-",
            "ago-",
            "address-",
            "command-",
            "bench-stop-",
            "handover-scan-",
            "exception-",
            "role-",
            "feed-approve",
            "feed-reject",
            "figures-",
        ];
        let idle: Vec<_> = known.iter().filter(|key| !asked.contains(*key) && !words.iter().any(|w| key.starts_with(w))).collect();
        assert!(idle.is_empty(), "{idle:#?}");
    }

    #[test]
    fn a_browser_gets_the_first_language_that_there_is() {
        for (header, expected) in [("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr,en-GB;q=0.5", "en"), ("", "en"), ("ar-XB", "en")] {
            assert_eq!(Language::accepted(header).tag(), expected, "{header}");
        }
        assert_eq!(Language::German.word("status", "released"), "freigegeben");
        assert_eq!(Language::English.word("status", "something_new"), "something new");
    }
}
