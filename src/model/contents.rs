//! The files of a package, counted before it was delivered.

use serde::{Deserialize, Serialize};

use crate::model::release::Size;

/// Files named one by one; the smaller ones are counted together.
const MOST: usize = 4_000;
/// The package that is no sub-package.
pub const MAIN: &str = "__APP__";
/// All packages together.
pub const WHOLE: &str = "__FULL__";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Path and bytes, largest first.
    pub files: Vec<(String, i64)>,
    /// Files that are not named, and their bytes.
    pub rest: (i64, i64),
}

impl Contents {
    /// Source maps are not what phones load.
    pub fn new(mut files: Vec<(String, i64)>) -> Self {
        files.retain(|(path, _)| !path.ends_with(".map"));
        files.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let rest = files.split_off(files.len().min(MOST));
        Self { files, rest: (rest.len() as i64, sum(rest.iter().map(|(_, bytes)| *bytes))) }
    }

    pub fn bytes(&self) -> i64 {
        sum(self.files.iter().map(|(_, bytes)| *bytes)).saturating_add(self.rest.1)
    }

    /// Its files by package, as the sizes of the same release name them; packages without files are left out.
    pub fn by_package(&self, sizes: &[Size]) -> Vec<(String, Vec<(&str, i64)>)> {
        let mut roots: Vec<&str> =
            sizes.iter().map(|size| size.name.as_str()).filter(|name| !name.starts_with("__")).collect();
        // The longest first, so that a nested one keeps its files.
        roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        let mut packages: Vec<(String, Vec<(&str, i64)>)> = vec![(MAIN.to_owned(), vec![])];
        packages.extend(roots.iter().map(|root| ((*root).to_owned(), vec![])));
        for (path, bytes) in &self.files {
            let inside = |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.starts_with('/'));
            let name = roots.iter().find(|root| inside(root)).copied().unwrap_or(MAIN);
            if let Some((_, files)) = packages.iter_mut().find(|(known, _)| known == name) {
                files.push((path, *bytes));
            }
        }
        packages.retain(|(_, files)| !files.is_empty());
        packages.sort_by_key(|(_, files)| std::cmp::Reverse(sum(files.iter().map(|(_, bytes)| *bytes))));
        packages
    }

    /// Files whose size differs from `before`: path, bytes then, bytes now; the largest difference first.
    pub fn changes(&self, before: &Self) -> Vec<(String, i64, i64)> {
        let then: std::collections::HashMap<&str, i64> =
            before.files.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
        let now: std::collections::HashMap<&str, i64> =
            self.files.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
        let was = |path: &str| then.get(path).copied().unwrap_or(0);
        let mut changes: Vec<_> = self.files.iter().map(|(path, bytes)| (path.clone(), was(path), *bytes)).collect();
        let gone = before.files.iter().filter(|(path, _)| !now.contains_key(path.as_str()));
        changes.extend(gone.map(|(path, bytes)| (path.clone(), *bytes, 0)));
        changes.retain(|(_, then, now)| then != now);
        changes.sort_by_key(|(path, then, now)| (std::cmp::Reverse((now - then).abs()), path.clone()));
        changes
    }
}

/// Sizes are what a stranger's archive says.
fn sum(sizes: impl Iterator<Item = i64>) -> i64 {
    sizes.fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(files: &[(&str, i64)]) -> Contents {
        Contents::new(files.iter().map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect())
    }

    #[test]
    fn files_belong_to_the_longest_package() {
        let size = |name: &str| Size { name: name.to_owned(), bytes: 0, limit: None };
        let contents =
            contents(&[("app.js", 5), ("sub/a.js", 90), ("sub/deep/b.js", 7), ("subway/c.js", 1), ("x.map", 9)]);
        let sizes = [size(WHOLE), size(MAIN), size("sub"), size("sub/deep"), size("empty")];
        assert_eq!(
            contents.by_package(&sizes),
            [
                ("sub".to_owned(), vec![("sub/a.js", 90)]),
                ("sub/deep".to_owned(), vec![("sub/deep/b.js", 7)]),
                (MAIN.to_owned(), vec![("app.js", 5), ("subway/c.js", 1)]),
            ]
        );
        assert_eq!(contents.bytes(), 103);
    }

    #[test]
    fn changes_are_what_came_went_and_grew() {
        let (before, after) = (contents(&[("a", 10), ("b", 5), ("c", 1)]), contents(&[("a", 30), ("c", 1), ("d", 7)]));
        let changes = [("a".to_owned(), 10, 30), ("d".to_owned(), 0, 7), ("b".to_owned(), 5, 0)];
        assert_eq!(after.changes(&before), changes);
    }

    #[test]
    fn thousands_of_small_files_are_counted_together() {
        let many: Vec<_> = (0..5_000).map(|n| (format!("{n}.js"), n)).collect();
        let contents = Contents::new(many);
        assert_eq!((contents.files.len(), contents.rest.0, contents.bytes()), (4_000, 1_000, 4_999 * 5_000 / 2));
    }
}
