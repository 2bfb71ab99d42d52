//! Deliver: the only stage with a key. No repository code runs here, and a success needs a receipt.

use super::contained::{contain, why};
use super::{Prepared, read_result, vendor_failure};
use crate::model::release::{Action, Delivered, Failure, Receipt, Size, Stage};
use crate::ops::credentials;
use crate::platform::Platform;
use crate::runner::attempt::{Attempt, Halt, Stopped, fail};
use crate::runner::events::WorkerResult;
use crate::runner::mask::Mask;
use crate::runner::spec::Base;
use crate::runner::workspace;
use crate::store::key;

const MAX_QR: u64 = 4 * 1024 * 1024;

pub(super) async fn deliver(
    attempt: &Attempt,
    base: &Base<'_>,
    platform: &Platform,
    prepared: &Prepared,
) -> Result<Option<Delivered>, Halt> {
    let app = &attempt.runner.app;
    let secrets = credentials::open(app, &base.program.id).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let secrets = match secrets {
        Some(secrets) => secrets,
        None if !platform.needs_credential() => Default::default(),
        None => return Err(fail("no_credential", "")),
    };
    attempt.log.hide(Mask::new(secrets.values().map(String::as_str)));
    let nonce = crate::model::new_id();
    let job = base.workspace.write_job("deliver", &base.job(Stage::Deliver, &nonce))?;
    let folder = base.workspace.write_secrets(&secrets)?;
    let spec = base.worker(platform, Stage::Deliver, &prepared.package, job, Some(folder));
    attempt.delivering(true);
    let run = contain(attempt, Stage::Deliver, &spec, Some(&nonce)).await;
    attempt.delivering(false);
    base.workspace.remove_secrets();
    let run = run.map_err(|halt| match halt {
        // The engine went away: whether the upload had begun, nobody saw.
        Halt::Failed(failure) if failure.code == "engine_failed" => unsure(attempt, Halt::Failed(failure)),
        halt => halt,
    })?;

    let out = base.workspace.out("deliver");
    let (version, qr, qr_url, expires, sizes, vendor) = match read_result(&out) {
        Some(Ok(WorkerResult::Ok { version, qr, qr_url, qr_expires_at, sizes, vendor, .. })) => {
            (version, qr, qr_url, qr_expires_at, sizes, vendor)
        }
        // Stopped by us, the driver's own complaint about that says nothing.
        Some(Ok(WorkerResult::Failed { .. })) if run.canceled() => {
            return Err(unsure(attempt, attempt.stopper.halt()));
        }
        Some(Ok(WorkerResult::Failed { code, message, path })) => {
            let failure = vendor_failure(platform, &code, &message, path);
            let uncertain = platform.errors.iter().any(|known| known.code == failure.code && known.uncertain);
            let halt = Halt::Failed(failure);
            return Err(if uncertain { unsure(attempt, halt) } else { halt });
        }
        Some(Err(error)) => return Err(unsure(attempt, fail("bad_result", error))),
        // Not a word: the status can say why, but never that it worked.
        None => {
            return Err(unsure(
                attempt,
                why(attempt, &run, "deliver_failed").unwrap_or_else(|| fail("no_receipt", "")),
            ));
        }
    };
    let qr_key = match qr {
        Some(name) => Some(store_qr(attempt, &out.join(name)).await?),
        None => None,
    };
    if qr_key.is_none() && attempt.release.parameters.action == Action::Preview {
        return Err(fail("no_qr", ""));
    }
    let now = app.clock.now();
    // The vendor's word, else what its manifest says it usually is.
    let usual = platform.qr_ttl(attempt.release.parameters.action).map(|ttl| now + ttl);
    let qr_expires_at = qr_key.as_ref().and(expires.filter(|at| *at > now).or(usual));
    let receipt = Receipt { version, qr_url, vendor: mask_json(attempt, vendor), received_at: now };
    let sizes = if sizes.is_empty() { prepared.sizes.clone() } else { with_limits(sizes, prepared) };
    Ok(Some(Delivered { receipt, sizes, qr_key, qr_expires_at }))
}

/// The vendor's word on sizes, with the limits that prepare found.
fn with_limits(mut sizes: Vec<Size>, prepared: &Prepared) -> Vec<Size> {
    for size in &mut sizes {
        size.limit = prepared.sizes.iter().find(|known| known.name == size.name).and_then(|known| known.limit);
    }
    sizes
}

/// An upload that ended without a word may have arrived: a person decides. A preview only costs another try.
fn unsure(attempt: &Attempt, halt: Halt) -> Halt {
    match halt {
        halt if attempt.release.parameters.action == Action::Preview => halt,
        Halt::Failed(failure) => Halt::Unconfirmed(failure),
        Halt::Stopped(Stopped::Canceled) => Halt::Unconfirmed(Failure::new("canceled_delivering", "")),
        halt => halt,
    }
}

async fn store_qr(attempt: &Attempt, path: &std::path::Path) -> Result<String, Halt> {
    let bytes = workspace::read_plain(path, MAX_QR).ok_or_else(|| fail("bad_result", "no QR image"))?;
    let (extension, _) = key::image_type(&bytes).ok_or_else(|| fail("bad_result", "the QR is no image"))?;
    let key = key::qr(&attempt.release.id, attempt.release.attempt, extension);
    attempt.runner.app.store.put(&key, &bytes).await?;
    Ok(key)
}

/// The receipt is stored and shown: it is masked like the log.
fn mask_json(attempt: &Attempt, value: serde_json::Value) -> serde_json::Value {
    let masked = attempt.log.mask().apply(value.to_string());
    serde_json::from_str(&masked).unwrap_or(serde_json::Value::Null)
}
