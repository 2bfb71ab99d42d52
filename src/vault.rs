//! Seals and opens secrets with the master key (AES-256-GCM). Knows nothing of what they mean.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use openssl::pkey::{Id, PKey, Private};
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};

use crate::model::hex_of;

/// First byte of a sealed value: which format and key generation made it.
const FORMAT: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

#[derive(Clone)]
pub struct Vault {
    key: Arc<[u8; 32]>,
}

impl Vault {
    /// From 64 hex digits, or the file that holds them, made with mode 0600 where it is missing.
    pub fn open(hex: Option<&str>, file: &Path) -> anyhow::Result<Self> {
        if let Some(hex) = hex {
            return Self::from_hex(hex).context("SAMPAN_MASTER_KEY");
        }
        if !file.exists() {
            let mut key = [0; 32];
            openssl::rand::rand_bytes(&mut key)?;
            let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            writeln!(made.with_context(|| format!("cannot make {}", file.display()))?, "{}", hex_of(&key))?;
        }
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::from_hex(text.trim()).with_context(|| format!("{}", file.display()))
    }

    fn from_hex(hex: &str) -> anyhow::Result<Self> {
        ensure!(hex.len() == 64 && hex.is_ascii(), "a master key is 64 hex digits");
        let mut key = [0; 32];
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).context("a master key is 64 hex digits")?;
        }
        Ok(Self { key: Arc::new(key) })
    }

    /// `context` (such as the owner's id) must be the same at [`Vault::unseal`]: a sealed value cannot be moved elsewhere.
    pub fn seal(&self, context: &str, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        openssl::rand::rand_bytes(&mut nonce)?;
        let mut tag = [0; TAG];
        let body = encrypt_aead(Cipher::aes_256_gcm(), &*self.key, Some(&nonce), context.as_bytes(), plain, &mut tag)?;
        Ok([&[FORMAT][..], &nonce, &tag, &body].concat())
    }

    pub fn unseal(&self, context: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
        ensure!(sealed.len() > 1 + NONCE + TAG && sealed[0] == FORMAT, "not a sealed value of this version");
        let (nonce, rest) = sealed[1..].split_at(NONCE);
        let (tag, body) = rest.split_at(TAG);
        decrypt_aead(Cipher::aes_256_gcm(), &*self.key, Some(nonce), context.as_bytes(), body, tag)
            .context("the master key does not open this secret")
    }

    /// A text that only this key can have made: tells the right key from a wrong one.
    pub fn proof(&self, purpose: &str) -> anyhow::Result<String> {
        Ok(hex_of(&self.derive(purpose)?[..16]))
    }

    pub fn opens(&self, purpose: &str, proof: &str) -> anyhow::Result<()> {
        ensure!(self.proof(purpose)? == proof, "another key");
        Ok(())
    }

    /// A fresh Ed25519 key, sealed for `context`.
    pub fn new_signing_key(&self, context: &str) -> anyhow::Result<Vec<u8>> {
        self.seal(context, &PKey::generate_ed25519()?.raw_private_key()?)
    }

    /// The key that [`Vault::new_signing_key`] sealed.
    pub fn signer(&self, context: &str, sealed: &[u8]) -> anyhow::Result<Signer> {
        let raw = self.unseal(context, sealed)?;
        Ok(Signer { key: PKey::private_key_from_raw_bytes(&raw, Id::ED25519)? })
    }

    /// A key for another purpose, derived so that the master key itself is used for nothing else.
    pub fn derive(&self, purpose: &str) -> anyhow::Result<[u8; 64]> {
        let key = openssl::pkey::PKey::hmac(&*self.key)?;
        let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha512(), &key)?;
        let mac = signer.sign_oneshot_to_vec(purpose.as_bytes())?;
        mac.try_into().map_err(|_| anyhow::anyhow!("SHA-512 gives 64 bytes"))
    }
}

/// Signs with Ed25519.
#[derive(Clone)]
pub struct Signer {
    key: PKey<Private>,
}

impl Signer {
    /// Lower-case hex, 128 digits.
    pub fn sign(&self, text: &str) -> anyhow::Result<String> {
        let mut signer = openssl::sign::Signer::new_without_digest(&self.key)?;
        Ok(hex_of(&signer.sign_oneshot_to_vec(text.as_bytes())?))
    }

    /// The public key in PEM, for whoever verifies.
    pub fn public_pem(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8(self.key.public_key_to_pem()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_and_refuses_strangers() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("master.key");
        let vault = Vault::open(None, &file).expect("made");
        let sealed = vault.seal("program-1", b"secret").expect("sealed");
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        let again = Vault::open(None, &file).expect("read");
        assert_eq!(again.unseal("program-1", &sealed).expect("opened"), b"secret");
        assert!(again.unseal("program-2", &sealed).is_err(), "bound to its owner");
        let other = Vault::open(Some(&"ab".repeat(32)), &file).expect("given");
        assert!(other.unseal("program-1", &sealed).is_err());
        assert!(Vault::open(Some("short"), &file).is_err());
    }

    #[test]
    fn signatures_verify_with_the_public_key_alone() {
        let vault = Vault::open(Some(&"ab".repeat(32)), Path::new("/nowhere")).expect("given");
        let sealed = vault.new_signing_key("updates").expect("made");
        let signer = vault.signer("updates", &sealed).expect("opened");
        let signature = signer.sign("text").expect("signed");
        let bytes: Vec<u8> = crate::model::bytes_of(&signature).expect("hex");
        let public = PKey::public_key_from_pem(signer.public_pem().expect("PEM").as_bytes()).expect("a key");
        let verify = |text: &str| {
            let mut verifier = openssl::sign::Verifier::new_without_digest(&public).expect("a verifier");
            verifier.verify_oneshot(&bytes, text.as_bytes()).expect("an answer")
        };
        assert!(verify("text") && !verify("other"));
        assert!(vault.signer("elsewhere", &sealed).is_err(), "bound to its purpose");
    }
}
