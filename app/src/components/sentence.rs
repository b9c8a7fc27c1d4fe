//! Sentences of the catalogue with markup inside.

use leptos::prelude::*;

use crate::messages::{Piece, Template};

/// A sentence of the catalogue with views in its slots: `sentence!(messages::LEAD, client = view! { … },
/// resource = …)`.
macro_rules! sentence {
    ($template:expr, $($slot:ident = $view:expr),+ $(,)?) => {{
        const { $template.require(&[$(stringify!($slot)),+]) };
        $crate::components::fill($template, [$((stringify!($slot), leptos::prelude::IntoAny::into_any($view))),+])
    }};
}
pub(crate) use sentence;

/// A sentence with views in its slots. Called by [`sentence!`], which has compared the names.
pub(crate) fn fill<const SLOTS: usize>(
    template: Template,
    slots: [(&'static str, AnyView); SLOTS],
) -> impl IntoView {
    let mut slots = slots.map(|(name, view)| (name, Some(view)));
    let mut take = |wanted| {
        slots
            .iter_mut()
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, view)| view.take())
    };
    let pieces = template
        .pieces()
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Words(words) => Some(words.into_any()),
            Piece::Slot(name) => take(name),
        });
    pieces.collect_view()
}

#[cfg(test)]
mod tests {
    use leptos::prelude::*;

    use crate::messages::Template;

    #[test]
    fn slots_are_filled_in_the_order_of_the_language() {
        const LEAD: Template = Template::new("to let {client} use {resource}.");
        let html = Owner::new().with(|| {
            let view = sentence!(
                LEAD,
                resource = view! { <b>"Notes"</b> },
                client = view! { <bdi>"<Claude>"</bdi> }
            );
            view.into_view().to_html()
        });
        let text = html.replace("<!>", "");
        assert_eq!(text, "to let <bdi>&lt;Claude&gt;</bdi> use <b>Notes</b>.");
    }
}
