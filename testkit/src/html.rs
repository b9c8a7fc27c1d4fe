//! A parser for the HTML that our own pages use.

use crate::Query;

/// A page: its tags and texts in order.
#[derive(Debug)]
pub struct Document(Vec<Token>);

#[derive(Debug)]
enum Token {
    Open {
        name: String,
        attributes: Vec<(String, String)>,
    },
    Close(String),
    Text(String),
}

/// A form with its values.
#[derive(Clone, Debug)]
pub struct HtmlForm {
    /// The path to which it is posted.
    pub action: String,
    /// Its fields, without the button.
    pub fields: Query,
    buttons: Vec<Button>,
}

#[derive(Clone, Debug, Default)]
struct Button {
    words: String,
    name: String,
    value: String,
}

impl Document {
    /// Parses a page.
    pub fn parse(mut html: &str) -> Self {
        let mut tokens = Vec::new();
        while let Some(start) = html.find('<') {
            push_text(&mut tokens, &html[..start]);
            html = &html[start..];
            html = match html.strip_prefix("<!--") {
                Some(rest) => after(rest, "-->"),
                None if html.starts_with("<!") => after(html, ">"),
                None => tag(html, &mut tokens),
            };
            if let Some(Token::Open { name, .. }) = tokens.last()
                && matches!(name.as_str(), "script" | "style")
            {
                html = html.find("</").map_or("", |end| &html[end..]);
            }
        }
        push_text(&mut tokens, html);
        Self(tokens)
    }

    /// The `data-page` of `<main>`; empty when there is none.
    pub fn page(&self) -> &str {
        self.attributes("main", "data-page")
            .next()
            .unwrap_or_default()
    }

    /// The values of an attribute on all tags of a name that have it.
    pub fn attributes<'a>(
        &'a self,
        tag: &'a str,
        attribute: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |token| match token {
            Token::Open { name, attributes } if name == tag => value(attributes, attribute),
            _ => None,
        })
    }

    /// Names of all tags, in order.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|token| match token {
            Token::Open { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    /// All attributes of all tags.
    pub fn all_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|token| match token {
                Token::Open { attributes, .. } => attributes.as_slice(),
                _ => &[],
            })
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The visible text in `<main>`, with single spaces.
    pub fn words(&self) -> String {
        let begin = self
            .0
            .iter()
            .position(|token| matches!(token, Token::Open { name, .. } if name == "main"))
            .unwrap_or(0);
        let texts = self.0[begin..].iter().filter_map(|token| match token {
            Token::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts
            .flat_map(str::split_whitespace)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The error message of a form: the text inside of `role="alert"`.
    pub fn alert(&self) -> Option<String> {
        let begin = self
            .0
            .iter()
            .position(|token| matches!(token, Token::Open { attributes, .. } if value(attributes, "role") == Some("alert")))?;
        self.0[begin..].iter().find_map(|token| match token {
            Token::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => None,
        })
    }

    /// The form with a button of this text.
    pub fn form(&self, button: &str) -> HtmlForm {
        let found = self
            .forms()
            .into_iter()
            .find(|form| form.buttons.iter().any(|own| own.says(button)));
        found.unwrap_or_else(|| panic!("no form with the button {button:?} in: {}", self.words()))
    }

    fn forms(&self) -> Vec<HtmlForm> {
        let mut forms: Vec<HtmlForm> = Vec::new();
        let mut open = false;
        let mut in_button = false;
        for token in &self.0 {
            match token {
                // Search forms use GET, since they change nothing and their URLs can be bookmarked.
                Token::Open { name, attributes }
                    if name == "form" && value(attributes, "method") == Some("get") => {}
                Token::Open { name, attributes } if name == "form" => {
                    assert_eq!(value(attributes, "method"), Some("post"), "our forms post");
                    let action = value(attributes, "action")
                        .expect("a form has an action")
                        .to_owned();
                    forms.push(HtmlForm {
                        action,
                        fields: Query::default(),
                        buttons: Vec::new(),
                    });
                    open = true;
                }
                Token::Close(name) if name == "form" => open = false,
                Token::Open { name, attributes } if open => {
                    let form = forms.last_mut().expect("an open form");
                    in_button = if name == "button" {
                        value(attributes, "type") == Some("submit")
                    } else {
                        in_button
                    };
                    form.take(name, attributes);
                }
                Token::Close(name) if name == "button" => in_button = false,
                Token::Text(text) if in_button => {
                    if let Some(button) = forms.last_mut().and_then(|form| form.buttons.last_mut())
                    {
                        button.words.push_str(text);
                    }
                }
                _ => {}
            }
        }
        forms
    }
}

impl Button {
    /// Whether this is its text, ignoring white space.
    fn says(&self, words: &str) -> bool {
        self.words.split_whitespace().eq(words.split_whitespace())
    }
}

impl HtmlForm {
    fn take(&mut self, tag: &str, attributes: &[(String, String)]) {
        let of = |name| value(attributes, name).unwrap_or_default().to_owned();
        match tag {
            "input" if !of("name").is_empty() => {
                self.fields = std::mem::take(&mut self.fields).and(&of("name"), &of("value"));
            }
            "button" if of("type") == "submit" => {
                self.buttons.push(Button {
                    words: String::new(),
                    name: of("name"),
                    value: of("value"),
                });
            }
            _ => {}
        }
    }

    /// Sets a field, also a hidden one.
    #[must_use]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        self.fields = self.fields.set(name, value);
        self
    }

    /// Removes a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields = self.fields.without(name);
        self
    }

    /// Its form token.
    pub fn token(&self) -> String {
        let token = self.fields.one("form_token");
        token.expect("a form token").to_owned()
    }

    /// The parameters that are sent when the button with this text is pressed.
    pub fn press(&self, button: &str) -> Query {
        let pressed = self
            .buttons
            .iter()
            .find(|own| own.says(button))
            .expect("a button with these words");
        let fields = self.fields.clone();
        if pressed.name.is_empty() {
            fields
        } else {
            fields.and(&pressed.name, &pressed.value)
        }
    }
}

fn value<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.as_str())
}

fn push_text(tokens: &mut Vec<Token>, text: &str) {
    if !text.is_empty() {
        tokens.push(Token::Text(unescaped(text)));
    }
}

fn after<'a>(html: &'a str, end: &str) -> &'a str {
    html.find(end).map_or("", |at| &html[at + end.len()..])
}

/// Parses one tag; returns the rest.
fn tag<'a>(html: &'a str, tokens: &mut Vec<Token>) -> &'a str {
    let closing = html.starts_with("</");
    let mut rest = &html[if closing { 2 } else { 1 }..];
    let name = word(&mut rest).to_ascii_lowercase();
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(done) = rest.strip_prefix("/>").or_else(|| rest.strip_prefix('>')) {
            tokens.push(if closing {
                Token::Close(name)
            } else {
                Token::Open { name, attributes }
            });
            return done;
        }
        let attribute = word(&mut rest).to_ascii_lowercase();
        assert!(
            !attribute.is_empty(),
            "an odd tag: {}",
            &html[..html.len().min(200)]
        );
        let text = match rest.strip_prefix("=\"") {
            Some(quoted) => {
                let end = quoted.find('"').expect("a closing quote");
                rest = &quoted[end + 1..];
                unescaped(&quoted[..end])
            }
            None if rest.starts_with('=') => {
                rest = &rest[1..];
                unescaped(word(&mut rest))
            }
            None => String::new(),
        };
        attributes.push((attribute, text));
    }
}

fn word<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest
        .find(|letter: char| letter.is_whitespace() || matches!(letter, '=' | '>' | '/' | '"'))
        .unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

fn unescaped(text: &str) -> String {
    let plain = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    plain
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&#x2F;", "/")
        .replace("&amp;", "&")
}
