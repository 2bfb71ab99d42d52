//! Objects: a directory for now. `key` owns every path.

pub mod key;

use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

/// How much is read from a file at once.
const CHUNK: usize = 64 * 1024;

#[derive(Clone)]
pub struct Store {
    root: PathBuf,
}

/// Bytes on their way in: in the store, under no key yet.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Names it until it is kept or swept.
    pub id: String,
    pub path: PathBuf,
    pub bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// Why a stream was not staged.
pub enum Refused {
    TooLarge,
    Failed(anyhow::Error),
}

impl Store {
    pub fn directory(root: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(root.join(key::STAGED)).with_context(|| format!("cannot make {}", root.display()))?;
        Ok(Self { root })
    }

    /// Stores whole or not at all: a reader never sees half an object.
    pub async fn put(&self, key: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.root.join(key);
        let folder = path.parent().context("a key has a folder")?;
        tokio::fs::create_dir_all(folder).await?;
        let partial = path.with_extension("partial");
        tokio::fs::write(&partial, bytes).await?;
        tokio::fs::rename(&partial, &path).await?;
        Ok(())
    }

    /// `None` when there is no such object.
    pub async fn get(&self, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match tokio::fs::read(self.root.join(key)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Some bytes of an object, from the disk as they are wanted; `None` when there is no such object.
    pub async fn read(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> anyhow::Result<Option<impl Stream<Item = std::io::Result<Bytes>> + use<>>> {
        let mut file = match tokio::fs::File::open(self.root.join(key)).await {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        file.seek(SeekFrom::Start(range.start)).await?;
        Ok(Some(ReaderStream::with_capacity(file.take(range.end.saturating_sub(range.start)), CHUNK)))
    }

    /// True also when there was none.
    pub async fn delete(&self, key: &str) -> anyhow::Result<()> {
        match tokio::fs::remove_file(self.root.join(key)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Takes a stream in as it comes, at most `limit` bytes; never holds more than a piece of it in memory.
    pub async fn stage<E: Into<anyhow::Error>>(
        &self,
        stream: impl Stream<Item = Result<Bytes, E>>,
        limit: u64,
    ) -> Result<Staged, Refused> {
        let id = crate::model::new_id();
        let path = self.root.join(key::staged(&id));
        let staged = self.write_staged(&id, &path, stream, limit).await;
        if staged.is_err() {
            let _ = tokio::fs::remove_file(&path).await;
        }
        staged
    }

    async fn write_staged<E: Into<anyhow::Error>>(
        &self,
        id: &str,
        path: &Path,
        stream: impl Stream<Item = Result<Bytes, E>>,
        limit: u64,
    ) -> Result<Staged, Refused> {
        let failed = |error: std::io::Error| Refused::Failed(error.into());
        let mut file = tokio::fs::File::create(path).await.map_err(failed)?;
        let (mut hash, mut bytes) = (openssl::sha::Sha256::new(), 0u64);
        let mut stream = std::pin::pin!(stream);
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| Refused::Failed(error.into()))?;
            bytes += piece.len() as u64;
            if bytes > limit {
                return Err(Refused::TooLarge);
            }
            hash.update(&piece);
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.sync_all().await.map_err(failed)?;
        let sha256 = crate::model::hex_of(&hash.finish());
        Ok(Staged { id: id.to_owned(), path: path.to_owned(), bytes, sha256 })
    }

    /// What an earlier request staged; `None` when it was swept or never was.
    pub async fn staged(&self, id: &str) -> anyhow::Result<Option<Staged>> {
        ensure!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "not the name of staged bytes");
        let path = self.root.join(key::staged(id));
        if !path.is_file() {
            return Ok(None);
        }
        let read = path.clone();
        let (bytes, sha256) = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
            let (mut file, mut hash, mut bytes) = (std::fs::File::open(read)?, openssl::sha::Sha256::new(), 0u64);
            let mut piece = vec![0; CHUNK];
            loop {
                match std::io::Read::read(&mut file, &mut piece)? {
                    0 => return Ok((bytes, crate::model::hex_of(&hash.finish()))),
                    n => {
                        hash.update(&piece[..n]);
                        bytes += n as u64;
                    }
                }
            }
        })
        .await??;
        Ok(Some(Staged { id: id.to_owned(), path, bytes, sha256 }))
    }

    /// Makes staged bytes an object. The same key again is the same object.
    pub async fn keep(&self, staged: &Staged, key: &str) -> anyhow::Result<()> {
        let path = self.root.join(key);
        tokio::fs::create_dir_all(path.parent().context("a key has a folder")?).await?;
        Ok(tokio::fs::rename(&staged.path, &path).await?)
    }

    pub async fn drop_staged(&self, staged: &Staged) {
        let _ = tokio::fs::remove_file(&staged.path).await;
    }

    /// Bytes of all objects.
    pub async fn measure(&self) -> anyhow::Result<u64> {
        let root = self.root.clone();
        tokio::task::spawn_blocking(move || {
            let (mut bytes, mut folders) = (0, vec![root]);
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder)?.flatten() {
                    match entry.metadata() {
                        Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                        Ok(meta) => bytes += meta.len(),
                        Err(_) => {}
                    }
                }
            }
            Ok(bytes)
        })
        .await?
    }

    /// Removes what was staged and never kept.
    pub async fn sweep_staged(&self, older_than: Duration) -> anyhow::Result<()> {
        let mut folder = tokio::fs::read_dir(self.root.join(key::STAGED)).await?;
        while let Some(entry) = folder.next_entry().await? {
            let age = entry.metadata().await?.modified()?.elapsed().unwrap_or_default();
            if age > older_than {
                let _ = tokio::fs::remove_file(entry.path()).await;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(parts: &[&'static [u8]]) -> impl Stream<Item = std::io::Result<Bytes>> + use<> {
        futures::stream::iter(parts.iter().map(|part| Ok(Bytes::from_static(part))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn what_is_staged_is_kept_read_in_parts_and_swept() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::directory(dir.path().join("objects")).expect("made");
        let staged = store.stage(pieces(&[b"hello ", b"world"]), 11).await.ok().expect("staged");
        assert_eq!((staged.bytes, staged.sha256.len()), (11, 64));
        let again = store.staged(&staged.id).await.expect("read").expect("there");
        assert_eq!((again.bytes, &again.sha256), (11, &staged.sha256));
        store.keep(&staged, "packages/a").await.expect("kept");
        let part: Vec<_> = store.read("packages/a", 6..9).await.expect("read").expect("there").collect().await;
        assert_eq!(part.into_iter().map(|p| p.expect("read")).collect::<Vec<_>>().concat(), b"wor");
        assert!(store.read("packages/b", 0..1).await.expect("read").is_none());
        assert!(store.staged(&staged.id).await.expect("asked").is_none(), "kept");
        assert!(matches!(store.stage(pieces(&[b"too long"]), 7).await, Err(Refused::TooLarge)));
        assert!(store.staged("../../etc/passwd").await.is_err());
        store.stage(pieces(&[b"x"]), 7).await.ok().expect("staged");
        store.sweep_staged(Duration::ZERO).await.expect("swept");
        assert_eq!(std::fs::read_dir(dir.path().join("objects/staged")).expect("there").count(), 0);
    }
}
