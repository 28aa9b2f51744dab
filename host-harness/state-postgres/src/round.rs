//! Whose turn it is in maintenance.

/// Rows that one commit removes at most: it holds the locks of a connection meanwhile.
pub const AT_ONCE: usize = 500;

/// Areas that keep rows for a time; and what is built again meanwhile.
pub const AREAS: usize = 11;

/// How far a round over the areas is. Each has its turn in each, so that none that always has something
/// to forget keeps the others from it.
#[derive(Debug, Default)]
pub struct Round {
    /// Whose turn it is.
    pub area: usize,
    /// An area of this round had more than a piece removes.
    is_behind: bool,
}

impl Round {
    /// The area has forgotten so many rows. Answers whether there is more to do in another transaction, and
    /// nothing where this one goes on: what others lock is not locked beside rows that were removed.
    pub fn done(&mut self, forgotten: usize) -> Option<bool> {
        self.is_behind |= forgotten >= AT_ONCE;
        self.area += 1;
        if self.area < AREAS {
            return (forgotten > 0).then_some(true);
        }
        Some(std::mem::take(self).is_behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers in which order areas had their turns until there was nothing more to do.
    fn turns(mut due: [usize; AREAS]) -> Vec<usize> {
        let (mut round, mut turns) = (Round::default(), Vec::new());
        loop {
            let area = round.area;
            turns.push(area);
            let forgotten = due[area].min(AT_ONCE);
            due[area] -= forgotten;
            if round.done(forgotten) == Some(false) {
                return turns;
            }
        }
    }

    #[test]
    fn an_area_that_always_has_something_keeps_no_other_from_its_turn() {
        let all: Vec<usize> = (0..AREAS).collect();
        assert_eq!(turns([0; AREAS]), all);
        assert_eq!(turns([1; AREAS]), all, "a trickle is one round");
        let mut due = [1; AREAS];
        due[1] = AT_ONCE + 1;
        assert_eq!(turns(due), [all.clone(), all].concat());
    }
}
