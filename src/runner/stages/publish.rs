//! Publish: what prepare packed becomes an update of our own. No container, no key: the bytes are read here as anybody's.

use std::path::Path;

use tokio_util::io::ReaderStream;

use super::Prepared;
use crate::error::Error;
use crate::model::program::Program;
use crate::model::release::{Delivered, Failure};
use crate::model::update::Kind;
use crate::ops::updates;
use crate::runner::attempt::{Attempt, Halt, Stopped, fail};
use crate::store::Refused;

/// What prepare leaves where a platform's releases make updates.
const PACKAGE: &str = "update.wgt";

pub(super) async fn publish(
    attempt: &Attempt,
    program: &Program,
    prepared: &Prepared,
) -> Result<Option<Delivered>, Halt> {
    let (app, release) = (&attempt.runner.app, &attempt.release);
    let terms = release.parameters.terms.as_ref().ok_or_else(|| fail("internal", ""))?;
    let file = only_file(&prepared.package).ok_or_else(|| fail("bad_package", PACKAGE))?;
    let stream = ReaderStream::new(tokio::fs::File::open(&file).await?);
    let staged = app.store.stage(stream, app.config.package_limit).await.map_err(|refused| match refused {
        Refused::TooLarge => {
            let megabytes = app.config.package_limit / 1024 / 1024;
            Halt::Failed(Failure::new("package_too_large", "").args([&megabytes.to_string()]))
        }
        Refused::Failed(error) => Halt::Internal(error),
    })?;
    let made = async {
        let manifest = updates::inspect(&staged.path, Kind::WgtAndroid).await?;
        let manifest = manifest.ok_or_else(|| anyhow::anyhow!("a wgt has a manifest"))?;
        updates::publish(app, release, program, terms, &staged, &manifest).await
    };
    let made = made.await;
    app.store.drop_staged(&staged).await;
    let made = made.map_err(outcome)?.ok_or(Halt::Stopped(Stopped::Lost))?;
    for update in &made {
        let native = update.min_native.map(|code| format!(" for native build {code} and later")).unwrap_or_default();
        let line = format!(
            "{} {} ({}) in channel {}{native}",
            update.kind, update.version, update.version_code, update.channel
        );
        attempt.log.say("deliver", line).await;
    }
    attempt.log.say("deliver", format!("sha256 {}  {} bytes", staged.sha256, staged.bytes)).await;
    let receipt = updates::receipt_of(&made, app.clock.now()).ok_or_else(|| fail("internal", ""))?;
    Ok(Some(Delivered { receipt, sizes: prepared.sizes.clone(), qr_key: None, qr_expires_at: None }))
}

/// Exactly the one file: anything beside it would never reach a phone.
fn only_file(folder: &Path) -> Option<std::path::PathBuf> {
    let mut names = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
    let only = names.next().is_some_and(|name| name == PACKAGE) && names.next().is_none();
    only.then(|| folder.join(PACKAGE))
}

/// A rule that the package breaks is the project's to fix; its text is a failure's code with the same arguments.
fn outcome(error: Error) -> Halt {
    match error {
        Error::Invalid(fields) => match fields.into_iter().next() {
            Some(error) => {
                let code = error.text.key.rsplit('.').next().unwrap_or_default();
                let args = error.text.args.into_iter().map(|(_, value)| value).collect();
                Halt::Failed(Failure { args, ..Failure::new(code, "") })
            }
            None => fail("internal", ""),
        },
        Error::Internal(error) => Halt::Internal(error),
        other => Halt::Internal(anyhow::anyhow!("{other}")),
    }
}
