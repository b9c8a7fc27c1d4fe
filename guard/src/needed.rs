//! What a call needs.

/// The scopes that a call needs, in the order of the rules, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed<'a>(Vec<&'a str>);

impl<'a> Needed<'a> {
    /// The scopes. None of them for a call without a rule, which needs a valid token alone.
    pub fn scopes(&self) -> &[&'a str] {
        &self.0
    }

    /// Whether a token with these scopes, separated by spaces, permits the call.
    pub fn is_met_by(&self, granted: &str) -> bool {
        let has = |scope: &&str| granted.split(' ').any(|granted| granted == *scope);
        self.0.iter().all(has)
    }
}

impl<'a> FromIterator<&'a str> for Needed<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        let mut needed = Vec::new();
        for scope in scopes {
            if !needed.contains(&scope) {
                needed.push(scope);
            }
        }
        Self(needed)
    }
}
