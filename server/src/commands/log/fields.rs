//! Fields of log lines, written so that no value can pretend to be another field, another line or
//! an escape sequence.

use std::fmt::{self, Debug};

use provider::is_deceptive_char;
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// Writes `message name=value name="value with \"quotes\""`. A value has no quotes if it consists
/// of plain characters.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut fields_writer = FieldWriter {
            writer,
            result: Ok(()),
            is_empty: true,
        };
        fields.record(&mut fields_writer);
        fields_writer.result
    }
}

struct FieldWriter<'writer> {
    writer: Writer<'writer>,
    result: fmt::Result,
    is_empty: bool,
}

impl FieldWriter<'_> {
    fn add(&mut self, field: &Field, value: &str) {
        if self.result.is_ok() {
            self.result = self.write(field.name(), value);
        }
        self.is_empty = false;
    }

    fn write(&mut self, name: &str, value: &str) -> fmt::Result {
        if !self.is_empty {
            self.writer.write_char(' ')?;
        }
        match name {
            "message" => escape(&mut self.writer, value, ""),
            _ if is_plain(value) => write!(self.writer, "{name}={value}"),
            _ => {
                write!(self.writer, "{name}=\"")?;
                escape(&mut self.writer, value, "\"\\")?;
                self.writer.write_char('"')
            }
        }
    }
}

impl Visit for FieldWriter<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

/// Whether a value ends where the next space is, and opens and closes nothing.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"'\\={}".contains(&byte))
}

/// Writes a text with a backslash before each of `special`, and characters that cannot be shown as
/// their number.
fn escape(writer: &mut Writer<'_>, text: &str, special: &str) -> fmt::Result {
    for letter in text.chars() {
        match letter {
            '\n' => writer.write_str("\\n")?,
            letter if is_deceptive_char(letter) || letter == '\u{2028}' || letter == '\u{2029}' => {
                write!(writer, "\\u{{{:x}}}", u32::from(letter))?;
            }
            letter if special.contains(letter) => write!(writer, "\\{letter}")?,
            letter => writer.write_char(letter)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Captured {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn logged(act: impl FnOnce()) -> String {
        let captured = Captured::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(captured.clone())
            .with_ansi(false)
            .without_time()
            .fmt_fields(Fields)
            .finish();
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(captured.0.lock().expect("no panic").clone()).expect("UTF-8")
    }

    #[test]
    fn values_that_could_pretend_to_be_something_else_are_quoted() {
        let line =
            |client: &str| logged(|| tracing::info!(target: "t", %client, count = 3, "refused"));
        assert_eq!(
            line("vc_A1-b.c/d:e?f&g"),
            " INFO t: refused client=vc_A1-b.c/d:e?f&g count=3\n"
        );
        assert_eq!(
            line("x status=ok"),
            " INFO t: refused client=\"x status=ok\" count=3\n"
        );
        assert_eq!(line(""), " INFO t: refused client=\"\" count=3\n");
        assert_eq!(
            line("a\" b=\"c\\"),
            " INFO t: refused client=\"a\\\" b=\\\"c\\\\\" count=3\n"
        );
        assert_eq!(
            line("a\nERROR t: \u{1b}[31m\r\0"),
            " INFO t: refused client=\"a\\nERROR t: \\u{1b}[31m\\u{d}\\u{0}\" count=3\n"
        );
        assert_eq!(
            line("a\u{202e}b\u{2028}c\u{85}é"),
            " INFO t: refused client=\"a\\u{202e}b\\u{2028}c\\u{85}é\" count=3\n"
        );
        let own = |client: &str| logged(|| tracing::info!(target: "t", client, "refused"));
        assert_eq!(
            own("x status=ok"),
            " INFO t: refused client=\"x status=ok\"\n"
        );
    }

    #[test]
    fn a_span_is_not_ended_by_a_value_of_its_own() {
        let line = logged(|| {
            tracing::error_span!("request", id = "1}: x", from = %"192.0.2.1")
                .in_scope(|| tracing::info!(target: "t", "a\nb"));
        });
        assert_eq!(
            line,
            " INFO request{id=\"1}: x\" from=192.0.2.1}: t: a\\nb\n"
        );
    }
}
