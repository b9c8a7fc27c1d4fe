//! Tables of texts.

/// Declares a function from the variants of an enum to their texts. A variant without a row does
/// not compile.
macro_rules! text_table {
    (
        $(#[$doc:meta])*
        $visibility:vis $name:ident($kind:ident) {
            $($($variant:ident $(($any:tt))?)|+: $text:literal,)+
        }
    ) => {
        $(#[$doc])*
        $visibility const fn $name(kind: $kind) -> &'static str {
            match kind {
                $($($kind::$variant $(($any))?)|+ => $text,)+
            }
        }
    };
}
pub(crate) use text_table;
