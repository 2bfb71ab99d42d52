//! Which package manager installs a project, where, and with which command. Reads file names and a few lines, runs nothing.

use std::path::Path;

use super::lockfile;
use super::workspace::read_plain;
use crate::model::program::Program;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Below the checkout: the project, or the workspace root above it that has the lockfile.
    pub folder: String,
    pub command: String,
    /// Whether a lockfile fixes what is installed.
    pub locked: bool,
}

/// The program's own command, else by the nearest lockfile at or above the project. `None`: nothing to install.
pub(super) fn plan(program: &Program, source: &Path, project: &Path, without_lockfile: bool) -> Option<Plan> {
    let below = |folder: &Path| folder.strip_prefix(source).ok().map(|path| path.to_string_lossy().into_owned());
    if !program.install_command.is_empty() {
        let locked = !without_lockfile && lockfile::ALL.iter().any(|name| project.join(name).is_file());
        return Some(Plan { folder: below(project)?, command: program.install_command.clone(), locked });
    }
    let folders = project.ancestors().take_while(|folder| folder.starts_with(source));
    for folder in folders {
        if let Some(command) = by_lockfile(folder, without_lockfile) {
            return Some(Plan { folder: below(folder)?, command, locked: !without_lockfile });
        }
    }
    project.join("package.json").is_file().then(|| Plan {
        folder: below(project).unwrap_or_default(),
        command: "npm install --include=dev --no-audit --no-fund --no-package-lock".to_owned(),
        locked: false,
    })
}

/// Development dependencies hold the compilers: wanted whatever NODE_ENV or `.npmrc` say.
fn by_lockfile(folder: &Path, without: bool) -> Option<String> {
    let has = |name: &str| folder.join(name).symlink_metadata().is_ok_and(|meta| meta.is_file());
    if !has("package.json") {
        return None;
    }
    let command = if has("pnpm-lock.yaml") {
        match without {
            false => "pnpm install --frozen-lockfile --prod=false",
            true => "pnpm install --no-frozen-lockfile --no-lockfile --prod=false",
        }
    } else if has("yarn.lock") {
        match (is_berry(folder), without) {
            (true, false) => return Some(format!("{} install --immutable", berry(folder))),
            (true, true) => return Some(format!("{} install --no-immutable", berry(folder))),
            (false, false) => "yarn install --frozen-lockfile --production=false --non-interactive",
            (false, true) => "yarn install --no-lockfile --production=false --non-interactive",
        }
    } else if has("package-lock.json") || has("npm-shrinkwrap.json") {
        match without {
            false => "npm ci --include=dev --no-audit --no-fund",
            true => "npm install --include=dev --no-audit --no-fund --no-package-lock",
        }
    } else {
        return None;
    };
    Some(command.to_owned())
}

/// Yarn 2 and later write their lockfile in another format.
fn is_berry(folder: &Path) -> bool {
    read_plain(&folder.join("yarn.lock"), 64 << 20)
        .is_some_and(|text| text.windows(11).take(1024).any(|w| w == b"__metadata:"))
}

/// Yarn 2 and later lie in the repository (`yarnPath`, to which yarn 1 hands over), or come from the npm registry in the
/// version that package.json names.
fn berry(folder: &Path) -> String {
    let text = |name: &str| read_plain(&folder.join(name), 1 << 20).map(|t| String::from_utf8_lossy(&t).into_owned());
    if text(".yarnrc.yml").is_some_and(|rc| rc.lines().any(|line| line.starts_with("yarnPath:"))) {
        return "yarn".to_owned();
    }
    let manifest = text("package.json").and_then(|json| serde_json::from_str::<serde_json::Value>(&json).ok());
    let wanted = manifest.as_ref().and_then(|m| m.get("packageManager")?.as_str()?.strip_prefix("yarn@"));
    let version: String = wanted.unwrap_or("4").chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    format!("npx --yes @yarnpkg/cli-dist@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(files: &[(&str, &str)], root_dir: &str, own: &str, without: bool) -> Option<Plan> {
        let dir = tempfile::tempdir().expect("a directory");
        let source = dir.path().canonicalize().expect("there");
        for (name, text) in files {
            let path = source.join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let program = Program { install_command: own.into(), ..Program::default() };
        plan(&program, &source, &source.join(root_dir), without)
    }

    #[test]
    fn the_nearest_lockfile_decides() {
        let json = ("package.json", "{}");
        let starts = |plan: Option<Plan>, command: &str| {
            let plan = plan.expect("a plan");
            assert!(plan.command.starts_with(command), "{plan:?}");
        };
        starts(planned(&[json, ("package-lock.json", "{}")], "", "", false), "npm ci");
        starts(planned(&[json, ("pnpm-lock.yaml", "")], "", "", false), "pnpm install --frozen");
        starts(planned(&[json, ("yarn.lock", "# yarn lockfile v1")], "", "", false), "yarn install --frozen");
        let berry = ("yarn.lock", "# x\n\n__metadata:\n");
        starts(planned(&[json, berry], "", "", false), "npx --yes @yarnpkg/cli-dist@4 install --immutable");
        let pinned = ("package.json", r#"{"packageManager":"yarn@3.6.1+sha512.x;id"}"#);
        starts(planned(&[pinned, berry], "", "", false), "npx --yes @yarnpkg/cli-dist@3.6.1 install");
        let own = (".yarnrc.yml", "yarnPath: .yarn/releases/yarn-3.6.1.cjs\n");
        starts(planned(&[json, berry, own], "", "", false), "yarn install --immutable");
        starts(planned(&[json, ("package-lock.json", "{}")], "", "", true), "npm install");
        starts(planned(&[json], "", "", false), "npm install");
        assert_eq!(planned(&[("app.json", "{}")], "", "", false), None);
        assert_eq!(planned(&[], "", "make deps", false).expect("a plan").command, "make deps");
    }

    #[test]
    fn a_workspace_is_installed_at_its_root() {
        let files = [("package.json", "{}"), ("pnpm-lock.yaml", ""), ("apps/shop/package.json", "{}")];
        let plan = planned(&files, "apps/shop", "", false).expect("a plan");
        assert_eq!((plan.folder.as_str(), plan.command.starts_with("pnpm")), ("", true));
        let own = [files[0], files[1], files[2], ("apps/shop/package-lock.json", "{}")];
        assert_eq!(planned(&own, "apps/shop", "", false).expect("a plan").folder, "apps/shop");
    }
}
