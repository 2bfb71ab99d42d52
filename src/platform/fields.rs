//! Validates what people type against a platform's fields.

use std::collections::BTreeMap;

use openssl::pkey::{Id, PKey};
use serde_json::Value;

use super::manifest::{Field, FieldScope, Kind, Platform};
use crate::error::{Error, FieldError, Result, Text};
use crate::model::credential::Secrets;
use crate::model::program::Options;
use crate::model::release::Action;

/// Form names of fields are prefixed, so that a platform's field never hides one of ours.
pub const PREFIX: &str = "options.";

/// Options from a program's form: absent means the field's default, or nothing where it has none.
pub fn options(platform: &Platform, form: &BTreeMap<String, String>) -> Result<Options> {
    read(platform.fields(FieldScope::Option), form)
}

/// The same from a publish form, for what is asked at every release.
pub fn asked(platform: &Platform, action: Action, form: &BTreeMap<String, String>) -> Result<Options> {
    read(platform.asked(action), form)
}

/// As a form shows a value again.
pub fn shown(value: &Value) -> String {
    value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string())
}

fn read<'f>(fields: impl Iterator<Item = &'f Field>, form: &BTreeMap<String, String>) -> Result<Options> {
    let mut errors = Vec::new();
    let mut options = Options::new();
    for field in fields {
        let name = format!("{PREFIX}{}", field.name);
        let given = form.get(&name).map(|text| text.trim()).filter(|text| !text.is_empty());
        match option(field, given) {
            Ok(Some(value)) => {
                options.insert(field.name.clone(), value);
            }
            Ok(None) => {}
            Err(text) => errors.push(FieldError { field: name, text }),
        }
    }
    if errors.is_empty() { Ok(options) } else { Err(Error::Invalid(errors)) }
}

fn option(field: &Field, given: Option<&str>) -> std::result::Result<Option<Value>, Text> {
    let Some(text) = given else {
        return match &field.default {
            Some(default) => Ok(Some(default.clone())),
            None if field.required => Err(Text::new("errors.required")),
            None => Ok(None),
        };
    };
    match field.kind {
        Kind::Text | Kind::PemRsa | Kind::RsaPkcs8 => Ok(Some(text.into())),
        Kind::Bool => match text {
            "true" | "on" => Ok(Some(true.into())),
            "false" => Ok(Some(false.into())),
            _ => Err(Text::new("errors.choice")),
        },
        Kind::Choice => {
            if field.choices.iter().any(|choice| choice == text) {
                Ok(Some(text.into()))
            } else {
                Err(Text::new("errors.choice"))
            }
        }
        Kind::Number => {
            let (min, max) = (field.min.unwrap_or(i64::MIN), field.max.unwrap_or(i64::MAX));
            match text.parse::<i64>() {
                Ok(n) if (min..=max).contains(&n) => Ok(Some(n.into())),
                _ => Err(Text::new("errors.number_range").arg("min", min.to_string()).arg("max", max.to_string())),
            }
        }
    }
}

/// A complete credential from a form, and its fingerprint.
pub fn credential(platform: &Platform, form: &BTreeMap<String, String>) -> Result<(Secrets, String)> {
    let mut errors = Vec::new();
    let mut secrets = Secrets::new();
    let mut fingerprint = None;
    for field in platform.fields(FieldScope::Credential) {
        let given = form.get(&field.name).map(String::as_str).unwrap_or_default();
        let checked = match field.kind {
            _ if given.trim().is_empty() && field.required => Err(Text::new("errors.required")),
            _ if given.trim().is_empty() => continue,
            Kind::PemRsa | Kind::RsaPkcs8 => {
                let key = if field.kind == Kind::PemRsa { pem_rsa(given) } else { rsa_pkcs8(given) };
                key.map(|(pem, print)| {
                    fingerprint.get_or_insert(print);
                    pem
                })
            }
            _ => Ok(given.trim().to_owned()),
        };
        match checked {
            Ok(value) => {
                secrets.insert(field.name.clone(), value);
            }
            Err(text) => errors.push(FieldError { field: field.name.clone(), text }),
        }
    }
    let complete = |set: &&Vec<String>| set.iter().all(|name| secrets.contains_key(name));
    if errors.is_empty() && !platform.credential_sets.is_empty() {
        match platform.credential_sets.iter().find(complete) {
            // What belongs to another way in would only confuse.
            Some(set) => secrets.retain(|name, _| set.contains(name)),
            None => {
                let field = missing(platform, &secrets);
                errors.push(FieldError { field, text: Text::new("errors.credential_incomplete") });
            }
        }
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let all = serde_json::to_vec(&secrets)?;
    Ok((secrets, fingerprint.unwrap_or_else(|| fingerprint_of(&all))))
}

/// The field to point at: the first gap of the set that was begun, else of the first one.
fn missing(platform: &Platform, secrets: &Secrets) -> String {
    let begun = platform.credential_sets.iter().find(|set| set.iter().any(|name| secrets.contains_key(name)));
    let set = begun.or_else(|| platform.credential_sets.first());
    set.into_iter().flatten().find(|name| !secrets.contains_key(*name)).cloned().unwrap_or_default()
}

/// Also bare base64, as some vendors' key tools write it; gives PKCS#8 in PEM.
fn rsa_pkcs8(given: &str) -> std::result::Result<(String, String), Text> {
    let text = given.trim_start_matches('\u{feff}').trim();
    let pem = match text.contains("-----") {
        true => given.to_owned(),
        false => {
            let bare: String = text.split_whitespace().collect();
            let der = openssl::base64::decode_block(&bare).map_err(|_| Text::new("errors.key_not_base64"))?;
            if PKey::public_key_from_der(&der).is_ok() {
                return Err(Text::new("errors.key_public"));
            }
            let key = PKey::private_key_from_der(&der).map_err(|_| Text::new("errors.key_broken"))?;
            let pem = key.private_key_to_pem_pkcs8().map_err(|_| Text::new("errors.key_broken"))?;
            String::from_utf8_lossy(&pem).into_owned()
        }
    };
    let (pem, print) = pem_rsa(&pem)?;
    let key = PKey::private_key_from_pem(pem.as_bytes()).map_err(|_| Text::new("errors.key_broken"))?;
    let pkcs8 = key.private_key_to_pem_pkcs8().map_err(|_| Text::new("errors.key_broken"))?;
    Ok((String::from_utf8_lossy(&pkcs8).into_owned(), print))
}

/// Accepts PKCS#1 and PKCS#8, CRLF and a byte order mark; says what else it was given.
fn pem_rsa(given: &str) -> std::result::Result<(String, String), Text> {
    let pem = given.trim_start_matches('\u{feff}').trim().replace("\r\n", "\n") + "\n";
    if pem.contains("PUBLIC KEY") {
        return Err(Text::new("errors.key_public"));
    }
    if !pem.contains("-----BEGIN") {
        return Err(Text::new("errors.key_not_pem"));
    }
    if pem.contains("\\n") || pem.trim().lines().count() < 3 {
        return Err(Text::new("errors.key_one_line"));
    }
    if pem.contains("ENCRYPTED") {
        return Err(Text::new("errors.key_encrypted"));
    }
    let key = PKey::private_key_from_pem(pem.as_bytes()).map_err(|_| Text::new("errors.key_broken"))?;
    if key.id() != Id::RSA {
        return Err(Text::new("errors.key_not_rsa"));
    }
    let valid = key.rsa().and_then(|rsa| rsa.check_key()).unwrap_or(false);
    let public = key.public_key_to_der().map_err(|_| Text::new("errors.key_broken"))?;
    if valid { Ok((pem, fingerprint_of(&public))) } else { Err(Text::new("errors.key_broken")) }
}

/// Tells two secrets apart without telling either.
pub fn fingerprint_of(bytes: &[u8]) -> String {
    let digest = openssl::sha::sha256(bytes);
    let hex: Vec<String> = digest[..10].iter().map(|b| format!("{b:02x}")).collect();
    format!("SHA256:{}", hex.join(":"))
}

#[cfg(test)]
mod tests {
    use super::{pem_rsa, rsa_pkcs8};
    use openssl::{ec::EcGroup, ec::EcKey, nid::Nid, pkey::PKey, rsa::Rsa};

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("PEM is text")
    }

    #[test]
    fn keys_as_people_paste_them() {
        let rsa = Rsa::generate(2048).expect("a key");
        let pkcs1 = text(rsa.private_key_to_pem().expect("PEM"));
        let pkey = PKey::from_rsa(rsa).expect("a key");
        let pkcs8 = text(pkey.private_key_to_pem_pkcs8().expect("PEM"));
        let windows = format!("\u{feff}{}", pkcs1.replace('\n', "\r\n"));
        let prints: Vec<_> = [&pkcs1, &pkcs8, &windows].iter().map(|pem| pem_rsa(pem).expect("accepted").1).collect();
        assert!(prints.iter().all(|print| print == &prints[0]), "one key, one fingerprint");

        let ec = EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve")).expect("a key");
        let ec = text(PKey::from_ec_key(ec).expect("a key").private_key_to_pem_pkcs8().expect("PEM"));
        for (bad, key) in [
            (text(pkey.public_key_to_pem().expect("PEM")), "errors.key_public"),
            (pkcs1.replace('\n', ""), "errors.key_one_line"),
            (pkcs1.replace('\n', "\\n"), "errors.key_one_line"),
            (ec, "errors.key_not_rsa"),
            (pkcs1.replacen("MI", "MA", 1), "errors.key_broken"),
            ("hello".to_owned(), "errors.key_not_pem"),
        ] {
            assert_eq!(pem_rsa(&bad).expect_err("refused").key, key);
        }

        let bare: String = pkcs8.lines().filter(|line| !line.starts_with("-----")).collect();
        let wrapped = bare.as_bytes().chunks(40).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        for good in [&pkcs1, &pkcs8, &bare, &wrapped] {
            assert_eq!(rsa_pkcs8(good).expect("accepted"), (pkcs8.clone(), prints[0].clone()));
        }
        let public = text(pkey.public_key_to_pem().expect("PEM"));
        let bare_public: String = public.lines().filter(|line| !line.starts_with("-----")).collect();
        for (bad, key) in [
            ("not a key".to_owned(), "errors.key_not_base64"),
            (bare_public, "errors.key_public"),
            (bare[..bare.len() / 2].to_owned(), "errors.key_not_base64"),
            (bare.replacen("MII", "MAI", 1), "errors.key_broken"),
            (public, "errors.key_public"),
        ] {
            assert!([key, "errors.key_broken"].contains(&rsa_pkcs8(&bad).expect_err("refused").key), "{key}");
        }
    }
}
