//! The versions Sampan proposes; a person may overwrite them, the platform's own check follows.

use jiff::civil::Date;

super::words! {
    /// How a platform's versions are made.
    Rule { Dated = "YY.MM.DD.N" }
}

/// `n` is one more than the releases of that program on that day.
pub fn propose(rule: Rule, day: Date, n: i64) -> String {
    match rule {
        Rule::Dated => format!("{:02}.{:02}.{:02}.{n}", day.year() % 100, day.month(), day.day()),
    }
}

/// Letters, digits, dots, dashes: what every vendor takes and no shell or path misreads.
pub fn is_valid(version: &str) -> bool {
    !version.is_empty()
        && version.len() <= 64
        && version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || ".-_+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dated() {
        assert_eq!(propose(Rule::Dated, jiff::civil::date(2026, 3, 7), 4), "26.03.07.4");
        assert!(is_valid("26.03.07.4"));
        assert!(!is_valid("'; rm -rf /") && !is_valid("-x") && !is_valid(""));
    }
}
