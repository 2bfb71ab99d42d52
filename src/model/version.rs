//! The versions Sampan proposes; a person may overwrite them, the platform's own check follows.

use std::cmp::Ordering;

use jiff::civil::Date;

super::words! {
    /// How a platform's versions are made.
    Rule { Dated = "YY.MM.DD.N", Short = "YY.MMDD.N", Patch = "patch+1" }
}

/// `n` is one more than the releases of that program on that day, `last` the version that arrived last. Empty where
/// only a person knows.
pub fn propose(rule: Rule, day: Date, n: i64, last: Option<&str>) -> String {
    let (year, month, date) = (day.year() % 100, day.month(), day.day());
    match rule {
        Rule::Dated => format!("{year:02}.{month:02}.{date:02}.{n}"),
        Rule::Short => format!("{year}.{}.{n}", i16::from(month) * 100 + i16::from(date)),
        Rule::Patch => last.map_or("1.0.0".to_owned(), |last| next_patch(last).unwrap_or_default()),
    }
}

/// `1.4.9` → `1.4.10`; `None` for what is not dotted numbers.
pub fn next_patch(version: &str) -> Option<String> {
    let mut parts = numbers(version)?;
    *parts.last_mut()? += 1;
    Some(parts.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
}

/// Compares as dotted numbers, missing parts as zero; `None` where one is not made of numbers.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (numbers(a)?, numbers(b)?);
    let part = |list: &[u64], i: usize| list.get(i).copied().unwrap_or_default();
    Some(
        (0..a.len().max(b.len())).map(|i| part(&a, i).cmp(&part(&b, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal),
    )
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|part| part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()))).collect()
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
        let day = jiff::civil::date(2026, 3, 7);
        assert_eq!(propose(Rule::Dated, day, 4, None), "26.03.07.4");
        assert_eq!(propose(Rule::Short, day, 4, None), "26.307.4");
        assert_eq!(propose(Rule::Short, jiff::civil::date(2026, 11, 27), 1, None), "26.1127.1");
        assert_eq!(propose(Rule::Patch, day, 4, None), "1.0.0");
        assert_eq!(propose(Rule::Patch, day, 4, Some("2.9.9")), "2.9.10");
        assert_eq!(propose(Rule::Patch, day, 4, Some("beta")), "");
        assert!(is_valid("26.03.07.4"));
        assert_eq!(compare("1.10", "1.9.9"), Some(Ordering::Greater));
        assert_eq!(compare("1.0", "1.0.0"), Some(Ordering::Equal));
        assert_eq!((compare("1.+1", "1.0"), compare("a", "1")), (None, None));
        assert!(!is_valid("'; rm -rf /") && !is_valid("-x") && !is_valid(""));
    }
}
