//! Enums of faults.

/// Declares an enum of faults without data, each with the words for it. The crate that uses it
/// depends on `thiserror`.
#[macro_export]
macro_rules! faults {
    ($(#[$about:meta])* $name:ident { $($fault:ident: $words:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::thiserror::Error)]
        pub enum $name { $(
            #[doc = concat!("`", $words, "`")]
            #[error($words)]
            $fault,
        )+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$fault),+];

            /// The words for it.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$fault => $words,)+ }
            }
        }
    };
}
