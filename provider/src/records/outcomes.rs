//! Many steps, of which some may fail.

use crate::unavailable::Unavailable;

/// What became of many steps, which go on when one fails.
#[derive(Default)]
pub(crate) struct Outcomes {
    first: Option<Unavailable>,
    in_a_row: usize,
}

impl Outcomes {
    /// How many failures in a row mean that the store does not answer at all.
    const ENOUGH: usize = 3;

    /// Adds one. The error is the first of all, when it makes no sense to go on.
    pub(crate) fn add<T>(
        &mut self,
        outcome: Result<T, Unavailable>,
    ) -> Result<Option<T>, Unavailable> {
        match outcome {
            Ok(done) => {
                self.in_a_row = 0;
                Ok(Some(done))
            }
            Err(error) => {
                let first = self.first.get_or_insert(error).clone();
                self.in_a_row += 1;
                if self.in_a_row < Self::ENOUGH {
                    Ok(None)
                } else {
                    Err(first)
                }
            }
        }
    }

    /// The first failure, if there was one.
    pub(crate) fn end(self) -> Result<(), Unavailable> {
        self.first.map_or(Ok(()), Err)
    }
}
