//! How the numbers of couriers look: `#` is a digit, `@` an upper-case letter, `*` anything, each
//! as often as the number after it says; `*` without one is whatever follows. Other characters stand
//! for themselves.

/// Whether a number looks like one of these patterns, which stand with spaces between them.
pub(super) fn fits(patterns: &str, number: &str) -> bool {
    patterns.split(' ').any(|pattern| fits_one(pattern, number).is_some_and(str::is_empty))
}

/// What is left of a number after a pattern.
fn fits_one<'a>(pattern: &str, number: &'a str) -> Option<&'a str> {
    let mut pattern = pattern.chars().peekable();
    let mut rest = number;
    while let Some(sign) = pattern.next() {
        let mut count = 0;
        while let Some(digit) = pattern.peek().and_then(|next| next.to_digit(10))
            && "#@*".contains(sign)
        {
            pattern.next();
            count = count * 10 + digit;
        }
        if sign == '*' && count == 0 {
            return Some("");
        }
        for _ in 0..count.max(1) {
            let mut left = rest.chars();
            let next = left.next()?;
            let good = match sign {
                '#' => next.is_ascii_digit(),
                '@' => next.is_ascii_uppercase(),
                '*' => true,
                literal => next == literal,
            };
            rest = Some(left.as_str()).filter(|_| good)?;
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_the_whole_of_a_number() {
        for (patterns, number, good) in [
            ("#12", "123456789012", true),
            ("#12", "1234567890123", false),
            ("#10 #12", "123456789012", true),
            ("1Z*16", "1Z999AA10123456784", true),
            ("1Z*16", "2Z999AA10123456784", false),
            ("@2#9GB", "LX123456789GB", true),
            ("@2#9GB", "lX123456789GB", false),
            ("ITD-*", "ITD-0-1", true),
            ("ITD-*", "ITE-0-1", false),
            ("#1", "é", false),
        ] {
            assert_eq!(fits(patterns, number), good, "{patterns} {number}");
        }
    }
}
