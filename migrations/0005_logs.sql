-- Stages that begin in a chunk (JSON), so that nobody unpacks a log to find them.
ALTER TABLE log_chunk ADD COLUMN marks TEXT NOT NULL DEFAULT '[]';

-- A finished log is one object of blocks; where each lies, and the stages in it (JSON). Its chunks are gone.
CREATE TABLE log_object (
    release_id TEXT PRIMARY KEY REFERENCES release (id) ON DELETE CASCADE,
    object_key TEXT NOT NULL,
    last_n BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    blocks TEXT NOT NULL,
    marks TEXT NOT NULL
);
