//! Many steps, of which some may fail.

use crate::unavailable::Unavailable;

/// The outcomes of many steps, which continue after an error.
#[derive(Default)]
pub(crate) struct Outcomes {
    first: Option<Unavailable>,
    in_a_row: usize,
}

impl Outcomes {
    /// How many consecutive failures mean that the store does not answer.
    const ENOUGH: usize = 3;

    /// Adds one. Returns the first error when continuing makes no sense.
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
