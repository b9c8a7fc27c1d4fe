//! What the pages for administrators are called.

use crate::{
    admin,
    page::PageHead,
    pages::{AdminPage, pages},
};

macro_rules! titles {
    (
        redirects { $($redirects:tt)* }
        pages { $($pages:tt)* }
        admin {
            $($(#[$doc:meta])* $section:ident $path:literal $name:literal $module:ident;)*
        }
    ) => {
        impl AdminPage {
            /// What it is called.
            pub(crate) const fn head(self) -> PageHead {
                PageHead {
                    name: self.name(),
                    title: self.title(),
                }
            }

            /// Its title.
            pub(crate) const fn title(self) -> &'static str {
                match self {
                    $(Self::$section => admin::$module::messages::TITLE,)*
                }
            }

            /// What it shows, under its heading.
            pub(crate) const fn lead(self) -> &'static str {
                match self {
                    $(Self::$section => admin::$module::messages::LEAD,)*
                }
            }
        }
    };
}
pages!(titles);
